# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory for guests, on hosts where it is short, and what xl.conf says of guests."""

from xenrig import Host, pv, pvh, scenario
from xenrig.xendomains import ctl, expect_states, images, states, status

TOO_LITTLE = "not enough memory"


@scenario("a host without dom0_mem= brings guests that need most of its memory back after a reboot",
          tier="ci", xen="", minutes=6)
def dom0_has_all(host: Host) -> None:
    host.auto(pv("p1", memory=700), pv("p2", memory=700), pvh("h1", memory=700))
    ctl(host, "start")
    before = {name: host.wait_count(name, timeout=600) for name in ("p1", "p2", "h1")}
    ctl(host, "stop")
    assert images(host) == ["h1", "p1", "p2"]
    host.reboot()
    ctl(host, "start")
    for name, count in before.items():
        host.wait_count(name, count.n + 2, boot=count.boot)
    assert images(host) == []


@scenario("output_format, vm.cpumask and lockfile in xl.conf are no reason not to start a guest")
def xl_conf(host: Host) -> None:
    host.sh("cat >>/etc/xen/xl.conf", stdin=b'output_format="sxp"\nvm.cpumask="0"\n'
            b'autoballoon="on"\nlockfile="/run/another-lock"\nclaim_mode=0')
    # Without "vcpus" xl does not apply its mask.
    host.auto(pv("p1", "vcpus = 1"))
    ctl(host, "start")
    before = host.wait_count("p1")
    assert host.sh("xl list -l p1").out.lstrip().startswith("(")
    stored = host.sh("cat /var/lib/xen/userdata-d.*.libxl-json").out
    assert "vcpu_hard_affinity" in stored and '"claim_mode": "False"' in stored, stored
    host.sh("test -e /run/another-lock")
    # The copy that xl was shown is nowhere to be seen.
    assert "tmpfs" not in host.sh("findmnt --noheadings /run/xendomains", check=False).out
    host.sh("grep -q sxp /etc/xen/xl.conf")
    ctl(host, "stop")
    ctl(host, "start")
    host.wait_count("p1", before.n + 1, boot=before.boot)


@scenario("guests that are restored together are never promised the same memory")
def together(host: Host) -> None:
    memory = int(host.sh("xl info free_memory").out) * 2 // 5
    host.auto(*(pv(name, memory=memory) for name in ("p1", "p2", "p3")))
    for name in ("p1", "p2", "p3"):
        ctl(host, "start", name)
        host.wait_count(name, timeout=600)
        ctl(host, "stop", name)
    ctl(host, "start", expect=1)
    assert sorted(states(host).values()) == ["failed", "running", "running"], states(host)
    [reason] = [guest["reason"] for guest in status(host).values() if guest["state"] == "failed"]
    assert TOO_LITTLE in reason, reason
    [image] = images(host)
    [other] = [name for name in ("p1", "p2", "p3") if name != image][:1]
    ctl(host, "stop", other)
    ctl(host, "start", image)
    host.wait_count(image)
