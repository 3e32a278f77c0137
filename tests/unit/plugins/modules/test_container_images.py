"""Images get into a real engine under their names, and nothing else in it changes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
OTHER = {"amd64": "arm64", "arm64": "amd64"}[ARCHITECTURE]
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


def docker(*arguments: str, check: bool = True) -> str:
    return subprocess.run(
        ["docker", *arguments], check=check, text=True, stdout=subprocess.PIPE
    ).stdout.strip()


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


class Image:
    """An image that no engine has seen before: one layer with one file."""

    def __init__(self, *tags: str, architecture: str = ARCHITECTURE) -> None:
        self.tags = tags
        self.layer = tar({"unique": uuid.uuid4().bytes})
        self.configuration = json.dumps(
            {
                "architecture": architecture,
                "os": "linux",
                "created": "2020-01-01T00:00:00Z",
                "config": {"Cmd": ["/unique"]},
                "rootfs": {"type": "layers", "diff_ids": [sha256(self.layer)]},
            }
        ).encode()
        self.id = sha256(self.configuration)


def save(path: Path, *images: Image) -> str:
    """Write images to an archive as `docker save` does. Returns its path."""
    files, manifest = {}, []
    for image in images:
        name = image.id.partition(":")[2]
        files[f"{name}.json"] = image.configuration
        files[f"{name}/layer.tar"] = image.layer
        manifest.append({"Config": f"{name}.json", "RepoTags": image.tags, "Layers": [f"{name}/layer.tar"]})
    path.write_bytes(tar({**files, "manifest.json": json.dumps(manifest).encode()}))
    return str(path)


DEFAULTS: dict[str, object] = {"architecture": ARCHITECTURE}


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger of this test."""
    path = tmp_path / "state" / "ledger.json"
    monkeypatch.setitem(DEFAULTS, "ledger", str(path))
    return path


# Runs the module as ansible-core does, with a dockerd behind another socket.
PROGRAM = """
import os
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import client
from ansible_collections.mink8s.kubernetes.plugins.modules import container_images
client.SOCKET = os.environ["SOCKET"]
container_images.main()
"""


def run(*images: str, socket: str = "/var/run/docker.sock", **options: object) -> dict[str, Any]:
    arguments = {"images": images, **DEFAULTS, **options}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SOCKET": socket},
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def id_of(name: str) -> str:
    """The ID that the engine has under a name; empty if it has none."""
    listed = docker("image", "ls", "--no-trunc", "--format", "{{.ID}}", name)
    return listed.partition("\n")[0]


@pytest.fixture
def prefix() -> Iterator[str]:
    """The beginning of names whose images are removed from the engine after the test."""
    prefix = f"mink8s-test-{uuid.uuid4().hex[:12]}"
    yield prefix
    references = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    for reference in references:
        if prefix in reference:
            docker("rmi", reference)


def test_archive_of_another_registry_is_loaded_once_under_the_wanted_name_only(
    tmp_path: Path, prefix: str
) -> None:
    image = Image(f"k8s.gcr.io/{prefix}-{ARCHITECTURE}:1")
    path = save(tmp_path / "image.tar", image)
    wanted = f"registry.k8s.io/{prefix}:1"
    checked = run(wanted, archives=[path], _ansible_check_mode=True)
    assert checked["reasons"] == [f"{wanted} is not in the container runtime"]
    assert checked["diff"] == {
        "before": f"{wanted}: not in the container runtime\n",
        "after": f"{wanted}: {image.id}\n",
    }
    assert id_of(wanted) == ""
    result = run(wanted, archives=[path])
    assert result["reasons"] == checked["reasons"]
    assert result["images"] == [{"name": wanted, "id": image.id, "source": path}]
    assert id_of(wanted) == image.id
    assert id_of(image.tags[0]) == ""
    assert run(wanted, archives=[path])["changed"] is False


def test_name_that_the_archive_shares_with_a_users_image_stays_theirs(tmp_path: Path, prefix: str) -> None:
    theirs, image = Image(f"k8s.gcr.io/{prefix}:1"), Image(f"k8s.gcr.io/{prefix}:1")
    docker("load", "--quiet", "--input", save(tmp_path / "theirs", theirs))
    run(f"registry.k8s.io/{prefix}:1", archives=[save(tmp_path / "image.tar", image)])
    assert id_of(f"registry.k8s.io/{prefix}:1") == image.id
    assert id_of(f"k8s.gcr.io/{prefix}:1") == theirs.id


