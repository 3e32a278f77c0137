# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation shared by the modules that write files."""

from __future__ import annotations


class ModuleDocFragment:
    """The files and directories those modules make, and those they remove."""

    DOCUMENTATION = r"""
options:
  directories:
    description: >-
      Directories to make. Directories above them are made with mode V(0755). A directory that is there
      stays as it is.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the directory.
        type: path
        required: true
      mode:
        description: Permission bits it is made with, in octal.
        type: str
        default: "0755"
      tree:
        description: Whether all that comes into it is the cluster's, so that reset removes it as a whole.
        type: bool
        default: false
  files:
    description: Files to write. Missing directories above them are made with mode V(0755).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the file.
        type: path
        required: true
      content:
        description: The whole content of the file.
        type: str
        required: true
      mode:
        description: Permission bits, in octal.
        type: str
        default: "0644"
      marker:
        description:
          - A line that shows that the file was written by this collection; it becomes the file's first line.
          - A file that is already there and begins otherwise is the user's and stays as it is.
        type: str
  absent:
    description: Files to remove. A file that is not there is fine.
    type: list
    elements: path
    default: []
  keep_previous:
    description: >-
      Whether to keep, beside the ledger, what the files were before, so that
      M(mink8s.kubernetes.configuration_restore) can put it back, until
      M(mink8s.kubernetes.node_registration) finds all well.
    type: bool
    default: false
"""
