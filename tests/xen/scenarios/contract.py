# SPDX-License-Identifier: GPL-2.0-or-later
"""The contract tests (tests/contract) on the real thing."""

from xenrig import Host, pv, pvh, scenario

TESTS = "/usr/libexec/xendomains/tests"
RUN = ("CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent CONTRACT_BACKEND=xen CONTRACT_AUTO=/root/cfg "
       "CONTRACT_CONFIG=/root/cfg/contract.cfg "
       "CONTRACT_WORKER=/usr/libexec/xendomains/xendomains-worker")


def keeps(host: Host, test: str) -> None:
    host.sh(f"{RUN} {TESTS}/{test}", timeout=1800)


@scenario("hv.h keeps its word on Xen", tier="ci", minutes=4)
def hypervisor(host: Host) -> None:
    host.cfg(pv("contract"))
    keeps(host, "contract-hv-xen")


@scenario("xl.h keeps its word on libxl, with PV guests", tier="ci", minutes=5)
def libxl_pv(host: Host) -> None:
    host.cfg(pv("contract"))
    keeps(host, "contract-xl-xen")


@scenario("xl.h keeps its word on libxl, with PVH guests", minutes=5)
def libxl_pvh(host: Host) -> None:
    host.cfg(pvh("contract"))
    keeps(host, "contract-xl-xen")
