# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the release server says to a host."""

from __future__ import annotations

from http.client import HTTPException
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import no_answer


def fetch_error(url: str) -> str:
    """Why the URL can't be fetched; empty if it can."""
    try:
        open_url(url, method="HEAD", timeout=10).close()
    except HTTPError as error:
        # Some file servers know no HEAD; they answered, which is what was asked.
        return "" if error.code in (405, 501) else f"HTTP {error.code} {error.reason}"
    except (OSError, HTTPException, ValueError) as error:
        return no_answer.words(error)
    return ""
