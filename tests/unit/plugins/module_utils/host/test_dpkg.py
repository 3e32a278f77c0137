"""Commands of dpkg's find what they need."""

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import dpkg


def test_dpkg_finds_its_helpers_whatever_path_a_login_has() -> None:
    assert dpkg.ENVIRONMENT["PATH"].endswith(":/usr/local/sbin:/usr/sbin:/sbin")
