# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation shared by the modules that make, ask for and sign certificates."""

from __future__ import annotations


class ModuleDocFragment:
    """What certificates there are to be."""

    DOCUMENTATION = r"""
options:
  certificates:
    description: Certificates that authorities sign, as C(NAME.crt) and C(NAME.key).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the files without their ending.
        type: str
        required: true
      authority:
        description: Name of the authority that signs the certificate.
        type: str
        required: true
      common_name:
        description: Common name of the subject, at most 64 characters; Kubernetes reads it as the user.
        type: str
        required: true
      organizations:
        description: Organizations of the subject; Kubernetes reads them as the user's groups.
        type: list
        elements: str
        default: []
      dns_names:
        description: DNS names the certificate is valid for.
        type: list
        elements: str
        default: []
      ip_addresses:
        description: IP addresses the certificate is valid for.
        type: list
        elements: str
        default: []
      usages:
        description: Sides of a TLS connection the certificate may be used on.
        type: list
        elements: str
        choices: [client, server]
        required: true
"""
