"""What has to be unmounted is found in mountinfo, last first, and nothing else."""

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import mounts

POD = "/var/lib/kubelet/pods/1"
MOUNTINFO = rf"""
21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
22 21 0:5 / /proc rw shared:2 - proc proc rw
30 21 254:1 /var/lib/kubelet /var/lib/kubelet rw shared:1 - ext4 /dev/vda1 rw
31 30 0:40 / {POD}/volumes/secret rw shared:9 - tmpfs tmpfs rw
32 30 254:1 /srv/a {POD}/volumes/with\040space rw shared:1 - ext4 /dev/vda1 rw
33 21 254:2 / /var/lib/etcd rw shared:8 - ext4 /dev/vdb rw
34 21 0:41 / /var/lib/kubelet-other rw shared:7 - tmpfs tmpfs rw
"""
STACKED = """
40 21 254:0 /volumes/a/_data /var/lib/kubelet rw master:1 - ext4 /dev/vda rw
41 40 254:0 /volumes/a/_data /var/lib/kubelet rw shared:57 master:1 - ext4 /dev/vda rw
"""


def test_what_is_in_a_tree_goes_last_first_with_the_tree_mounted_onto_itself() -> None:
    assert mounts.inside(["/var/lib/kubelet"], MOUNTINFO.strip()) == [
        f"{POD}/volumes/with space",
        f"{POD}/volumes/secret",
        "/var/lib/kubelet",
    ]


def test_a_disk_at_the_trees_own_path_stays_mounted() -> None:
    assert mounts.inside(["/var/lib/etcd"], MOUNTINFO.strip()) == []


def test_of_a_disk_and_its_tree_mounted_onto_itself_only_the_latter_goes() -> None:
    assert mounts.inside(["/var/lib/kubelet"], STACKED.strip()) == ["/var/lib/kubelet"]
