# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What there is to know of a host on which the cluster does not do what it should.

Nothing here expects anything of the host: what cannot be had leaves the reason in its place.
"""

from __future__ import annotations

import json
import platform
import re
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import etcd_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.diagnosis.report import (
    Answer,
    Part,
    Question,
    ask,
    part,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import previous_configuration
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# What etcd is asked for, by the file of the archive that has the answer.
ETCD = {"versions.txt": "/version", "api/health.txt": "/health"}
STATE = (
    "Id,LoadState,UnitFileState,ActiveState,SubState,Result,NRestarts,ExecMainStartTimestamp,ExecMainPID,"
    "ExecMainStatus,MemoryCurrent,FragmentPath,DropInPaths,NeedDaemonReload"
)
CONFIGURATION = (".conf", ".json", ".service", ".yaml")
POD_LOGS = Path("/var/log/pods")


def questions(
    runtime: ContainerRuntime, config_dir: str, lines: int
) -> list[tuple[str, str, list[Question]]]:
    """The files of the archive that are answers to questions, each with what it is."""
    # A node without control plane asks as its kubelet, which may not read everything.
    as_kubelet = is_other_node(config_dir)
    kubeconfig = f"{config_dir}/{'kubelet' if as_kubelet else 'admin'}.conf"

    def kubectl(*arguments: str) -> tuple[str, ...]:
        return ("kubectl", f"--kubeconfig={kubeconfig}", "--request-timeout=15s", *arguments)

    def journal(unit: str) -> tuple[str, str, list[Question]]:
        command = ("journalctl", f"--unit={unit}", f"--lines={lines}", "--no-pager", "--output=short-iso")
        return f"journal/{unit.partition('.')[0]}.txt", f"the end of the journal of {unit}", [command]

    events: list[tuple[str, str, list[Question]]] = []
    if not as_kubelet:
        asked = kubectl("get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp")
        events.append(("api/events.txt", "events, oldest first", [asked]))
    kubernetes = ("kubelet", "--version"), kubectl("version")
    system = "/etc/os-release", ("uname", "-a"), "/proc/cmdline", ("systemctl", "--version")
    units = ("kubelet.service", *reversed(runtime.units))
    definitions = [("systemctl", "cat", "--no-pager", unit) for unit in units]
    resolver = "/etc/resolv.conf", "/etc/hosts"
    return [
        ("versions.txt", "versions", [*system, *runtime.version_commands, *kubernetes]),
        (
            "units.txt",
            "states of the units, units that failed, and what the units are",
            [
                ("systemctl", "show", "--no-pager", f"--property={STATE}", *units),
                ("systemctl", "list-units", "--no-pager", "--failed"),
                *definitions,
            ],
        ),
        *(journal(unit) for unit in units),
        (
            "containers.txt",
            "containers, images, and what the container runtime says of itself",
            [*runtime.content_commands],
        ),
        (
            "network.txt",
            "listeners, addresses, routes, names, and rules of the packet filter",
            [("ss", "-lntup"), ("ip", "address"), ("ip", "route"), *resolver, ("iptables-save",)],
        ),
        (
            "resources.txt",
            "time, load, memory, swap, disks and mounts",
            [
                ("date", "--utc"),
                "/proc/loadavg",
                "/proc/meminfo",
                "/proc/swaps",
                ("df", "--human-readable"),
                ("df", "--inodes"),
                "/proc/mounts",
            ],
        ),
        (
            "api/health.txt",
            "whether kube-apiserver and etcd are healthy",
            [
                kubectl("get", "--raw", "/healthz?verbose"),
                kubectl("get", "--raw", "/readyz?verbose"),
            ],
        ),
        (
            "api/nodes.txt",
            "nodes",
            [kubectl("get", "nodes", "--output=wide"), kubectl("describe", "nodes")],
        ),
        ("api/pods.txt", "pods", [kubectl("get", "pods", "--all-namespaces", "--output=wide")]),
        *events,
    ]


def is_other_node(config_dir: str) -> bool:
    """Whether there is a node without a control plane on the host."""
    directory = Path(config_dir)
    return (directory / "kubelet.conf").exists() and not (directory / "admin.conf").exists()


def made(ledger_path: str) -> tuple[tuple[Path, ...], str]:
    """The files that the collection made on the host, or why they are not known.

    Without what is kept of an earlier configuration, which has keys in it that cannot be told from the rest.
    """
    try:
        ledger = ledger_file.read(ledger_path)
    except (ledger_file.LedgerError, OSError) as error:
        return (), str(error)
    if ledger is None:
        return (), f"There is no {ledger_path}, so nothing on this host was made by the collection."
    files = {Path(path) for path, kind in ledger.paths.items() if kind == "file"}
    return tuple(sorted(files - {previous_configuration.path(ledger_path)})), ""


def configuration(ours: Sequence[Path], unknown: str, others: Sequence[str]) -> list[Part]:
    """Configuration files, each as it is.

    ours: the files that the collection made; unknown: why they are not known; others: further paths.
    """
    parts, faults = [], [unknown] if unknown else []
    for path in dict.fromkeys([*others, *(str(path) for path in ours if path.suffix in CONFIGURATION)]):
        try:
            parts.append(Part(f"files{path}", "as it is on the host", Path(path).read_text(errors="replace")))
        except OSError as error:
            faults.append(f"{path}: {error.strerror}")
    if faults:
        parts.append(Part("files/missing.txt", "configuration that is not here", "", tuple(faults)))
    return parts


def logs(ours: Sequence[Path], node_name: str, lines: int, unknown: str, directory: Path) -> list[Part]:
    """The ends of the logs of the static pods that the collection wrote, and of no other pod.

    The kubelet's links are read, so that the logs can be had as well where the container runtime is down.
    """
    if unknown:
        return [Part("logs/missing.txt", "logs of the control plane", "", (unknown,))]
    parts = []
    for name in [path.stem for path in ours if path.parent.name == "manifests"]:
        # The identity of a static pod is a hash, unlike that of a pod that came through the API.
        pod = re.compile(rf"kube-system_{re.escape(name)}-{re.escape(node_name)}_[0-9a-f]{{32}}")
        files = [
            path
            for path in sorted(directory.glob("*/*/*.log"), key=_age)
            if pod.fullmatch(path.parent.parent.name)
        ]
        answers = [_log(path, lines) for path in files]
        missing = Answer(str(directory), fault=f"No container of the static pod {name} has left a log.")
        about = f"the ends of the logs of {name}'s containers, the last one last"
        parts.append(part(f"logs/{name}.txt", about, answers or [missing]))
    return parts


def _age(path: Path) -> tuple[float, str]:
    return (path.lstat().st_mtime, str(path))


def _log(path: Path, lines: int) -> Answer:
    try:
        with path.open(errors="replace") as stream:
            return Answer(str(path), "".join(map(_said, deque(stream, lines))))
    except OSError as error:
        return Answer(str(path), fault=str(error.strerror))


def _said(line: str) -> str:
    """A line of a container's log as the container wrote it, with its time."""
    try:
        entry = json.loads(line)
        return f"{entry['time']} {entry['log']}"
    except (ValueError, KeyError, TypeError):
        return line


