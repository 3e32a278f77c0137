"""Downloads go on where they stopped, and only complete parts leave a tarball."""

import hashlib
import io
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import server_tarball
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.install_record import ReleaseError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.server_tarball import Part

CONTENT = os.urandom(300_000)
CHECKSUM = hashlib.sha512(CONTENT).hexdigest()


class Mirror(ThreadingHTTPServer):
    """A web server with one file, at /file.

    ranges: whether it answers Range requests.
    cuts: how many of the next answers end half-way.
    """

    daemon_threads = True
    ranges = True
    cuts = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}/file"


class Answer(BaseHTTPRequestHandler):
    """One answer of a Mirror."""

    server: Mirror

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:-1]) if self.server.ranges else 0
        if self.path != "/file" or start >= len(CONTENT):
            self.send_error(404 if self.path != "/file" else 416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cuts:
            self.server.cuts -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def make_tarball(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"kubernetes/server/bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_missing_checksum_names_the_file_and_the_variable(tmp_path: Path) -> None:
    sums = tmp_path / "SHA512SUMS"
    with pytest.raises(ReleaseError, match=f"{sums} cannot be read .No such file.*release_checksum"):
        server_tarball.checksum_of("file", sums)
    sums.write_text("")
    with pytest.raises(ReleaseError, match=f"{sums} does not list file.*release_checksum"):
        server_tarball.checksum_of("file", sums)


def test_whole_file_is_downloaded(mirror: Mirror, tmp_path: Path) -> None:
    assert server_tarball.fetch(mirror.url, tmp_path / "new" / "part", CHECKSUM, "test", 5) == len(CONTENT)
    assert (tmp_path / "new" / "part").read_bytes() == CONTENT


def test_download_goes_on_after_what_is_there(mirror: Mirror, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:200_000])
    assert server_tarball.fetch(mirror.url, part, CHECKSUM, "test", 5) == 100_000
    assert part.read_bytes() == CONTENT


def test_complete_file_is_not_downloaded_again(mirror: Mirror, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT)
    assert server_tarball.fetch(mirror.url, part, CHECKSUM, "test", 5) == 0


def test_download_starts_over_where_the_server_has_no_ranges(mirror: Mirror, tmp_path: Path) -> None:
    mirror.ranges = False
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:200_000])
    assert server_tarball.fetch(mirror.url, part, CHECKSUM, "test", 5) == len(CONTENT)
    assert part.read_bytes() == CONTENT


def test_download_starts_over_after_a_wrong_beginning(mirror: Mirror, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"x" * 200_000)
    assert server_tarball.fetch(mirror.url, part, CHECKSUM, "test", 5) == 100_000 + len(CONTENT)
    assert part.read_bytes() == CONTENT


def test_broken_connection_is_taken_up_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.cuts = 2
    assert server_tarball.fetch(mirror.url, tmp_path / "part", CHECKSUM, "test", 5) == len(CONTENT)
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_connection_that_always_breaks_is_given_up_and_its_bytes_are_kept(
    mirror: Mirror, tmp_path: Path
) -> None:
    mirror.cuts = 99
    with pytest.raises(ReleaseError, match=r"broke off 3 times .37500 of 300000 bytes.*release_url"):
        server_tarball.fetch(mirror.url, tmp_path / "part", CHECKSUM, "test", 5)
    assert (tmp_path / "part").read_bytes() == CONTENT[:262_500]


def test_wrong_checksum_shows_both_and_removes_the_file(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=f"{CHECKSUM}, but for {mirror.url} the list says {'0' * 128}"):
        server_tarball.fetch(mirror.url, tmp_path / "part", "0" * 128, "the list", 5)
    assert list(tmp_path.iterdir()) == []


def test_unknown_version_is_told_apart_from_an_unreachable_mirror(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"no/file: HTTP 404 .*version.*release_url"):
        server_tarball.download(mirror.url.replace("/file", "/no/file"), tmp_path / "part", 5)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/file"
        with pytest.raises(ReleaseError, match=r"127.0.0.1 cannot be reached .*refused.*cluster_artifacts"):
            server_tarball.download(url, tmp_path / "part", 5)


def test_silent_server_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
        with pytest.raises(ReleaseError, match=r"127.0.0.1 cannot be reached .*no answer in time"):
            server_tarball.download(url, tmp_path / "part", 1)


def test_password_in_a_url_is_not_shown(mirror: Mirror, tmp_path: Path) -> None:
    url = mirror.url.replace("//", "//me:secret@").replace("/file", "/none")
    with pytest.raises(ReleaseError) as raised:
        server_tarball.download(url, tmp_path / "part", 5)
    assert "secret" not in str(raised.value)


def test_full_disk_says_what_was_needed_and_leaves_no_half(mirror: Mirror, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.symlink_to("/dev/full")
    with pytest.raises(ReleaseError, match=f"No space is left in {tmp_path}, where a file of 0.3 MB"):
        server_tarball.download(mirror.url, part, 5)
    assert list(tmp_path.iterdir()) == []


def test_only_the_wanted_parts_are_unpacked_and_removed_unless_moved(tmp_path: Path) -> None:
    tarball = make_tarball(tmp_path / "t.tar.gz", {"a": b"A", "kubelet": b"K", "b": b"B", "kubectl": b"C"})
    target = tmp_path / "bin"
    target.mkdir()
    kubelet, kubectl = Part(target / "kubelet", 0o755), Part(target / "kubectl", 0o755)
    with server_tarball.unpacked(tarball, [kubelet, kubectl]) as staged:
        assert {part: path.read_bytes() for part, path in staged.items()} == {kubelet: b"K", kubectl: b"C"}
        assert {path.stat().st_mode & 0o777 for path in staged.values()} == {0o755}
        staged[kubelet].replace(kubelet.path)
    assert list(target.iterdir()) == [kubelet.path]


def test_missing_part_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    tarball = make_tarball(tmp_path / "t.tar.gz", {"kubelet": b"K"})
    parts = [Part(tmp_path / "bin" / name, 0o755) for name in ("kubelet", "kubectl")]
    (tmp_path / "bin").mkdir()
    complaint = "does not hold kubernetes/server/bin/kubectl"
    with pytest.raises(ReleaseError, match=complaint), server_tarball.unpacked(tarball, parts):
        pytest.fail("an incomplete set of parts was handed out")
    assert list((tmp_path / "bin").iterdir()) == []


@pytest.mark.parametrize("kept", [0, 10, 60_000, 150_000])
def test_truncated_tarball_is_refused_wherever_it_ends(tmp_path: Path, kept: int) -> None:
    tarball = make_tarball(tmp_path / "t.tar.gz", {"a": os.urandom(100_000), "kubelet": os.urandom(100_000)})
    os.truncate(tarball, kept)
    (tmp_path / "bin").mkdir()
    parts = [Part(tmp_path / "bin" / "kubelet", 0o755)]
    with pytest.raises(ReleaseError, match=str(tarball)), server_tarball.unpacked(tarball, parts):
        pytest.fail("a part of a truncated tarball was handed out")
    assert list((tmp_path / "bin").iterdir()) == []
