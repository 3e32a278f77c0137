"""The status page as a person has it before them: in a window, in the dark, and on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

WIDTH = 1280
# A4 across, without its margins, as browsers count pixels on paper.
PAPER = {"width": 1032, "height": 702}
SCRIPT = Path(__file__).with_suffix(".js").read_text()


class Looker:
    """A browser that shows one page."""

    def __init__(self, page: Page) -> None:
        """page: with the file opened."""
        self.page = page

    def sees(self, what: str) -> Any:
        """What is found on the page, by one of the names in the script."""
        return self.page.evaluate(f"{SCRIPT}.{what}()")

    def paper(self, path: Path) -> None:
        """Write what a printer would print."""
        self.page.pdf(path=path, prefer_css_page_size=True, print_background=True)


@contextmanager
def looking(file: Path, scheme: str = "light", medium: str = "screen") -> Iterator[Looker]:
    """Look at a page, which may ask for nothing but itself."""
    program = shutil.which("chromium")
    assert program, "There is no Chromium: `make test-tools` installs it."
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        size = PAPER if medium == "print" else {"width": WIDTH, "height": 900}
        page = browser.new_page(viewport=size, color_scheme=scheme)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.emulate_media(media=medium, color_scheme=scheme)
        page.goto(file.as_uri())
        yield Looker(page)
        assert asked == [file.as_uri()]
        browser.close()