def test_unwanted_images_of_an_archive_do_not_stay(tmp_path: Path, prefix: str) -> None:
    wanted, unwanted = Image(f"{prefix}/a:1"), Image(f"{prefix}/b:1")
    run(f"{prefix}/a:1", archives=[save(tmp_path / "both.tar", wanted, unwanted)])
    assert id_of(f"{prefix}/a:1") == wanted.id
    assert id_of(f"{prefix}/b:1") == ""


def test_the_image_that_had_the_name_before_is_noted(tmp_path: Path, prefix: str, ledger: Path) -> None:
    name = f"{prefix}:1"
    old, new = Image(name), Image(name)
    docker("load", "--quiet", "--input", save(tmp_path / "old", old))
    docker("tag", name, f"{prefix}:kept")
    wanted = (name, f"{prefix}:2")
    path = save(tmp_path / "new.tar", new, Image(wanted[1]))
    run(*wanted, archives=[path], _ansible_check_mode=True)
    assert not ledger.exists()
    run(*wanted, archives=[path])
    assert json.loads(ledger.read_text())["images"] == {wanted[0]: old.id, wanted[1]: ""}


def test_another_image_under_the_wanted_name_is_replaced(tmp_path: Path, prefix: str) -> None:
    name = f"{prefix}:1"
    old, new = Image(name), Image(name)
    docker("load", "--quiet", "--input", save(tmp_path / "old", old))
    path = save(tmp_path / "new.tar", new)
    docker("tag", name, f"{prefix}:kept")
    assert run(name, archives=[path])["reasons"] == [f"{name} is another image than the one in {path}"]
    assert id_of(name) == new.id
    assert id_of(f"{prefix}:kept") == old.id


def test_short_name_of_the_same_image_is_not_taken_away_again(tmp_path: Path, prefix: str) -> None:
    image = Image(f"{prefix}:1")
    run(f"docker.io/library/{prefix}:1", archives=[save(tmp_path / "image.tar", image)])
    assert id_of(f"{prefix}:1") == image.id


def test_exact_name_wins_and_archives_without_a_wanted_image_are_not_loaded(
    tmp_path: Path, prefix: str
) -> None:
    near, exact, other = Image(f"a.io/{prefix}:1"), Image(f"b.io/{prefix}:1"), Image(f"b.io/{prefix}:2")
    for number, image in enumerate((near, exact, other)):
        save(tmp_path / f"{number}.tar", image)
    result = run(f"b.io/{prefix}:1", archives=[str(tmp_path)])
    assert result["images"][0]["source"] == f"{tmp_path}/1.tar"
    assert (id_of(f"a.io/{prefix}:1"), id_of(f"b.io/{prefix}:2")) == ("", "")


def test_image_from_nowhere_is_an_error_that_says_what_is_there(tmp_path: Path, prefix: str) -> None:
    save(tmp_path / "good.tar", Image(f"{prefix}:2"))
    save(tmp_path / "foreign.tar", Image(f"{prefix}:1", architecture=OTHER))
    (tmp_path / "bad.tar").write_bytes(b"no tar")
    result = run(f"{prefix}:1", f"{prefix}:2", archives=[str(tmp_path)])
    assert result["failed"]
    assert f"{prefix}:1 for {ARCHITECTURE} is in none of the archives" in result["msg"]
    assert "cluster_image_tags" in result["msg"]
    assert f"{tmp_path}/good.tar holds {prefix}:2 ({ARCHITECTURE})" in result["msg"]
    assert f"{tmp_path}/foreign.tar holds {prefix}:1 ({OTHER})" in result["msg"]
    assert f"{tmp_path}/bad.tar is no tar archive" in result["msg"]
    assert id_of(f"{prefix}:2") == ""


def test_nothing_unpinned_is_pulled(prefix: str) -> None:
    result = run(f"registry.invalid/{prefix}:1", pull=True)
    assert "nothing unpinned is pulled" in result["msg"]
    assert "cluster_image_tags" in result["msg"]


def test_archive_that_does_not_match_its_checksum_is_not_loaded(tmp_path: Path, prefix: str) -> None:
    path = save(tmp_path / "image.tar", Image(f"{prefix}:1"))
    (tmp_path / "SHA512SUMS").write_text(f"{'0' * 128}  image.tar\n")
    result = run(f"{prefix}:1", archives=[path])
    assert f"{path} has the SHA-512 " in result["msg"]
    assert f"{tmp_path}/SHA512SUMS says {'0' * 128}" in result["msg"]
    assert id_of(f"{prefix}:1") == ""


def test_archive_that_the_engine_refuses_is_named_and_leaves_nothing(tmp_path: Path, prefix: str) -> None:
    image = Image(f"{prefix}:1")
    image.layer = b"not the layer of the configuration"
    path = save(tmp_path / "image.tar", image)
    result = run(f"{prefix}:1", archives=[path])
    assert result["failed"]
    assert path in result["msg"]
    assert id_of(f"{prefix}:1") == ""


