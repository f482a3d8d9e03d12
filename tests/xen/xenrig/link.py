# SPDX-License-Identifier: GPL-2.0-or-later
"""A cable between two hosts, which need nothing else to reach each other by name."""

import socket
from dataclasses import dataclass

NAMES = ("host", "peer")

# The device with this address, whatever the kernel calls it.
CONFIGURE = """
set -e
dev=$(ip -o link | sed -n 's/^[0-9]*: \\([^:@]*\\).*{mac}.*/\\1/p')
ip address replace {address}/24 dev $dev
ip link set $dev up
grep -qF '{other_address} ' /etc/hosts || echo '{other_address} {other_name}' >>/etc/hosts
mkdir -p /root/.ssh
cat >/root/.ssh/id_ed25519
chmod 600 /root/.ssh/id_ed25519
printf 'StrictHostKeyChecking no\\nUserKnownHostsFile /dev/null\\nLogLevel ERROR\\n' >/root/.ssh/config
"""


@dataclass(frozen=True)
class Link:
    """One end of it. Datagrams on the loopback device: either host can be off, and come back."""

    end: int
    port: int
    other_port: int

    @property
    def mac(self) -> str:
        return f"52:54:00:77:00:0{self.end + 1}"

    def address(self, end: int) -> str:
        return f"192.168.77.{end + 1}"

    def options(self) -> list[str]:
        """For QEMU."""
        return ["-netdev", f"socket,id=link,udp=127.0.0.1:{self.other_port},"
                           f"localaddr=127.0.0.1:{self.port}",
                "-device", f"virtio-net-pci,netdev=link,mac={self.mac}"]

    def script(self) -> str:
        """Run on the host, with a key on its standard input, makes the other one known to it."""
        other = 1 - self.end
        return CONFIGURE.format(mac=self.mac, address=self.address(self.end),
                                other_name=NAMES[other], other_address=self.address(other))


def pair() -> tuple[Link, Link]:
    ports = _free_ports()
    return Link(0, ports[0], ports[1]), Link(1, ports[1], ports[0])


def _free_ports() -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
