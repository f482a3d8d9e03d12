# SPDX-License-Identifier: GPL-2.0-or-later
"""Which image is a guest's memory, told by the lives of the guest (docs/recovery.md)."""

from xenrig import Host, pv, scenario, wait_until
from xenrig.xendomains import SAVE, ctl, images, logged, states, status, wait_state

UUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"


def aside(host: Host, name: str) -> list[str]:
    return [image for image in images(host) if image.startswith(f"{name}.stale-")]


def reload_with(host: Host, **variables: object) -> None:
    host.config(**variables)
    ctl(host, "reload")


@scenario("a checkpoint of xl's, and an image of a guest that ran without images, are put aside",
          tier="ci", minutes=2)
def outlived(host: Host) -> None:
    host.auto(pv("point"), pv("off"))
    ctl(host, "start")
    old = {name: host.wait_count(name, 2).boot for name in ("point", "off")}
    host.sh(f"mkdir -p {SAVE}; xl save -c point {SAVE}/point", timeout=300)
    ctl(host, "stop", "off")
    # Images are off for a life of both, and on again.
    reload_with(host, XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=120)
    ctl(host, "stop", "point")
    ctl(host, "start", "off")
    host.wait_count("off", 1)
    ctl(host, "stop", "off")
    assert not host.domains()
    host.config()
    ctl(host, "reload")
    ctl(host, "start")
    for name in ("point", "off"):
        host.wait_reboot(name, old[name])
        assert len(aside(host, name)) == 1, images(host)
        assert logged(host, "GUEST_COLD", domain=name)


@scenario("two domains of one UUID are both saved, each to its own image")
def doubles(host: Host) -> None:
    host.sh("systemctl start xendomainsd.service")
    host.create(pv("web", f'uuid = "{UUID}"'), pv("clone", f'uuid = "{UUID}"'))
    boots = {name: host.wait_count(name, 2).boot for name in ("web", "clone")}
    assert states(host) == {"web": "running", "clone": "running"}
    assert all("UUID" in guest["reason"] for guest in status(host).values())
    host.sh("systemctl restart xendomainsd.service")
    assert states(host) == {"web": "running", "clone": "running"}
    ctl(host, "stop")
    assert not host.domains()
    assert sorted(images(host)) == ["clone", "web"]
    # Either may be the newest: neither is restored by guess, and each can be by hand.
    ctl(host, "start", expect=1)
    assert not host.domains()
    for name in ("web", "clone"):
        host.sh(f"xl restore {SAVE}/{name}", timeout=300)
        host.wait_count(name, 3, boot=boots[name])


@scenario("a guest whose clone runs, with its UUID, is shown and held, and keeps its image")
def clone(host: Host) -> None:
    host.auto(pv("web", f'uuid = "{UUID}"'))
    ctl(host, "start")
    before = host.wait_count("web", 2)
    ctl(host, "stop")
    host.create(pv("clone", f'uuid = "{UUID}"'))
    wait_state(host, "clone", "running")
    ctl(host, "start", expect=1)
    assert states(host) == {"web": "failed", "clone": "running"}
    host.sh("xl destroy clone")
    host.sh("systemctl restart xendomainsd.service")
    ctl(host, "start", expect=1)
    assert not host.domains() and images(host) == ["web"]
    # It is the guest, under another name.
    host.sh(f"xl restore {SAVE}/web", timeout=300)
    host.wait_count("web", before.n + 1, boot=before.boot)
    host.sh("xl rename web www")
    wait_state(host, "web", "failed")
    host.sh("xl rename www web")
    wait_state(host, "web", "running")


@scenario("uuid= that is added while the guest is saved holds it under both UUIDs")
def uuid_added(host: Host) -> None:
    host.auto(pv("web"))
    ctl(host, "start")
    before = host.wait_count("web", 2)
    ctl(host, "stop")
    host.auto(pv("web", f'uuid = "{UUID}"'))
    ctl(host, "start", expect=1)
    assert not host.domains() and images(host) == ["web"]
    host.auto(pv("web"))
    ctl(host, "start")
    host.wait_count("web", before.n + 1, boot=before.boot)


@scenario("a guest that xl ran after its save is not restored after a power cut")
def ran_by_xl(host: Host) -> None:
    host.auto(pv("web", f'uuid = "{UUID}"'))
    ctl(host, "start")
    before = host.wait_count("web", 2)
    ctl(host, "stop")
    host.create(pv("web", f'uuid = "{UUID}"'))
    wait_state(host, "web", "running")
    second = host.wait_count("web", 1)
    wait_until(lambda: UUID in host.sh("cat /var/lib/xendomains/ledger").out, "the record", 30)
    host.cut_power()
    ctl(host, "start")
    assert host.wait_reboot("web", second.boot).boot != before.boot
    assert len(aside(host, "web")) == 1


@scenario("an image whose directory is gone holds its guest, until it is started cold")
def not_there(host: Host) -> None:
    host.auto(pv("web"))
    ctl(host, "start")
    before = host.wait_count("web", 2)
    ctl(host, "stop")
    host.sh(f"mv {SAVE} {SAVE}.kept; mkdir {SAVE}")
    ctl(host, "start", expect=1)
    assert states(host) == {"web": "failed"} and not host.domains()
    host.sh(f"rmdir {SAVE}; mv {SAVE}.kept {SAVE}")
    ctl(host, "start")
    host.wait_count("web", before.n + 1, boot=before.boot)
    ctl(host, "stop")
    ctl(host, "start", "--cold", "web")
    host.wait_reboot("web", before.boot)
    assert len(aside(host, "web")) == 1


@scenario("what xl has restored, and saved once more, is the guest's memory", tier="ci", minutes=1)
def restored_by_xl(host: Host) -> None:
    host.auto(pv("p1"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    ctl(host, "stop")
    host.sh(f"xl restore -p {SAVE}/p1", timeout=300)
    wait_state(host, "p1", "paused")
    # No event tells that the guest runs now.
    host.sh("xl unpause p1")
    before = host.wait_count("p1", before.n + 3, boot=before.boot)
    host.sh(f"rm {SAVE}/p1 && xl save p1 {SAVE}/p1", timeout=300)
    ctl(host, "start")
    host.wait_count("p1", before.n + 3, boot=before.boot)