@pytest.mark.parametrize("text", ["pause", "pause:", "pause:1@sha256:1"])
def test_inexact_name_is_an_error(text: str) -> None:
    assert f"'{text}' is not the name of an image" in run(text)["msg"]


def test_missing_archive_is_an_error_but_not_yet_in_check_mode(tmp_path: Path, prefix: str) -> None:
    missing = f"{tmp_path}/later"
    assert f"{missing} does not exist" in run(f"{prefix}:1", archives=[missing])["msg"]
    checked = run(f"{prefix}:1", archives=[missing], _ansible_check_mode=True)
    assert checked["reasons"] == [f"{prefix}:1 is not in the container runtime"]
    assert checked["images"] == [{"name": f"{prefix}:1", "id": "", "source": ""}]


def test_engine_that_does_not_answer_is_an_error_but_not_yet_in_check_mode(
    tmp_path: Path, prefix: str
) -> None:
    path = save(tmp_path / "image.tar", Image(f"{prefix}:1"))
    stopped = f"{tmp_path}/docker.sock"
    assert stopped in run(f"{prefix}:1", archives=[path], socket=stopped)["msg"]
    checked = run(f"{prefix}:1", archives=[path], socket=stopped, _ansible_check_mode=True)
    assert checked["reasons"] == [f"{prefix}:1 is not in the container runtime"]
    assert "does not answer" in str(checked["warnings"])


class Registry(ThreadingHTTPServer):
    """A registry with one image."""

    daemon_threads = True

    def __init__(self, image: Image) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.blobs: dict[str, bytes] = {}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": self.add("container.image.v1+json", image.configuration),
            "layers": [self.add("image.rootfs.diff.tar", image.layer)],
        }
        self.digest = self.add("manifest", json.dumps(manifest).encode())["digest"]
        # What a client has to show, NAME:PASSWORD in base64; empty for nothing.
        self.login = ""

    def add(self, kind: str, blob: bytes) -> dict[str, Any]:
        """Offer a blob. Returns its descriptor."""
        self.blobs[sha256(blob)] = blob
        return {"mediaType": f"application/vnd.docker.{kind}", "digest": sha256(blob), "size": len(blob)}


class Answer(BaseHTTPRequestHandler):
    """One answer of a Registry."""

    server: Registry

    def do_GET(self) -> None:
        if self.server.login and self.headers.get("Authorization") != f"Basic {self.server.login}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = b"{}" if self.path == "/v2/" else self.server.blobs.get(self.path.rpartition("/")[2], b"")
        self.send_response(200 if content else 404)
        self.send_header("Content-Type", MANIFEST_TYPE if "/manifests/" in self.path else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(Image()) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_pinned_image_is_pulled_once_and_needs_no_archive_later(registry: Registry, prefix: str) -> None:
    name = f"127.0.0.1:{registry.server_port}/{prefix}"
    wanted = f"{name}:1@{registry.digest}"
    assert "in none of the archives" in run(wanted)["msg"]
    assert run(wanted, pull=True, _ansible_check_mode=True)["reasons"] == [
        f"{name}:1 is not in the container runtime"
    ]
    result = run(wanted, pull=True)
    assert result["changed"]
    assert result["images"] == [
        {"name": f"{name}:1", "id": id_of(f"{name}:1"), "source": f"{name}@{registry.digest}"}
    ]
    assert result["images"][0]["id"].startswith("sha256:")
    assert run(wanted, pull=True)["changed"] is False
    assert run(wanted)["changed"] is False


def test_image_that_the_registry_does_not_have_is_named(registry: Registry, prefix: str) -> None:
    wanted = f"127.0.0.1:{registry.server_port}/{prefix}:1@sha256:{'0' * 64}"
    message = run(wanted, pull=True)["msg"]
    assert f"127.0.0.1:{registry.server_port}/{prefix}@sha256:{'0' * 64}" in message
    assert "cluster_artifacts" in message


def test_who_has_logged_in_to_the_registry_may_pull(
    registry: Registry, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.login = base64.b64encode(b"name:pass:word").decode()
    server = f"127.0.0.1:{registry.server_port}"
    wanted = f"{server}/{prefix}:1@{registry.digest}"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    refused = run(wanted, pull=True)["msg"]
    assert "can't be pulled: Docker: " in refused
    (tmp_path / "config.json").write_text(json.dumps({"auths": {server: {"auth": registry.login}}}))
    assert run(wanted, pull=True)["changed"]
    assert id_of(f"{server}/{prefix}:1")
