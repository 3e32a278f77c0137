"""The log of a container is what it wrote, without what the engine puts between."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import pod_containers


def piece(place: int, text: str) -> bytes:
    """A piece of a log as Docker's API documents it."""
    content = text.encode()
    return bytes([place, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def test_pieces_of_both_streams_come_in_their_order() -> None:
    stream = piece(1, "first\n") + piece(2, "gr\u00fc\u00dfe\n") + piece(1, "last\n")
    assert pod_containers.text(stream) == "first\ngr\u00fc\u00dfe\nlast\n"


def test_a_piece_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    assert pod_containers.text(piece(2, "flag provided but not defined")[:20]) == "flag provide"


def test_the_log_of_a_terminal_has_nothing_between() -> None:
    assert pod_containers.text(b"plain text\n") == "plain text\n"
    assert pod_containers.text(b"") == ""


def test_a_container_is_one_of_the_pod_whose_name_it_has() -> None:
    listed = {"Names": ["/k8s_etcd_etcd-host-1_kube-system_0123_4"]}
    assert pod_containers.is_of("etcd", listed)
    assert not pod_containers.is_of("kube-apiserver", listed)
