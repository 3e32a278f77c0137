"""What procfs says of processes."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import procfs

IDENTITY = "0123456789abcdef" * 4


def test_the_processes_of_a_container_are_found_by_its_id(tmp_path: Path) -> None:
    for pid, name, started, groups in (
        ("7", "a) b (c", 900, f"12:memory:/kubepods/besteffort/pod1/{IDENTITY}\n1:name=systemd:/x\n"),
        ("41", "nginx", 500, f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{IDENTITY}.scope\n"),
        ("42", "nginx", 500, f"0::/kubepods.slice/kubepods-pod1.slice/docker-{IDENTITY}.scope/below\n"),
        ("50", "other", 400, f"0::/kubepods.slice/docker-{IDENTITY[::-1]}.scope\n"),
        ("51", "kubelet", 300, "0::/system.slice/kubelet.service\n"),
    ):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "stat").write_text(f"{pid} ({name}) S {'0 ' * 18}{started} 0 0\n")
        (tmp_path / pid / "cgroup").write_text(groups)
    (tmp_path / "60").mkdir()
    (tmp_path / "60" / "cgroup").write_text(f"0::/{IDENTITY}\n")
    # The numbers of processes begin again; one has just ended.
    assert procfs.container_processes(tmp_path, IDENTITY) == [41, 42, 7]
    assert procfs.container_processes(tmp_path, "") == []
