"""Write docs/ladder.md from templates and measured memory; --check only compares, --measure measures.

CONTAINER_RUNTIME in the environment says with which one it measures; empty for the release's own.
"""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rendering import MANIFESTS, ROOT, Rendered, render, variables

sys.path.append(str(ROOT / "tests" / "e2e"))

from container_runtime import RUNTIMES, of

PAGE, MEMORY = ROOT / "docs" / "ladder.md", ROOT / "docs" / "ladder.json"
BEGIN, END = "<!-- rungs: written by tests/ladder.py -->\n", "<!-- end of rungs -->"
NODE = "mink8s-ladder-memory"
# A kube-apiserver that was told to end answers its last requests for up to a minute.
SETTLED_SECONDS = 80
ARTICLE = ("etcd", "kube-apiserver")
# What it is without, and what it is compared with, with the oldest release that has both.
RUNTIME, OTHER = "docker", "containerd"
DAEMONS = ("kubelet", "dockerd", "containerd", "containerd-shim")


@dataclass(frozen=True)
class Rung:
    """A component, what works with it that did not before, and what a person tries then."""

    component: str
    works: str
    tried: str


RUNGS = (
    Rung(
        "kube-controller-manager",
        "Deployments make pods, which wait for a node; Services get Endpoints; a namespace gets its\n"
        "default ServiceAccount with a token, and is gone when it is deleted; what an owner leaves is\n"
        "removed.",
        "kubectl create deployment web --image=nginx",
    ),
    Rung(
        "kube-scheduler",
        "Pods get a node without `nodeName`.",
        "kubectl get pods --output wide",
    ),
    Rung(
        "kube-proxy",
        "The address of a Service leads to its pods, from pods and from the host, and a NodePort from\n"
        "outside. Pods reach the API at 10.0.0.1 if `cluster_apiserver_bind_address` is 0.0.0.0.",
        "kubectl expose deployment web --port=80 --type=NodePort",
    ),
    Rung(
        "coredns",
        "Names of Services and pods resolve in pods, and all others as they do on the host.",
        "kubectl run try --rm -it --image=busybox -- wget -O - http://web",
    ),
)
# The last rung: a host with the control plane, and one that joins it.
NODES = [
    {"name": "host-1", "address": "192.0.2.7", "subnet": "10.244.0.0/24"},
    {"name": "host-2", "address": "192.0.2.8", "subnet": "10.244.1.0/24"},
]
MEASURE = """
import re
from pathlib import Path
total = {}
for process in Path("/proc").glob("[0-9]*"):
    try:
        name, text = (process / "comm").read_text().strip(), (process / "smaps_rollup").read_text()
    except OSError:
        continue
    if name in ("etcd", "coredns", "kubelet", "dockerd") or name.startswith(("kube-", "containerd")):
        total[name] = total.get(name, 0) + int(re.search(r"^Rss: +(\\d+) kB", text, re.M)[1]) * 1024
print(__import__("json").dumps(total))
"""


def climbs() -> Iterator[tuple[str, ...]]:
    """The components on each rung, the article's first."""
    components = list(ARTICLE)
    yield tuple(components)
    for rung in RUNGS:
        components.append(rung.component)
        yield tuple(components)


def of_nodes() -> dict[str, dict[str, Any]]:
    """The variables of the hosts of a cluster of two, as the roles have them in a run for both."""
    shared = {
        "cluster_components": list([*climbs()][-1]),
        "cluster_authentication": "certificates",
        "cluster_hosts": [node["name"] for node in NODES],
        "__cluster_nodes": NODES,
        "__cluster_peers": [],
    }
    joins = {
        "cluster_node_name": NODES[1]["name"],
        "cluster_address": NODES[1]["address"],
        "__cluster_has_control_plane": False,
        "__cluster_host_runs": ["every node"],
        "__cluster_control_plane_address": NODES[0]["address"],
    }
    return {
        node["name"]: {**shared, **(joins if number else {}), "__cluster_subnet_result": node}
        for number, node in enumerate(NODES)
    }


def rendered() -> tuple[list[Rendered], list[Rendered], dict[str, Rendered]]:
    """The cluster on each rung, as the article has it and with certificates; and others by name.

    Those are with each runtime, and the hosts of the last rung.
    """
    clusters: dict[str, dict[str, Any]] = {
        f"{number}{authentication}": {
            "cluster_components": list(components),
            "cluster_authentication": authentication,
        }
        for number, components in enumerate(climbs())
        for authentication in ("none", "certificates")
    }
    for runtime in (RUNTIME, OTHER):
        clusters[runtime] = {"cluster_version": with_both(), "cluster_container_runtime": runtime}
    others = {runtime: clusters[runtime] for runtime in (RUNTIME, OTHER)} | of_nodes()
    with tempfile.TemporaryDirectory() as directory:
        found = render({**clusters, **others}, Path(directory))
    both = ("none", "certificates")
    plain, certain = ([found[f"{number}{kind}"] for number in range(len(RUNGS) + 1)] for kind in both)
    return plain, certain, {name: found[name] for name in others}


