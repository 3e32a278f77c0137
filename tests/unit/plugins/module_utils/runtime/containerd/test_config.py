"""What a kubelet needs is in containerd's configuration, whichever version that has, and theirs beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import config
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import nested_settings

CRI, IMAGES, RUNTIME = config.CRI, config.IMAGES, config.RUNTIME
PAUSE = "registry.k8s.io/pause:3.2"
DIGEST = f"sha256:{'0a' * 32}"
CERTS = "/etc/containerd/certs.d"
CNI = {"bin_dir": "/usr/lib/cni", "conf_dir": "/etc/cni/net.d"}
RUNC = {"runtime_type": "io.containerd.runc.v2"}
ON = {"options": {"SystemdCgroup": True}}


def wanted(
    theirs: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    pause: str = PAUSE,
    registries: str = "",
    systemd: bool = False,
) -> dict[str, Any]:
    return config.wanted_settings(settings or {}, theirs or {}, pause, registries, systemd)


def second(plugin: dict[str, Any]) -> dict[str, Any]:
    """A file of version 2 with settings of the plugin."""
    return {"version": 2, "plugins": {CRI: plugin}}


@pytest.mark.parametrize("theirs", [{}, {"version": 1}, {"version": 2}, second({"sandbox_image": "x:1"})])
def test_a_file_of_version_2_or_none_has_the_plugins_settings(theirs: dict[str, Any]) -> None:
    assert wanted(theirs) == second(
        {"sandbox_image": PAUSE, "cni": CNI, "containerd": {"runtimes": {"runc": RUNC}}}
    )
    assert wanted(theirs, registries=CERTS, systemd=True) == second(
        {
            "sandbox_image": PAUSE,
            "registry": {"config_path": CERTS},
            "cni": CNI,
            "containerd": {"runtimes": {"runc": {**RUNC, **ON}}},
        }
    )


@pytest.mark.parametrize("version", [3, 4])
def test_a_later_file_has_them_under_their_later_names(version: int) -> None:
    assert wanted({"version": version}, registries=CERTS, systemd=True) == {
        "version": version,
        "plugins": {
            IMAGES: {"pinned_images": {"sandbox": PAUSE}, "registry": {"config_path": CERTS}},
            RUNTIME: {"cni": CNI, "containerd": {"runtimes": {"runc": {**RUNC, **ON}}}},
        },
    }


def test_the_pause_image_has_no_digest_there_and_need_not_be_given() -> None:
    assert wanted(pause=f"{PAUSE}@{DIGEST}") == wanted()
    assert "sandbox_image" not in wanted(pause="")["plugins"][CRI]


def test_what_is_asked_for_comes_before_the_collections_own() -> None:
    asked = {"oom_score": -1, "plugins": {CRI: {"cni": {"conf_dir": "/x"}, "sandbox_image": "mine:1"}}}
    found = wanted({}, asked)
    assert found["oom_score"] == -1
    assert found["plugins"][CRI]["sandbox_image"] == "mine:1"
    assert found["plugins"][CRI]["cni"] == {**CNI, "conf_dir": "/x"}


def test_of_two_settings_that_exclude_each_other_the_one_that_is_there_is_used() -> None:
    theirs = {"version": 3, "plugins": {RUNTIME: {"cni": {"bin_dirs": ["/opt/cni/bin"]}}}}
    after = nested_settings.merge(theirs, wanted(theirs))["plugins"][RUNTIME]["cni"]
    assert after == {"bin_dirs": ["/opt/cni/bin", "/usr/lib/cni"], "conf_dir": "/etc/cni/net.d"}


def test_directories_of_registries_that_are_there_stay() -> None:
    def path(theirs: str) -> str:
        found = wanted(second({"registry": {"config_path": theirs}}), registries=CERTS)
        return str(found["plugins"][CRI]["registry"]["config_path"])

    assert path("") == CERTS
    assert path("/etc/docker/certs.d") == f"{CERTS}:/etc/docker/certs.d"
    assert path(f"/etc/docker/certs.d:{CERTS}") == f"/etc/docker/certs.d:{CERTS}"


def test_each_runtime_of_the_shim_has_the_cgroup_driver() -> None:
    others = {
        "nvidia": {**RUNC, "options": {"BinaryName": "x"}},
        "kata": {"runtime_type": "io.containerd.kata.v2"},
    }
    theirs = second({"containerd": {"default_runtime_name": "nvidia", "runtimes": others}})
    after = nested_settings.merge(theirs, wanted(theirs, systemd=True))
    runtimes = after["plugins"][CRI]["containerd"]["runtimes"]
    assert runtimes["nvidia"]["options"] == {"BinaryName": "x", "SystemdCgroup": True}
    assert runtimes["kata"] == others["kata"]
    assert runtimes["runc"] == {**RUNC, **ON}
    assert config.cgroup_driver(after) == "systemd"


@pytest.mark.parametrize(
    ("theirs", "asked", "systemd", "driver"),
    [
        ({}, {}, True, "systemd"),
        ({}, {}, False, "cgroupfs"),
        ({"SystemdCgroup": True}, {}, False, "systemd"),
        # As `containerd config default` writes it on every host.
        ({"SystemdCgroup": False}, {}, True, "systemd"),
        ({}, {"SystemdCgroup": False}, True, "cgroupfs"),
        ({}, {"SystemdCgroup": True}, False, "systemd"),
    ],
)
def test_the_cgroup_driver_is_the_hosts_unless_somebody_asks_for_another(
    theirs: dict[str, Any], asked: dict[str, Any], systemd: bool, driver: str
) -> None:
    file, settings = (
        second({"containerd": {"runtimes": {"runc": {"options": options}}}}) for options in (theirs, asked)
    )
    after = nested_settings.merge(file, wanted(file, settings, systemd=systemd))
    assert config.cgroup_driver(after) == driver


def test_the_plugin_is_not_disabled_and_others_stay_so() -> None:
    assert wanted({"disabled_plugins": ["cri"]})["disabled_plugins"] == []
    both = {"version": 2, "disabled_plugins": ["x", CRI]}
    assert wanted(both)["disabled_plugins"] == ["x"]
    assert wanted(both, {"disabled_plugins": ["y"]})["disabled_plugins"] == ["x", "y"]
    assert wanted({"version": 3, "disabled_plugins": [IMAGES, RUNTIME, CRI]})["disabled_plugins"] == []
    for there in ([], ["x"], ["x", "y"]):
        theirs = {"version": 2, "disabled_plugins": there}
        assert "disabled_plugins" not in wanted(theirs, {"disabled_plugins": there[:1]})


@pytest.mark.parametrize(
    ("settings", "asked", "version", "said"),
    [
        (second({}), {}, "1.6.20~ds1", ""),
        ({"version": 3}, {}, "2.1.9+ds1", ""),
        ({"version": 3}, {}, "", ""),
        ({"version": 3}, {}, "1.7.24~ds1", "its version is 3, and containerd 1.7.24~ds1 reads version 2"),
        (second({}), {"disabled_plugins": ["cri", CRI]}, "", f"has cri and {CRI}, which the kubelet needs"),
        (second({"registry": {"mirrors": {"a": {}}}}), {}, "", ""),
        (
            second({"registry": {"mirrors": {"a": {}}, "config_path": CERTS}}),
            {},
            "",
            f"{CRI}.registry has mirrors beside config_path, which excludes them. What they say belongs into"
            f" {CERTS}/HOST/hosts.toml",
        ),
        (
            second({"registry": {"configs": {"r:1": {"tls": {"ca": "x"}}}, "config_path": CERTS}}),
            {},
            "",
            "has configs.r:1.tls beside config_path",
        ),
        (second({"registry": {"configs": {"r:1": {"auth": {"a": 1}}}, "config_path": CERTS}}), {}, "", ""),
    ],
)
def test_settings_without_which_there_is_no_cri_are_told(
    settings: dict[str, Any], asked: dict[str, Any], version: str, said: str
) -> None:
    found = config.complaint(settings, asked, version)
    assert said in found
    assert bool(found) == bool(said)


def test_what_an_import_has_replaced_is_found() -> None:
    asked = {"plugins": {CRI: {"sandbox_image": PAUSE, "cni": CNI, "list": ["a"]}}}
    assert (
        list(config.overridden(asked, {"plugins": {CRI: {**asked["plugins"][CRI], "list": ["b", "a"]}}}))
        == []
    )
    effective = {"plugins": {CRI: {"sandbox_image": "other:1", "cni": {"bin_dir": "/usr/lib/cni"}}}}
    assert list(config.overridden(asked, effective)) == [
        f"plugins.{CRI}.sandbox_image",
        f"plugins.{CRI}.cni.conf_dir",
        f"plugins.{CRI}.list",
    ]


def test_each_version_speaks_the_cri_it_has() -> None:
    assert config.cri_versions("1.4.13~ds1") == ["v1alpha2"]
    assert config.cri_versions("1.6.20~ds1") == ["v1", "v1alpha2"]
    assert config.cri_versions("1.7.24") == ["v1", "v1alpha2"]
    assert config.cri_versions("2.2.1-0ubuntu1") == ["v1"]


def test_a_registry_has_a_file_with_the_places_to_ask() -> None:
    urls = ["https://mirror.example.org", "http://10.0.0.1:5000/v2/hub"]
    files = config.hosts_files(CERTS, {"docker.io": urls, "10.0.0.1:5000": ["http://10.0.0.1:5000"]})
    assert files == {
        f"{CERTS}/docker.io/hosts.toml": (
            '[host."https://mirror.example.org"]\n  capabilities = ["pull", "resolve"]\n\n'
            '[host."http://10.0.0.1:5000/v2/hub"]\n  capabilities = ["pull", "resolve"]\n'
        ),
        f"{CERTS}/10.0.0.1:5000/hosts.toml": (
            '[host."http://10.0.0.1:5000"]\n  capabilities = ["pull", "resolve"]\n'
        ),
    }


@pytest.mark.parametrize(
    ("registries", "said"),
    [
        ({"../x": ["https://a"]}, "'../x', which is no HOST"),
        ({"https://docker.io": ["https://a"]}, "which is no HOST"),
        ({"docker.io": "https://a"}, "for docker.io no list of URLs"),
        ({"docker.io": []}, "for docker.io no list of URLs"),
        ({"docker.io": ["mirror.example.org"]}, "for docker.io no list of URLs"),
        ({"docker.io": ['https://a"]\n[x']}, "for docker.io no list of URLs"),
    ],
)
def test_registries_that_have_another_form_are_refused(registries: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="cluster_containerd_registries") as caught:
        config.hosts_files(CERTS, registries)
    assert said in str(caught.value)


def test_a_file_of_somebody_elses_is_told_by_its_first_line(tmp_path: Path) -> None:
    ours, theirs, missing = (tmp_path / name for name in ("ours", "theirs", "missing"))
    ours.write_text(f"{config.MARKER}\n[host]\n")
    theirs.write_text("[host]\n")
    assert config.foreign([str(path) for path in (ours, theirs, missing)]) == [str(theirs)]
