#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates and keys, and the files that go with them, made and renewed in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates
version_added: 0.1.0
short_description: Make and renew the certificates and keys of a cluster, and write the files that name them
description:
  - Makes certificate authorities, certificates signed by them, and key pairs in one directory.
  - What is valid stays. A certificate is issued again when it expires soon or has expired, when what it
    has to say changes, or when it does not belong to its key or its authority.
  - A key that can be read is never replaced, so what a renewed authority has signed stays valid. Remove
    a certificate's key to have a new one made. New keys are ECDSA P-256, in key pairs RSA 2048.
  - An authority that is already there is used as it is, whatever its common name and kind of key.
  - Then writes files in the way of M(mink8s.kubernetes.files). In their content C(CERTIFICATE(NAME)) and
    C(KEY(NAME)) stand for the certificate with this name and its private key in base64, as a kubeconfig has
    them in it.
  - Without certificates to make, nothing of O(directory) or the library is needed.
author: The mink8s authors (@mink8s)
extends_documentation_fragment:
  - mink8s.kubernetes.certificates
  - mink8s.kubernetes.files
  - mink8s.kubernetes.ledger
requirements:
  - cryptography >= 3.3 (the package python3-cryptography)
attributes:
  check_mode:
    description: Reports what would be issued and changes nothing.
    support: full
  diff_mode:
    description: >-
      Shows names and expiry of the certificates, and the contents of O(files), but never a key or what a line
      that ends its name with C(-data) has.
    support: full
options:
  directory:
    description: Directory of all certificates and keys; made with mode 0755 if missing.
    type: path
    required: true
  authorities:
    description: Certificate authorities, as C(NAME.crt) and C(NAME.key).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the files without their ending; V(etcd/ca) puts them in a directory below.
        type: str
        required: true
      common_name:
        description: Common name of the subject, at most 64 characters.
        type: str
        required: true
      certificate:
        description:
          - The certificate of an authority of another host, in PEM. There is no C(NAME.key) then, and one
            that is there is an error. What the authority has signed is in O(signed).
          - Empty in check mode if the other host has no authority yet.
        type: str
  signed:
    description: >-
      Certificates in PEM by name, of the authorities that have a C(certificate), as
      M(mink8s.kubernetes.certificate_signing) returns them.
    type: dict
    default: {}
  key_pairs:
    description: Names of key pairs without a certificate, as C(NAME.key) and C(NAME.pub).
    type: list
    elements: str
    default: []
  unwanted:
    description: Names of certificates to remove with their keys. One that is not there is fine.
    type: list
    elements: str
    default: []
  logins:
    description:
      - Logins on the host that get O(kubeconfig) as C(.kube/config) in their homes, readable by them alone.
      - One that begins with another line is the login's own, and so is one that is a link or in a directory
        that is a link. It stays as it is, with a warning.
      - It is removed again from a login that is not listed any more.
    type: list
    elements: str
    default: []
  kubeconfig:
    description: Path of the one of O(files) that O(logins) get, too. Its first line shows whose the file is.
    type: path
  valid_days:
    description: Days O(certificates) are valid for, but never longer than their authority.
    type: int
    default: 365
  authority_valid_days:
    description: Days O(authorities) are valid for.
    type: int
    default: 3650
  renew_days:
    description: A certificate that is valid for fewer days than this is renewed.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Make what an API server needs
  mink8s.kubernetes.certificates:
    directory: /etc/kubernetes/pki
    authorities:
      - name: ca
        common_name: kubernetes
    certificates:
      - name: apiserver
        authority: ca
        common_name: kube-apiserver
        dns_names: [kubernetes.default.svc, localhost]
        ip_addresses: [10.96.0.1, 127.0.0.1]
        usages: [server]
      - name: admin
        authority: ca
        common_name: kubernetes-admin
        organizations: [system:masters]
        usages: [client]
    key_pairs: [sa]
    files:
      - path: /etc/kubernetes/admin.conf
        content: "{{ lookup('ansible.builtin.template', 'kubeconfig.j2') }}"
        mode: "0600"
"""

RETURN = r"""
reasons:
  description: One sentence for each change.
  type: list
  elements: str
  returned: success
  sample: [apiserver.crt expires in 12 days]
