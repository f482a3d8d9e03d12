# SPDX-License-Identifier: GPL-2.0-or-later
"""Images are xl's: each takes the other's, unless it is compressed."""

from xenrig import Guest, Host, hvm, pv, pvh, scenario
from xenrig.xendomains import SAVE, ctl, image_list, images, states


def exchanged(host: Host, guest: Guest) -> None:
    name = guest.name
    host.auto(guest)
    ctl(host, "start")
    count = host.wait_count(name, 3, timeout=600)

    ctl(host, "stop")
    host.verify_image(f"{SAVE}/{name}")
    host.sh(f"xl restore {SAVE}/{name}", timeout=300)
    count = host.wait_count(name, count.n + 3, boot=count.boot)
    host.sh(f"rm {SAVE}/{name}")

    host.sh(f"xl save {name} {SAVE}/{name}", timeout=300)
    ctl(host, "start")
    assert states(host)[name] == "running" and images(host) == []
    host.wait_count(name, count.n + 3, boot=count.boot)


@scenario("a PV guest goes from us to xl and back", tier="ci", minutes=0.9)
def paravirtualised(host: Host) -> None:
    exchanged(host, pv("p1"))


@scenario("a PVH guest goes from us to xl and back", tier="ci", minutes=1.5)
def pvh_guest(host: Host) -> None:
    exchanged(host, pvh("h1"))


@scenario("an HVM guest goes from us to xl and back")
def device_model(host: Host) -> None:
    exchanged(host, hvm("v1"))


def compressed(host: Host, guest: Guest) -> None:
    name = guest.name
    host.put("/etc/xen/xendomains.conf", "[Host]\nImageCompression=zstd\n")
    host.auto(guest)
    ctl(host, "start")
    count = host.wait_count(name, 3, timeout=600)

    ctl(host, "stop")
    [image] = image_list(host)
    assert image["compression"] == "zstd" and image["size"] < image["plain_size"], image
    ctl(host, "image", "verify", name)
    refused = host.sh(f"xl restore {SAVE}/{name}", check=False, timeout=300)
    assert refused.code and "need newer xl" in refused.err, refused
    assert not host.domains()
    host.sh("systemctl restart xendomainsd.service")
    ctl(host, "start")
    assert images(host) == []
    count = host.wait_count(name, count.n + 3, boot=count.boot)

    ctl(host, "stop")
    host.sh(f"xendomainsctl image cat {name} >/var/tmp/plain", timeout=300)
    host.verify_image("/var/tmp/plain")
    host.sh(f"xendomainsctl image cat {name} | xl restore /dev/stdin", timeout=300)
    host.wait_count(name, count.n + 3, boot=count.boot)


@scenario("a PV guest goes on from a compressed image, and xl takes what is made plain of it", tier="ci", minutes=1.5)
def compressed_paravirtualised(host: Host) -> None:
    compressed(host, pv("p1"))


@scenario("a PVH guest goes on from a compressed image, and xl takes what is made plain of it")
def compressed_pvh(host: Host) -> None:
    compressed(host, pvh("h1"))


@scenario("an image of xl's that is cut short is refused, and kept")
def xls_cut_short(host: Host) -> None:
    host.create(pv("p1"))
    host.wait_count("p1")
    host.sh(f"mkdir -p {SAVE} && xl save p1 {SAVE}/p1 && truncate --size=-1M {SAVE}/p1")
    host.auto(pv("p1"))
    ctl(host, "start", expect=1)
    assert states(host)["p1"] == "failed" and images(host) == ["p1"]
    assert not host.domains()
