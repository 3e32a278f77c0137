"""Roles declare what they take, call each other with what is declared, and pin what they fetch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import COMPONENTS

ROLES = Path(__file__).parents[2] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir())
# Which hosts there are in a cluster.
HOSTS = ("control plane", "every node")
# By pkg/features/kube_features.go, the mode nftables is alpha in these.
NFTABLES_GATES = dict.fromkeys(["1.29", "1.30"], "NFTablesProxyMode")
TYPES = {"bool": bool, "dict": dict, "int": int, "list": list, "path": str, "str": str}


def load(path: str) -> dict[str, Any]:
    """The variables in a role's file, or in the files of a directory of its name; none without either."""
    file = ROLES / path
    content: dict[str, Any] = {}
    for each in [file] if file.exists() else sorted(file.with_suffix("").glob("*.yml")):
        content.update(yaml.safe_load(each.read_text()))
    return content


def options(role: str) -> dict[str, dict[str, Any]]:
    """The options of all entry points of a role."""
    entry_points = load(f"{role}/meta/argument_specs.yml")["argument_specs"].values()
    return {name: option for entry in entry_points for name, option in entry.get("options", {}).items()}


def tasks(role: str) -> list[dict[str, Any]]:
    """All tasks of a role, those in blocks too."""
    files = sorted((ROLES / role / "tasks").iterdir())
    found = [task for file in files for task in yaml.safe_load(file.read_text())]
    for task in found:
        found += [inner for section in ("block", "rescue", "always") for inner in task.get(section, [])]
    return found


def calls(role: str) -> list[tuple[str, dict[str, Any]]]:
    """The roles a role calls, each with the variables it is given."""
    return [
        (action["name"].removeprefix("mink8s.kubernetes."), task.get("vars", {}))
        for task in tasks(role)
        for key, action in task.items()
        if key in ("ansible.builtin.import_role", "ansible.builtin.include_role")
    ]


def fits(value: object, option: dict[str, Any]) -> bool:
    """Whether a default is of the type that is declared; what a template gives is not known here."""
    if isinstance(value, str) and "{{" in value:
        return True
    if isinstance(value, list) and "elements" in option:
        return option["type"] == "list" and all(fits(item, {"type": option["elements"]}) for item in value)
    # To Python a bool is an int too.
    if isinstance(value, bool) != (option["type"] == "bool"):
        return False
    return isinstance(value, TYPES[option["type"]]) and value in option.get("choices", [value])


def images(version: str) -> dict[str, str]:
    """The images of a release, as its table names them."""
    tags = {**releases()[minor_of(version)]["tags"], "kube-apiserver": version}
    return {name: f"registry.k8s.io/{name}:{tag}" for name, tag in tags.items()}


def releases() -> dict[str, dict[str, Any]]:
    """The table of releases."""
    table: dict[str, dict[str, Any]] = load("release/vars/main.yml")["release_table"]
    return table


def minor_of(version: str) -> str:
    return ".".join(version.removeprefix("v").split(".")[:2])


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.removeprefix("v").split(".")]


@pytest.mark.parametrize("role", NAMES)
def test_defaults_are_what_is_declared(role: str) -> None:
    declared = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert declared == load(f"{role}/defaults/main.yml")


@pytest.mark.parametrize("role", NAMES)
def test_each_option_is_explained_and_its_default_fits_its_type(role: str) -> None:
    for name, option in options(role).items():
        assert option["description"].strip(), name
        assert fits(option.get("default", "{{ none }}"), option), name


@pytest.mark.parametrize("role", NAMES)
def test_variables_bear_the_name_of_their_role(role: str) -> None:
    registered = {task["register"] for task in tasks(role) if "register" in task}
    internal = {*load(f"{role}/vars/main.yml"), *registered}
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []
    assert [name for name in internal if not re.match(rf"(__)?{role}_|__{role}$", name)] == []


