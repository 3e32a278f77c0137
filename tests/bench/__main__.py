# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`python tests/bench`, with the sandbox's modules at hand."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "sandbox"))

import command

sys.exit(command.main())
