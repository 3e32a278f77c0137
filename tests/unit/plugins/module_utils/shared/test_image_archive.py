"""Archives are read in every layout, and their images are found under the names that manifests use."""

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import image_archive
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_archive import (
    ArchiveError,
    Image,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

CONFIGURATION = json.dumps(
    {"architecture": "amd64", "created": "2020-01-01T00:00:00Z", "rootfs": {"diff_ids": ["sha256:layer"]}}
).encode()
HASH = hashlib.sha256(CONFIGURATION).hexdigest()


def write(path: Path, files: dict[str, bytes]) -> str:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return str(path)


def archive(path: Path, *tags: str, name: str = f"{HASH}.json") -> str:
    manifest = json.dumps([{"Config": name, "RepoTags": tags or None, "Layers": ["layer.tar"]}]).encode()
    return write(path, {"layer.tar": os.urandom(50_000), name: CONFIGURATION, "manifest.json": manifest})


def image(*tags: str, architecture: str = "amd64") -> Image:
    return Image("/a.tar", tags, f"sha256:{HASH}", "2020-01-01T00:00:00Z", architecture, ("sha256:layer",))


@pytest.mark.parametrize("name", [f"{HASH}.json", f"blobs/sha256/{HASH}"])
def test_classic_and_oci_layout_say_the_same(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.tar", "pause:1", "pause:2", name=name)
    assert image_archive.read(path) == (
        Image(
            path, ("pause:1", "pause:2"), f"sha256:{HASH}", "2020-01-01T00:00:00Z", "amd64", ("sha256:layer",)
        ),
    )


def test_compressed_archive_and_image_without_a_tag(tmp_path: Path) -> None:
    path = Path(archive(tmp_path / "a.tar"))
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert [found.tags for found in image_archive.read(str(path))] == [()]


@pytest.mark.parametrize("files", [{}, {"file": b""}, {"manifest.json": b'{"name": "a web application"}'}])
def test_other_tars_hold_no_images(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert image_archive.read(write(tmp_path / "a.tar", files)) == ()


def test_archive_that_contradicts_itself_is_an_error(tmp_path: Path) -> None:
    manifest = b'[{"Config": "lost.json", "RepoTags": ["a:1"]}]'
    with pytest.raises(ArchiveError, match=r"its manifest\.json names lost\.json, which is not in it"):
        image_archive.read(write(tmp_path / "a.tar", {"manifest.json": manifest}))


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("kept", [0, 100, 20_000, 50_000])
def test_truncated_archive_is_an_error(tmp_path: Path, kept: int, compress: bool) -> None:
    path = Path(archive(tmp_path / "a.tar", "pause:1"))
    if compress:
        path.write_bytes(gzip.compress(path.read_bytes()))
    os.truncate(path, kept)
    with pytest.raises(ArchiveError) as caught:
        image_archive.read(str(path))
    assert not PYTHON.search(str(caught.value)), caught.value
    assert kept < 20_000 or str(caught.value) == "ends early: its copy is not complete"


PYTHON = re.compile(r"ReadError|method|file could not|header|codec|line 1 column|[<>']")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"no tar", "is no tar archive, as `docker save` writes them"),
        (b"no tar" * 1000, "is no tar archive, as `docker save` writes them"),
        (gzip.compress(b"no tar" * 1000, mtime=0), "is damaged: it cannot be unpacked"),
        (b"\x1f\x8b" + b"garbage" * 1000, "is damaged: it cannot be unpacked"),
        (b"\xfd7zXZ\0" + b"garbage" * 1000, "is no tar archive, as `docker save` writes them"),
    ],
)
def test_what_is_no_archive_is_told_in_words(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(ArchiveError) as caught:
        image_archive.read(str(path))
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (b"{", "is damaged: what should be JSON in it is not"),
        (b"\xff", "is damaged: what should be JSON in it is not"),
        (b'["a"]', "has another manifest.json than `docker save` writes"),
        (b'[{"Config": 1}]', "is damaged: its manifest.json names 1, which is not in it"),
        (b'[{"Tags": 1}]', "is damaged: its manifest.json names Config, which is not in it"),
    ],
)
def test_a_manifest_that_is_none_is_told_in_words(tmp_path: Path, manifest: bytes, expected: str) -> None:
    path = write(tmp_path / "a.tar", {"manifest.json": manifest})
    with pytest.raises(ArchiveError) as caught:
        image_archive.read(path)
    assert str(caught.value) == expected


def test_a_directory_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.tar").mkdir()
    _images, lines = image_archive.survey([str(tmp_path)])
    assert lines == (f"{tmp_path}/a.tar is a directory, and no image archive",)


def test_survey_looks_at_the_tars_of_directories_and_says_what_is_where(tmp_path: Path) -> None:
    single = archive(tmp_path / "single", "a:1")
    (tmp_path / "all").mkdir()
    archive(tmp_path / "all" / "good.tar", "b:1", "b:2")
    write(tmp_path / "all" / "other.tar", {"file": b""})
    (tmp_path / "all" / "bad.tar").write_bytes(b"no tar")
    (tmp_path / "all" / "server.tar.gz").write_bytes(b"not looked at")
    images, lines = image_archive.survey([single, str(tmp_path / "all")])
    assert [found.tags for found in images] == [("a:1",), ("b:1", "b:2")]
    assert [line.partition(str(tmp_path))[2][:25] for line in lines] == [
        "/single holds a:1 (amd64)",
        "/all/bad.tar is no tar ar",
        "/all/good.tar holds b:1 (",
        "/all/other.tar holds no i",
    ]


@pytest.mark.parametrize(
    ("tag", "architecture", "found"),
    [
        ("registry.k8s.io/kube-apiserver:v1.18.20", "amd64", True),
        ("k8s.gcr.io/kube-apiserver-amd64:v1.18.20", "amd64", True),
        ("kube-apiserver:v1.18.20", "", True),
        ("registry:5000/kube-apiserver:v1.18.20", "amd64", True),
        ("k8s.gcr.io/kube-apiserver-amd64:v1.18.20", "arm64", True),
        ("kube-apiserver:v1.18.20", "arm64", False),
        ("kube-apiserver-arm64:v1.18.20", "arm64", False),
        ("kube-apiserver:v1.18.5", "amd64", False),
        ("my-kube-apiserver:v1.18.20", "amd64", False),
        ("kube-apiserver/other:v1.18.20", "amd64", False),
        ("kube-apiserver:v1.18.20-k3s1", "amd64", True),
        ("kube-apiserver-amd64:v1.18.20_k3s1", "amd64", True),
        ("kube-apiserver:v1.18.200", "amd64", False),
    ],
)
def test_image_serves_a_name_from_any_registry(tag: str, architecture: str, found: bool) -> None:
    wanted = Reference.parse("registry.k8s.io/kube-apiserver:v1.18.20")
    served = image("unrelated:1", tag, architecture=architecture).tag_for(wanted, "amd64")
    assert served == (tag if found else None)