@pytest.mark.parametrize("role", NAMES)
def test_what_a_role_keeps_to_itself_is_read_there_alone(role: str) -> None:
    """Results for others have names without __, and so has what playbooks set for a role."""
    own = [path for path in (ROLES / role).rglob("*") if path.suffix in (".yml", ".j2")]
    others = [path for path in ROLES.rglob("*") if path.suffix in (".yml", ".j2") and path not in own]
    playbooks = sorted((ROLES.parent / "playbooks").rglob("*.yml"))
    # A role's name may begin with another's.
    longer = "".join(f"(?!{name}_)" for name in NAMES if name.startswith(f"{role}_"))
    read = [
        f"{path.relative_to(ROLES.parent)}: {name}"
        for path in [*others, *playbooks]
        for name in re.findall(rf"\b__{longer}{role}_\w+", path.read_text())
    ]
    assert read == []


@pytest.mark.parametrize("role", NAMES)
def test_a_role_is_called_with_what_it_takes(role: str) -> None:
    for called, given in calls(role):
        assert given.keys() - options(called).keys() == set(), called


def test_a_role_alone_does_what_it_does_in_the_cluster() -> None:
    cluster = load("cluster/defaults/main.yml")
    for called, given in calls("cluster"):
        defaults = load(f"{called}/defaults/main.yml")
        for name, value in given.items():
            match = re.fullmatch(r"{{ (cluster_\w+) }}", str(value))
            # Some checks are left out where nothing says what to check for.
            if match and match[1] in cluster and defaults[name] != "":
                assert defaults[name] == cluster[match[1]], name


def test_each_release_in_range_is_pinned_and_in_order() -> None:
    assert list(releases()) == [f"1.{number}" for number in range(18, 38)]
    assert [minor for minor, row in releases().items() if not row["checksums"]] == ["1.37"]
    for minor, row in releases().items():
        assert list(row["checksums"]) == sorted(row["checksums"], key=numbers)
        assert {minor_of(version) for version in row["checksums"]} <= {minor}
    checksums = {version: sums for row in releases().values() for version, sums in row["checksums"].items()}
    for version, sums in checksums.items():
        assert list(sums) == ["amd64", "arm64"], version
        assert all(re.fullmatch("[0-9a-f]{128}", checksum) for checksum in sums.values()), version
    every = [checksum for sums in checksums.values() for checksum in sums.values()]
    assert len(set(every)) == len(every)


def test_each_row_of_the_table_of_releases_says_all() -> None:
    needed = {
        "authentication",
        "cgroup_versions",
        "container_runtimes",
        "kubelet_skew",
        "proxy_modes",
        "tags",
        "checksums",
    }
    optional = {"cri", "docker_api", "kernel_memory_limit_removed_in", "kubelet_chains", "removed_arguments"}
    for minor, release in releases().items():
        assert needed <= release.keys() <= needed | optional
        assert ("docker_api" in release) == ("docker" in release["container_runtimes"])
        assert ("containerd" in release["container_runtimes"]) == ("cri" in release)
        # https://kubernetes.io/releases/version-skew-policy/#kubelet
        assert release["kubelet_skew"] == (2 if numbers(minor) < [1, 25] else 3)
        usual = ["none", "certificates"] if numbers(minor) < [1, 20] else ["certificates"]
        assert release["authentication"] == usual
        # The gate IPTablesOwnershipCleanup is on from 1.27 on.
        assert ("kubelet_chains" in release) == (numbers(minor) < [1, 27])
        assert release["proxy_modes"] == {
            **({"userspace": ""} if numbers(minor) < [1, 26] else {}),
            "iptables": "",
            "ipvs": "",
            **({"nftables": NFTABLES_GATES.get(minor, "")} if numbers(minor) >= [1, 29] else {}),
        }
        assert list(release["tags"]) == ["etcd", "pause", "coredns"]
        for tag in release["tags"].values():
            assert re.fullmatch(r"v?[0-9][\w.-]*@sha256:[0-9a-f]{64}", tag), minor


def test_the_readme_begins_with_the_newest_release_whose_sum_is_known() -> None:
    known = [version for row in releases().values() for version in row["checksums"]]
    newest = max(known, key=numbers)
    first_screen = (ROLES.parent / "README.md").read_text().partition("\n## ")[0]
    assert f"`-e cluster_version={newest}`" in first_screen
    assert load("cluster/defaults/main.yml")["cluster_version"] in first_screen


