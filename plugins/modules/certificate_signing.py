#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates of a node, signed on the control plane host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_signing
version_added: 0.1.0
short_description: Sign the certificates of a node, and nothing else
description:
  - On the control plane host, checks what a node asks for with M(mink8s.kubernetes.certificate_requests), and
    signs it. Nothing on the control plane host changes.
  - The authority V(kubelet-ca) signs for the kubelet's server alone, with the node's name as common name and
    DNS name. The authority V(ca) signs for clients alone, for the user V(system:node:NAME) of the group
    V(system:nodes), and for O(users) without a group. Everything else is refused with an error, and so is a
    request that differs from O(certificates) or is not signed with its own key.
  - A certificate that is there stays while it is as it has to be and does not expire soon.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.certificates]
requirements:
  - cryptography >= 3.3 (the package python3-cryptography)
attributes:
  check_mode:
    description: >-
      Signs as well, for nothing on the host changes. Without the authorities, which the first run makes, the
      results are empty.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  directory:
    description: Directory of the authorities on the control plane host, C(ca) and C(kubelet-ca).
    type: path
    required: true
  node_name:
    description: Name the node is registered with.
    type: str
    required: true
  users:
    description: Users that components on every node sign in as, for which a node may have certificates.
    type: list
    elements: str
    default: []
  requests:
    description: RV(mink8s.kubernetes.certificate_requests#module:requests) of the node.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of one of O(certificates).
        type: str
        required: true
      request:
        description: Signing request in PEM. If it is empty, because there is no key yet, nothing is signed.
        type: str
        default: ""
      certificate:
        description: The certificate that the node has, in PEM; empty if there is none.
        type: str
        default: ""
  valid_days:
    description: Days the certificates are valid for, but never longer than their authority.
    type: int
    default: 365
  renew_days:
    description: A certificate that is valid for fewer days than this is renewed.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Have the control plane host sign what the node asks for
  mink8s.kubernetes.certificate_signing:
    directory: /etc/kubernetes/pki
    node_name: beta
    certificates:
      - name: kubelet-client
        authority: ca
        common_name: system:node:beta
        organizations: [system:nodes]
        usages: [client]
    requests: "{{ requests_result.requests }}"
  delegate_to: alpha
"""

RETURN = r"""
signed:
  description: The certificates in PEM by name, those that stay among them.
  type: dict
  returned: success
authorities:
  description: The certificates of the authorities in PEM by name.
  type: dict
  returned: success
reasons:
  description: One sentence for each certificate that is signed, or is to be when its key is there.
  type: list
  elements: str
  returned: success
  sample: [kubelet.crt expires in 12 days]
"""

from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import node_certificates, options, x509
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import library

REQUEST = {
    "name": {"type": "str", "required": True},
    "request": {"type": "str", "default": ""},
    "certificate": {"type": "str", "default": ""},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "node_name": {"type": "str", "required": True},
            "users": options.TEXTS,
            "certificates": options.CERTIFICATES,
            "requests": {"type": "list", "elements": "dict", "options": REQUEST, "required": True},
            "valid_days": {"type": "int", "default": 365},
            "renew_days": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    directory = Path(module.params["directory"])
    now = datetime.now(timezone.utc).replace(microsecond=0)
    if x509.IMPORT_ERROR:
        library.require_for(module, "cryptography", directory)
    try:
        authorities = {name: x509.load(directory, name) for name in node_certificates.AUTHORITIES}
        if module.check_mode and any(seen.certificate_fault == x509.MISSING for seen in authorities.values()):
            module.exit_json(changed=False, signed={}, authorities={}, reasons=[])
        missing = node_certificates.missing(directory, authorities)
        if missing:
            module.fail_json(msg=f"{'; '.join(missing)}. {node_certificates.REMEDY} first.")
        desired = node_certificates.read_options(module.params)
        signed = node_certificates.sign(desired, authorities, now)
    except OSError as error:
        module.fail_json(msg=f"{error.filename or directory}: {error.strerror or error}")
    except ValueError as error:
        module.fail_json(msg=str(error))
    known = {name: seen.certificate for name, seen in authorities.items() if seen.certificate}
    signed_pem, authority_pem = (
        {name: x509.certificate_pem(certificate).decode() for name, certificate in certificates.items()}
        for certificates in (signed.certificates, known)
    )
    module.exit_json(
        changed=False, signed=signed_pem, authorities=authority_pem, reasons=list(signed.reasons)
    )


if __name__ == "__main__":
    main()