def with_both() -> str:
    """The oldest release whose kubelet can use both container runtimes."""
    table = variables("release", "vars")["release_table"]
    row = next(row for row in table.values() if OTHER in row["container_runtimes"])
    return str([*row["checksums"]][-1])


def lines_of(cluster: Rendered) -> int:
    """How many lines of manifests a cluster has, without comments."""
    texts = [text for path, text in cluster.items() if path.startswith(MANIFESTS)]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in lines)


def difference(before: str, after: str) -> str:
    """The lines that go and come, each with three around it."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def block(kind: str, text: str) -> str:
    """A block of code."""
    return f"```{kind}\n{text.strip()}\n```\n"


def section(number: int, plain: list[Rendered], certain: list[Rendered], memory: dict[str, int]) -> str:
    """What the page says of a rung."""
    rung, before, after = RUNGS[number - 1], plain[number - 1], plain[number]
    path = f"{MANIFESTS}/{rung.component}.yaml"
    parts = [
        f"## {number}. {rung.component}\n",
        f"{rung.works}\n",
        f"    {rung.tried}\n",
        f"`{path}`, {lines_of(after) - lines_of(before)} lines more; {lines_of(after)} in all."
        f" {_memory(memory, rung.component)}\n",
        block("yaml", after[path]),
    ]
    for other in sorted(after.keys() - {path}):
        if other not in before and not other.startswith("/root/"):
            kind = "yaml" if other.endswith(".conf") else ""
            parts += [f"New beside it, `{other}`:\n", block(kind, after[other])]
        elif before.get(other) != after[other]:
            parts += [
                f"Changed elsewhere, `{other}`, so what reads it starts anew:\n",
                block("diff", difference(before[other], after[other])),
            ]
    parts += [
        "With `cluster_authentication: certificates` the manifest differs in this:\n",
        block("diff", difference(after[path], certain[number][path])),
    ]
    return "\n".join(parts)


def _memory(memory: dict[str, int], component: str) -> str:
    # The kernel keeps 15 characters of a name.
    size = memory.get(component[:15])
    return f"It takes {size / 2**20:.0f} MiB of memory." if size else "Its memory was not measured."


def article(plain: list[Rendered], memory: dict[str, int]) -> str:
    """What the page says of the start."""
    sizes = " ".join(f"{name}: {_memory(memory, name)}" for name in ARTICLE)
    manifests = [block("yaml", plain[0][f"{MANIFESTS}/{name}.yaml"]) for name in ARTICLE]
    return "\n".join(
        ["## 0. The article\n", f"{lines_of(plain[0])} lines of manifests. {sizes}\n", *manifests]
    )


def several_nodes(alone: Rendered, hosts: list[Rendered], with_network: Rendered) -> str:
    """What the page says of the last rung.

    alone: the first host before the other joins it. with_network: a host that has the pod network already.
    """
    (first, second), (here, there) = hosts, NODES
    loopback, address = (f"https://{each}:6443" for each in ("127.0.0.1", here["address"]))
    moved = [path for path in alone if alone[path] != first[path] == alone[path].replace(loopback, address)]
    # Whoever asks it, and the pod network, have sections of their own.
    before = {**alone, **{path: first[path] for path in moved}}
    before.update({path: with_network[path] for path in first if path not in before})
    parts = [
        f"## {len(RUNGS) + 1}. several nodes\n",
        "One more host, one more node: the scheduler has more of them, and pods reach each other by address\n"
        "and by Service. `cluster_control_plane` of a host names the one whose cluster it joins,\n"
        "[and this page](nodes.md) has the rest. It needs certificates.\n",
        "    kubectl get pods --output wide\n",
        f"Here {there['name']} joins {here['name']}, on which all components run already. With Docker, too,"
        f" pods are in [the network that CNI plugins make](#with-{OTHER}), with a route to those of the other"
        f" node, so its unit is compared with the one there. On {here['name']} this changes:\n",
        *changes(Rendered(before), first),
        f"kube-apiserver is asked at {address} instead of {loopback}, in"
        f" {', '.join(f'`{path}`' for path in sorted(moved))}.\n",
        f"{there['name']} has {lines_of(second)} lines of manifests, those of kube-proxy and coredns, and no"
        " administrator's kubeconfig and no authority's key. Its kubelet has this,"
        " `/etc/kubernetes/kubelet.conf`:\n",
        block("yaml", second["/etc/kubernetes/kubelet.conf"]),
    ]
    return "\n".join(parts)


def changes(before: Rendered, after: Rendered) -> list[str]:
    """The files that are new, in full, and the lines of those that have changed."""
    parts = []
    for path in sorted(after):
        if path not in before:
            parts += [f"New, `{path}`:\n", block("", after[path])]
        elif before[path] != after[path]:
            parts += [f"Changed, `{path}`:\n", block("diff", difference(before[path], after[path]))]
    return parts


def other_runtime(clusters: dict[str, Rendered], measured: dict[str, dict[str, Any]]) -> str:
    """What the page says of the second container runtime."""
    before, after = clusters[RUNTIME], clusters[OTHER]
    parts = [
        f"## With {OTHER}\n",
        f"Rungs and manifests are the same with `cluster_container_runtime: {OTHER}`. What the kubelet\n"
        f"and the host have instead, here with {with_both()}, is explained in [its page](containerd.md).\n",
        *changes(before, after),
    ]
    names = dict.fromkeys(name for each in measured.values() for name in each["bytes"])
    rows = [
        [name, *(_mebibytes(measured[runtime]["bytes"].get(name)) for runtime in (RUNTIME, OTHER))]
        for name in sorted(names, key=lambda name: (name in DAEMONS, name))
    ]
    head = [["MiB of memory", *(f"with {RUNTIMES[each].title}" for each in (RUNTIME, OTHER))], ["---"] * 3]
    parts += [_measured(measured[OTHER]), "".join(f"| {' | '.join(row)} |\n" for row in [*head, *rows])]
    return "\n".join(parts)


def _mebibytes(size: int | None) -> str:
    return f"{size / 2**20:.0f}" if size else "not measured"


def _measured(measurement: dict[str, Any]) -> str:
    return (
        f"Memory: resident, measured on {measurement['date']} at commit {measurement['commit']} with"
        f" {measurement['version']}, all of them running for {SETTLED_SECONDS} s.\n"
    )


def measure() -> None:
    """Climb on a node, and write how much memory each component takes once it has settled."""
    inventory = Path(tempfile.mkdtemp()) / "hosts.json"
    connection = {"ansible_connection": "community.docker.docker", "ansible_user": "root"}
    sandbox = [sys.executable, "tests/sandbox"]
    asked = subprocess.run([*sandbox, "vars"], cwd=ROOT, check=True, capture_output=True)
    given = {**json.loads(asked.stdout), **connection, "ansible_python_interpreter": "/usr/bin/python3"}
    inventory.write_text(json.dumps({"mink8s": {"hosts": {NODE: {}}, "vars": given}}))
    image = Path(given.get("cluster_artifacts", "")) / "coredns.tar"
    steps = [components for components in climbs() if "coredns" not in components or image.is_file()]
    subprocess.run([*sandbox, "node", NODE], cwd=ROOT, check=True)
    try:
        for components in steps:
            print(f"ladder: {components[-1]}", file=sys.stderr, flush=True)
            chosen = json.dumps({"cluster_components": components})
            command = ["ansible-playbook", "-i", str(inventory), "-e", chosen, "playbooks/site.yml"]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        time.sleep(SETTLED_SECONDS)
        command = ["docker", "exec", NODE, "python3", "-c", MEASURE]
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    finally:
        subprocess.run([*sandbox, "node-rm", NODE], cwd=ROOT, check=True)
    describe = ["git", "describe", "--always", "--dirty"]
    described = subprocess.run(describe, cwd=ROOT, check=True, capture_output=True)
    version = str(given["cluster_version"])
    result = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": described.stdout.decode().strip(),
        "version": version,
        "components": steps[-1],
        "bytes": dict(sorted(found.items())),
    }
    kept = {**json.loads(MEMORY.read_text()), of(version).name: result}
    MEMORY.write_text(f"{json.dumps(kept, indent=2)}\n")


def main() -> int:
    """Write or check; 1 if the page is not what the templates say."""
    if "--measure" in sys.argv[1:]:
        measure()
    measured = json.loads(MEMORY.read_text())
    memory, (plain, certain, others) = measured[RUNTIME]["bytes"], rendered()
    made = _measured(measured[RUNTIME])
    sections = [section(number, plain, certain, memory) for number in range(1, len(RUNGS) + 1)]
    hosts = [others[node["name"]] for node in NODES]
    sections.append(several_nodes(certain[-1], hosts, others[OTHER]))
    text = PAGE.read_text()
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    wanted = (
        before
        + BEGIN
        + "\n"
        + "\n".join([made, article(plain, memory), *sections, other_runtime(others, measured)])
        + "\n"
        + END
        + after
    )
    if "--check" in sys.argv[1:]:
        if text != wanted:
            print("docs/ladder.md differs from the templates: run tests/ladder.py", file=sys.stderr)
        return int(text != wanted)
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