def test_a_flag_that_is_gone_stays_gone() -> None:
    removed: set[tuple[str, str]] = set()
    for minor, release in releases().items():
        earlier = removed
        arguments = release.get("removed_arguments", {})
        removed = {(component, flag) for component, flags in arguments.items() for flag in flags}
        assert earlier <= removed, minor


def test_roles_alone_bring_the_default_release() -> None:
    version = load("cluster/defaults/main.yml")["cluster_version"]
    row = releases()[minor_of(version)]
    wanted = images(version)
    kubelet = load("kubelet/defaults/main.yml")
    control_plane = load("control_plane/defaults/main.yml")
    assert version in row["checksums"]
    assert kubelet["kubelet_pause_image"] == wanted["pause"]
    assert control_plane["control_plane_images"] == {
        "etcd": wanted["etcd"].partition("@")[0],
        "kube-apiserver": wanted["kube-apiserver"],
    }
    assert control_plane["control_plane_authentication"] == row["authentication"][0]


def test_all_packages_of_the_roles_are_looked_for_at_once() -> None:
    wanted = {"docker-cli"}
    for role in ("docker", "containerd", "pod_network", "credentials", "kubelet", "node"):
        packages = load(f"{role}/vars/main.yml")[f"{role}_default_packages"]
        wanted.update(packages if isinstance(packages, list) else re.findall(r"docker\.io", packages))
    wanted.update(
        re.findall(r"[ (]\['([a-z-]+)'\]", load("docker/vars/main.yml")["docker_recommended_packages"])
    )
    assert set(load("cluster/vars/main.yml")["__cluster_usual_packages"]) == wanted


def test_each_component_has_a_row_that_says_all_and_the_templates_it_names() -> None:
    table = load("cluster/vars/main.yml")["__cluster_component_table"]
    assert [row["name"] for row in table] == [*COMPONENTS]
    minors = releases()
    needed = {"name", "since", "runs_on", "image", "in_release", "mounts", "ports", "arguments"}
    for row in table:
        assert needed <= row.keys() <= needed | {"user", "groups", "files"}
        assert ("user" in row) == ("groups" in row)
        assert row["since"] in minors
        assert row["runs_on"] in HOSTS
        for name in (f"{row['name']}.yaml", *row.get("files", [])):
            assert (ROLES / "control_plane" / "templates" / f"{name}.j2").is_file()
        for mount in row["mounts"]:
            assert {"name", "path"} <= mount.keys() <= {"name", "path", "type", "read_only"}
        for port in row["ports"]:
            assert {"port", "address"} <= port.keys() <= {"port", "address", "authentication"}


def test_each_certificate_and_kubeconfig_says_which_host_it_is_for() -> None:
    constants = load("credentials/vars/main.yml")
    table = {row["certificate"]["name"]: row for row in constants["__credentials_certificate_table"]}
    users = constants["__credentials_kubeconfig_table"]
    assert {row["runs_on"] for row in [*table.values(), *users]} == {*HOSTS}
    for user in users:
        assert table[user["certificate"]]["runs_on"] == user["runs_on"]
        assert table[user["certificate"]]["certificate"]["common_name"] == user["user"]


def test_a_control_plane_alone_has_the_rows_of_the_table() -> None:
    table = load("cluster/vars/main.yml")["__cluster_component_table"]
    alone = load("control_plane/defaults/main.yml")["control_plane_components"]
    mounts = {row["name"]: row["mounts"] for row in table if "user" not in row}
    in_words_of_the_cluster = {
        row["name"]: [
            {
                **mount,
                "path": mount["path"].replace(
                    "{{ control_plane_config_dir }}/pki", "{{ __cluster_pki_dir }}"
                ),
            }
            for mount in row["mounts"]
        ]
        for row in alone
    }
    assert in_words_of_the_cluster == mounts


def test_preflight_alone_looks_for_the_ports_of_the_table() -> None:
    table = load("cluster/vars/main.yml")["__cluster_component_table"]
    defaults = load("preflight/defaults/main.yml")
    ports = {row["name"]: row["ports"] for row in table if row["name"] in defaults["preflight_components"]}
    in_words_of_preflight = yaml.safe_load(re.sub("(__)?cluster_", "preflight_", yaml.safe_dump(ports)))
    assert defaults["preflight_ports"] == in_words_of_preflight