def certificates(directory: Path) -> Part:
    """Whose the certificates are and when they end."""
    lines, faults = [], []
    files = sorted(directory.rglob("*.crt"))
    if x509.IMPORT_ERROR and files:
        faults.append("The Python library cryptography, which reads them, is not on this host.")
        files = []
    for path in files:
        found = x509.load(directory, str(path.relative_to(directory).with_suffix("")))
        if found.certificate is None:
            faults.append(f"{path} {found.certificate_fault}.")
            continue
        end = x509.not_after(found.certificate).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.append(f"{end}  {path}  {found.certificate.subject.rfc4514_string()}\n")
    if not lines and not faults:
        faults.append(f"There is none in {directory}.")
    return Part("certificates.txt", "ends and subjects of the certificates", "".join(lines), tuple(faults))


def _ask_etcd(manifest: Path, path: str) -> Answer:
    """What etcd has to say, asked as kube-apiserver does."""
    question = f"etcd {path}"
    try:
        etcd = etcd_client.Etcd(etcd_client.access(manifest), timeout=10)
        question = f"{etcd.endpoint}{path}"
        return Answer(question, etcd.text(path).rstrip() + "\n")
    except (etcd_client.EtcdError, OSError) as error:
        return Answer(question, fault=str(error))


def collect(module: AnsibleModule, params: Mapping[str, Any]) -> list[Part]:
    """All files of the archive but its index, without secrets."""
    lines, config_dir, ledger = params["lines"], params["config_dir"], params["ledger"]
    software = (
        f"{params['software']}\nansible-core {module.ansible_version}\nPython {platform.python_version()}\n"
    )
    runtime = selection.of_host()
    parts = [Part("preflight.txt", "what would make a run fail", f"{params['preflight']}\n")]
    for path, about, asked in questions(runtime, config_dir, lines):
        answers = [ask(module, question, params["bin_dir"]) for question in asked]
        if path in ETCD and not is_other_node(config_dir):
            answers.append(_ask_etcd(Path(config_dir, "manifests", "kube-apiserver.yaml"), ETCD[path]))
        if path == "versions.txt":
            answers.insert(0, Answer("Ansible", software))
        parts.append(part(path, about, answers))
    ours, unknown = made(ledger)
    parts += logs(ours, params["node_name"], lines, unknown, POD_LOGS)
    parts += configuration(ours, unknown, [runtime.configuration, ledger])
    parts.append(certificates(Path(config_dir, "pki")))
    return [each.redacted() for each in parts]
