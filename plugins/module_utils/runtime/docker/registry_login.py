# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody who has logged in with `docker login` shows to a registry."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

# Under which the credentials for docker.io are kept.
INDEX = "https://index.docker.io/v1/"
SECONDS = 30


def header(reference: Reference) -> dict[str, str]:
    """The header with the credentials for an image's registry; none if there are none for it."""
    registry = reference.full.partition("/")[0]
    server = INDEX if registry == "docker.io" else registry
    found = _credentials(server)
    if not found:
        return {}
    user, secret = found
    # A helper that keeps a token instead of a password says so by this name.
    known = {"identitytoken": secret} if user == "<token>" else {"username": user, "password": secret}
    content = json.dumps({**known, "serveraddress": server}).encode()
    return {"X-Registry-Auth": base64.urlsafe_b64encode(content).decode()}


def _credentials(server: str) -> tuple[str, str] | None:
    directory = os.environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser()
    try:
        settings = json.loads(Path(directory, "config.json").read_text())
        helper = settings.get("credHelpers", {}).get(server) or settings.get("credsStore")
        if helper:
            return _ask(programs.find(f"docker-credential-{helper}"), server)
        user, colon, secret = (
            base64.b64decode(settings["auths"][server]["auth"]).decode().rstrip("\0").partition(":")
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None
    return (user, secret) if colon else None


def _ask(helper: str, server: str) -> tuple[str, str] | None:
    """What a helper keeps. Raises OSError, ValueError and KeyError if it does not say."""
    done = subprocess.run(
        [helper, "get"], input=server.encode(), stdout=subprocess.PIPE, check=False, timeout=SECONDS
    )
    told = json.loads(done.stdout) if done.returncode == 0 else None
    return (told["Username"], told["Secret"]) if told else None
