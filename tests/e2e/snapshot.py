"""What a host is made of, so that two moments can be compared."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from bare_node import Node

# What differs without anybody having made it, each with its reason; docs/reset.md has the same list.
IGNORED = {
    r"file /root/\.ansible(/.*)?": "Ansible's own working directory",
    r"file /var/lib/(apt|dpkg)/.*": "the package manager's bookkeeping",
    r"file /var/log/(apt|journal)(/.*)?": "logs of the package manager and of systemd",
    r"file /etc/(group|gshadow)-": "the backup that each change of groups leaves",
    r"mount /run/docker/netns/default": "dockerd's handle on the host's network, for hostNetwork containers",
    r"file /var/lib/systemd/timers(/.*)?": "when systemd's timers last ran",
}

# Runs on the host, which has nothing but Python, and prints one line for each thing there is.
LOOK = r"""
import grp, hashlib, json, os, pwd, stat, subprocess, sys

seen = {}

def ask(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []

def look(path):
    status = os.lstat(path)
    said = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        said += " " + os.readlink(path)
    elif stat.S_ISREG(status.st_mode) and not path.startswith("/var/log/"):
        with open(path, "rb") as stream:
            said += " " + hashlib.sha256(stream.read()).hexdigest()
    seen["file " + path] = said

for root in ("/etc", "/usr/local", "/usr/libexec", "/var/lib", "/var/log", "/opt", "/root", "/home", "/srv"):
    for top, directories, files in os.walk(root):
        # What is inside these is the engine's, which is asked for it below.
        if top in ("/var/lib/docker", "/var/lib/containerd"):
            directories.clear()
            files.clear()
        for name in directories + files:
            look(os.path.join(top, name))

for line in ask("dpkg-query", "--show", "--showformat", "${binary:Package} ${Version} ${db:Status-Status}\n"):
    name, _, rest = line.partition(" ")
    seen["package " + name] = rest
for line in ask("systemctl", "list-unit-files", "--no-legend", "--no-pager"):
    seen["unit file " + line.split()[0]] = line.split()[1]
for state in ("running", "failed"):
    units = ("systemctl", "list-units", "--plain", "--no-legend", "--type=service,socket")
    for line in ask(*units, "--state=" + state):
        seen["unit " + line.split()[0]] = state
for user in pwd.getpwall():
    seen["user " + user.pw_name] = ":".join(map(str, user[2:]))
for group in grp.getgrall():
    seen["group " + group.gr_name] = f"{group.gr_gid} {','.join(group.gr_mem)}"
for line in open("/proc/self/mountinfo"):
    fields = line.split()
    rest = fields[fields.index("-") + 1 :]
    seen["mount " + fields[4]] = f"{seen.get('mount ' + fields[4], '')} {rest[0]} {fields[3]}".strip()
for program in ("iptables", "ip6tables"):
    table = ""
    for line in ask(program + "-save"):
        if line.startswith("*"):
            table = f"{program} {line[1:]} "
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            # A table or a chain of the kernel's without rules is the same as none.
            if policy != "ACCEPT":
                seen[f"{table}chain {chain}"] = policy
        elif line.startswith("-"):
            key = table + line
            seen[key] = str(int(seen.get(key, 0)) + 1)
for name in ask("docker", "ps", "--all", "--quiet", "--no-trunc"):
    what = json.loads("".join(ask("docker", "inspect", name)))[0]
    seen["container " + what["Name"]] = f"{name} {what['State']['Status']} {what['State']['StartedAt']}"
for line in ask("docker", "images", "--all", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"):
    name, _, image = line.rpartition(" ")
    seen[f"image {name}" + (f" {image}" if "<none>" in name else "")] = image
for line in ask("docker", "network", "ls", "--no-trunc", "--format", "{{.Name}} {{.ID}} {{.Driver}}"):
    seen["network " + line.split()[0]] = line
for name in ask("docker", "volume", "ls", "--quiet"):
    seen["volume " + name] = ""
# Docker's own namespace is what Docker was asked for.
for namespace in set(ask("ctr", "namespaces", "list", "--quiet")) - {"moby"}:
    ctr = ("ctr", "--namespace", namespace)
    for name in ask(*ctr, "containers", "list", "--quiet"):
        seen[f"container {namespace}/{name}"] = ""
    for line in ask(*ctr, "tasks", "list")[1:]:
        seen["task " + namespace + "/" + line.split()[0]] = line
    for line in ask(*ctr, "images", "list")[1:]:
        seen["image " + namespace + "/" + line.split()[0]] = line.split()[2]
for line in ask("ip", "-oneline", "link"):
    seen["link " + line.split(": ")[1].partition("@")[0]] = ""
print(json.dumps(seen))
"""


@dataclass(frozen=True)
class Snapshot:
    """What there was: a text for each thing, by its kind and name."""

    seen: dict[str, str]


def take(node: Node) -> Snapshot:
    """What there is on the node now; it changes nothing."""
    return Snapshot(json.loads(node.run("python3", "-c", LOOK)))


def difference(before: Snapshot, after: Snapshot) -> list[str]:
    """What came, went or changed, a line for each, without what IGNORED lists."""
    lines = []
    for name in sorted(before.seen.keys() | after.seen.keys()):
        old, new = before.seen.get(name), after.seen.get(name)
        if old == new or any(re.fullmatch(pattern, name) for pattern in IGNORED):
            continue
        if old is None:
            lines.append(f"{name} came: {new}")
        elif new is None:
            lines.append(f"{name} went: {old}")
        else:
            lines.append(f"{name} was {old}, is {new}")
    return lines
