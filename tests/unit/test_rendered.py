"""Every file of every release and mode is what it was, to the byte, unless its sum is changed with it."""

from __future__ import annotations

from pathlib import Path

from rendering import known, render, sums

LISTING = Path(__file__).parent / "rendered.sha256"


def test_every_rendered_file_is_what_it_was(tmp_path: Path) -> None:
    lines = LISTING.read_text().splitlines()
    before = {path: checksum for checksum, path in (line.split("  ") for line in lines)}
    after = sums(render(known(), tmp_path))
    differing = sorted(path for path in before | after if before.get(path) != after.get(path))
    assert not differing, "\n".join(["See tests/rendering.py for how to compare them:", *differing])
