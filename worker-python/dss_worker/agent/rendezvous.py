"""Where this machine is found by others that train a model with it."""

from __future__ import annotations

import fcntl
import socket
import struct

# From linux/sockios.h: the IPv4 address of a network interface.
_SIOCGIFADDR = 0x8915


def own_address(host: str, port: int) -> str:
    """By which of this machine's addresses it speaks to that one; empty: it has no way there.

    Nothing is sent: a datagram socket only chooses its way.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as asking:
            asking.connect(address)
            own: str = asking.getsockname()[0]
            return own
    except OSError:
        return ""


def free_port(address: str) -> int:
    """Free at this moment; 0 where the address is none of this machine's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as free:
            free.bind((address, 0))
            port: int = free.getsockname()[1]
            return port
    except OSError:
        return 0


def interface_of(address: str) -> str | None:
    """The name of the network interface that has an IPv4 address; None: none has, or it is not found out here."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:
                continue
            if socket.inet_ntoa(answer[20:24]) == address:
                return name
    return None