certificates:
  description:
    - What is known of every authority and certificate, by its name. In check mode the C(fingerprint) of
      one that would be issued is empty.
  type: dict
  returned: success
  sample:
    apiserver:
      path: /etc/kubernetes/pki/apiserver.crt
      key_path: /etc/kubernetes/pki/apiserver.key
      fingerprint: 1b0c1c1c4dd6fbf3f7f1c4e5d0b8cb6b0e3a3f6d7f3a1b9a0d2c4b6a8f0e1d2c
      not_valid_after: "2027-11-23T16:35:00Z"
changed_files:
  description: >-
    Certificates issued, and those of O(files), O(absent) and O(logins) written or removed, or would be.
  type: list
  elements: str
  returned: success
"""

from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import file_set, home_kubeconfig
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import certificates, options, x509
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, library, plan


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "authorities": options.AUTHORITIES,
            "signed": {"type": "dict", "default": {}},
            "certificates": options.CERTIFICATES,
            "key_pairs": {**options.TEXTS, "no_log": False},
            "unwanted": options.TEXTS,
            "logins": options.TEXTS,
            "kubeconfig": {"type": "path"},
            "valid_days": {"type": "int", "default": 365},
            "authority_valid_days": {"type": "int", "default": 3650},
            "renew_days": {"type": "int", "default": 30},
            **file_set.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    directory, now = Path(module.params["directory"]), datetime.now(timezone.utc).replace(microsecond=0)
    if x509.IMPORT_ERROR and any(
        module.params[kind] for kind in ("authorities", "certificates", "key_pairs")
    ):
        library.require_for(module, "cryptography", directory)
    try:
        homes = [home_kubeconfig.find(login) for login in module.params["logins"]]
        if homes and module.params["kubeconfig"] not in [file["path"] for file in module.params["files"]]:
            raise ValueError(f"kubeconfig: {module.params['kubeconfig']} is not in files")
        desired = certificates.read_options(module.params)
        found = certificates.observe(directory, desired)
        work = certificates.plan(desired, found, now)
        issues = bool(work.plan.reasons) and not module.check_mode
        unwanted = certificates.plan_removal(directory, module.params["unwanted"])
        if issues:
            files = certificates.files(directory, desired)
            ledger_file.note(module.params["ledger"], directories=[directory], files=files)
            certificates.apply(directory, desired, found, work, now)
            found = certificates.observe(directory, desired)
        results = certificates.describe(directory, found, work, done=issues)
        # What the files say is known only now. It may have keys in it, and the parameters get printed.
        params = {
            **module.params,
            "files": [
                {**file, "content": certificates.filled(file["content"], results)}
                for file in module.params["files"]
            ],
        }
        kubeconfig = next(
            (file_set.whole(file) for file in params["files"] if file["path"] == params["kubeconfig"]), b""
        )
        written, changes = file_set.prepare(params)
        noted = ledger_file.read(module.params["ledger"]) or ledger_file.Ledger()
        in_homes = home_kubeconfig.plan(homes, home_kubeconfig.noted(noted.paths), kubeconfig)
        for said in in_homes.kept:
            module.warn(said)
        if not module.check_mode:
            file_set.note(params)
            if in_homes.write:
                ledger_file.note(module.params["ledger"], login=[home.kubeconfig for home in in_homes.write])

        def apply() -> None:
            # New certificates are over the same keys and serve what is kept as well.
            file_set.keep(module.params, [*changes.paths, *map(str, unwanted.paths)])
            file_set.apply(changes)
            home_kubeconfig.apply(in_homes, kubeconfig)
            for path in unwanted.paths:
                path.unlink()

        plan.carry_out(
            module,
            plan.together(work.plan, written, in_homes.plan, unwanted.plan),
            apply,
            certificates=results,
            changed_files=[f"{directory}/{name}.crt" for name in work.issue] + changes.paths + in_homes.paths,
        )
    except OSError as error:
        module.fail_json(msg=f"{error.filename or directory}: {error.strerror or error}")
    except home_kubeconfig.HomeError as error:
        module.fail_json(msg=f"{error} Nothing was changed. Correct cluster_kubeconfig_users.")
    except ValueError as error:
        module.fail_json(msg=f"{directory}: {error}")


if __name__ == "__main__":
    main()
