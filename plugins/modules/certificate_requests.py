#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Private keys of a host without an authority, and requests to sign certificates over them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_requests
version_added: 0.1.0
short_description: Make private keys, and ask for certificates over them
description:
  - On a host whose certificates are signed on another, makes the private keys that are missing, and returns a
    signing request for each certificate, for M(mink8s.kubernetes.certificate_signing).
  - A key that can be read is never replaced, and none leaves the host. New keys are ECDSA P-256.
author: The mink8s authors (@mink8s)
extends_documentation_fragment:
  - mink8s.kubernetes.certificates
  - mink8s.kubernetes.ledger
requirements:
  - cryptography >= 3.3 (the package python3-cryptography)
attributes:
  check_mode:
    description: Reports which keys would be made, and has no request for a certificate whose key is missing.
    support: full
  diff_mode:
    description: Shows the names of the keys, but never a key.
    support: full
options:
  directory:
    description: Directory of all certificates and keys; made with mode 0755 if missing.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Ask for the certificate of the kubelet
  mink8s.kubernetes.certificate_requests:
    directory: /etc/kubernetes/pki
    certificates:
      - name: kubelet
        authority: kubelet-ca
        common_name: beta
        dns_names: [beta]
        ip_addresses: [192.0.2.8]
        usages: [server]
"""

RETURN = r"""
reasons:
  description: One sentence for each change.
  type: list
  elements: str
  returned: success
  sample: [kubelet.key is missing]
requests:
  description: One for each of O(certificates). None has anything secret in it.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the certificate.
      type: str
    request:
      description: Signing request in PEM; empty in check mode if the key is missing.
      type: str
    certificate:
      description: The certificate that is there, in PEM; empty if there is none that can be read.
      type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import options, requests, x509
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, library, plan


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "certificates": options.CERTIFICATES,
            **ledger_file.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    directory = Path(module.params["directory"])
    if x509.IMPORT_ERROR:
        library.require_for(module, "cryptography", directory)
    try:
        wanted = requests.read_options(module.params)
        found = {name: x509.load(directory, name) for name in wanted}
        work = requests.plan(tuple(wanted), found)
        if work.keys and not module.check_mode:
            keys = [directory / f"{name}.key" for name in work.keys]
            ledger_file.note(module.params["ledger"], directories=[directory], files=keys)
            requests.make_keys(directory, work.keys)
            found = {name: x509.load(directory, name) for name in wanted}
        # The keys have to be there before what is asked with them.
        plan.carry_out(module, work.plan, lambda: None, requests=requests.describe(wanted, found))
    except OSError as error:
        module.fail_json(msg=f"{error.filename or directory}: {error.strerror or error}")
    except ValueError as error:
        module.fail_json(msg=f"{directory}: {error}")


if __name__ == "__main__":
    main()
