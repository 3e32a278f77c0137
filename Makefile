# Everything a person does with a checkout. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.SILENT:

VENV := .venv
VENV_OLD := .venv-2.16
LINK := .collections/ansible_collections/mink8s/kubernetes
SANDBOX := python3 tests/sandbox
# Not the name of the group, which Ansible would take for this host alone.
NODE := mink8s-1
NODES := 1
# The nodes that join the cluster of the first.
WORKERS := $(patsubst %,$(NODE:-1=)-%,$(shell seq 2 $(NODES)))
ARGS ?= get pods --all-namespaces
# What a release that is made here has to have: one of the sets of tests/sandbox/release.py.
PROGRAMS := components
COMPONENTS :=
WITH_COMPONENTS = -e '{"cluster_components": [etcd, kube-apiserver, $(COMPONENTS)]}'
export MINK8S_INVENTORY := $(CURDIR)/.sandbox
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
say = echo "==> $(1)"

define SHARED

    cluster_authentication: certificates
  children:
    workers:
      hosts: {$(foreach name,$(WORKERS),$(name): ,)}
      vars: {cluster_control_plane: $(NODE)}
endef
define HOSTS
mink8s:
  hosts:
    $(NODE):
  vars:
    ansible_connection: community.docker.docker
    ansible_user: root
    ansible_python_interpreter: /usr/bin/python3$(if $(WORKERS),$(SHARED))
endef
export HOSTS

.PHONY: help
help: ## list what there is
	grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/make \1\t\2/' | expand -t 20

.PHONY: up
up: PROGRAMS := $(if $(COMPONENTS),components,cluster)
up: ## a cluster in a throw-away node, or in NODES=; COMPONENTS=, CONTAINER_RUNTIME=, VERSION= and ARTIFACTS= as in the README
	$(MAKE) --no-print-directory --jobs=2 PROGRAMS=$(PROGRAMS) $(VENV)/done inventory
	$(call say,creating $(NODE) $(WORKERS))
	printf '%s\n' $(NODE) $(WORKERS) | xargs --max-procs=3 -n 1 $(SANDBOX) node >/dev/null
	$(call say,making it a cluster (about a minute))
	ansible-playbook -i $(MINK8S_INVENTORY)/hosts.yml playbooks/site.yml tests/sandbox/images.yml \
		$(if $(COMPONENTS),$(WITH_COMPONENTS))
	docker exec $(NODE) kubectl get nodes -o wide
	docker exec $(NODE) kubectl get pods -A
	echo "Next: make kubectl ARGS='get pods -A', make status, make shell, make down"

.PHONY: kubectl
kubectl: ## run kubectl in the node: make kubectl ARGS='get nodes'
	docker exec $(NODE) kubectl $(ARGS)

.PHONY: status
status: ## what there is of Kubernetes in each node, as a table and as a page with a map
	ansible-playbook -i $(MINK8S_INVENTORY)/hosts.yml playbooks/status.yml

.PHONY: shell
shell: ## a shell in the node
	docker exec -it $(NODE) bash

.PHONY: down
down: ## remove the nodes and what served them
	docker ps --all --filter 'name=^$(NODE:-1=)(-[0-9]+)?$$' --format '{{.Names}}' | xargs --no-run-if-empty -n 1 $(SANDBOX) node-rm
	$(SANDBOX) mirror-rm

.PHONY: test
test: lint unit integration sanity e2e ## everything below

.PHONY: lint
lint: test-setup ## ansible-lint, yamllint, ruff, mypy, vermin, changelog, README, docs/ladder.md
	yamllint --strict .
	ansible-lint
	ruff check .
	ruff format --check .
	mypy
	vermin --quiet --no-tips --target=3.8- --exclude typing.TypeAlias --exclude tomllib plugins
	antsibull-changelog lint
	python tests/readme.py --check
	python tests/ladder.py --check

.PHONY: unit
unit: test-setup ## what needs no cluster, with both ends of the ansible-core range
	printf '%s\n' $(VENV) $(VENV_OLD) | xargs --max-procs=2 -I VENV env VENV/bin/pytest -q tests/unit

.PHONY: integration
integration: test-setup inventory ## the modules against a real etcd and kube-apiserver, with both ends of the range
	printf '%s\n' $(VENV) $(VENV_OLD) | xargs --max-procs=2 -I VENV env VENV/bin/pytest -q tests/integration

.PHONY: sanity
sanity: test-setup test-tools ## ansible-test sanity, with both ends of the range
	tests/sanity.sh $(VENV)
	tests/sanity.sh $(VENV_OLD)

.PHONY: e2e
e2e: test-setup test-tools inventory ## whole clusters on real nodes, as far as today has them; CONTAINER_RUNTIME=containerd, AUTHENTICATION=certificates, ARTIFACTS=DIR VERSION=vX for others
	molecule test --scenario-name default
	molecule test --scenario-name nodes
	python tests/week.py

.PHONY: faults
faults: test-setup inventory ## every fault it is to survive (more than an hour); writes the table of docs/faults.md
	rm -f $(MINK8S_INVENTORY)/faults.jsonl
	pytest -q tests/faults --results $(MINK8S_INVENTORY)/faults.jsonl && passed=true || passed=false; \
		python tests/faults/report.py $(MINK8S_INVENTORY)/faults.jsonl; $$passed

.PHONY: machines
machines: test-setup inventory ## machines with a kernel of their own, in QEMU (an hour where they are emulated)
	pytest -q tests/machines

.PHONY: conformance
conformance: ARGS =
conformance: test-setup inventory ## Kubernetes' own conformance tests; writes docs/conformance.md; ARGS=--quick for less
	python tests/conformance $(ARGS)

.PHONY: bench
bench: ARGS =
bench: PROGRAMS := all
bench: test-setup inventory ## how fast it is (two hours); writes docs/performance.*; ARGS='--only again,check --runs 1' for less
	python tests/bench $(ARGS)

.PHONY: ladder
ladder: test-setup inventory ## docs/ladder.md, with the memory each component takes
	python tests/ladder.py --measure

.PHONY: setup
setup: $(VENV)/done $(LINK) ## ansible-core, to use the collection from this checkout

.PHONY: test-setup
test-setup: $(VENV)/test-done $(VENV_OLD)/done $(LINK) ## what the tests need: virtual environments, Docker
	$(SANDBOX) host

.PHONY: test-tools
test-tools:
	$(SANDBOX) test-tools

.PHONY: inventory
inventory: $(LINK)
	mkdir -p $(MINK8S_INVENTORY)/group_vars
	printf '%s\n' "$$HOSTS" >$(MINK8S_INVENTORY)/hosts.yml
	$(SANDBOX) vars --programs $(PROGRAMS) >$(MINK8S_INVENTORY)/vars.new
	mv $(MINK8S_INVENTORY)/vars.new $(MINK8S_INVENTORY)/group_vars/mink8s.yml

$(VENV)/done: requirements.txt requirements-test.txt
	$(SANDBOX) venv $(VENV) requirements.txt --connect requirements-test.txt
	touch $@

$(VENV)/test-done: $(VENV)/done requirements-test.txt
	$(SANDBOX) venv $(VENV) requirements-test.txt
	touch $@

$(VENV_OLD)/done: requirements-2.16.txt
	$(SANDBOX) venv $(VENV_OLD) requirements-2.16.txt
	touch $@

$(LINK):
	mkdir -p $(dir $(LINK))
	ln -s ../../.. $(LINK)
