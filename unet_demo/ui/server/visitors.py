"""Who asks: the network address that a request comes from."""

import ipaddress
import os
from collections.abc import Mapping
from typing import Any, Protocol

from ...environment import SPACE_VARIABLE


class Asking(Protocol):
    """A request, Gradio's or Starlette's."""

    @property
    def client(self) -> Any: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


def address_of(request: Asking | None) -> str:
    """Return the address that a request comes from, "" for none.

    On a Space all come through its proxies: there it is the last public one that they noted, since
    what stands before that anybody can have written.
    """
    noted = request.headers.get("x-forwarded-for", "") if request else ""
    if os.environ.get(SPACE_VARIABLE):
        for address in reversed([part.strip() for part in noted.split(",")]):
            if is_global(address):
                return household(address)
    client = getattr(request, "client", None)
    return household(client.host) if client else ""


def household(address: str) -> str:
    """Return an IPv4 address as it is, and of IPv6 the network, whose addresses one household has all."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address


ASSIGNED = ipaddress.ip_network("192.0.0.0/24")
"""For protocols, and for some clouds' services; older Pythons call it global."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_global(address: str) -> bool:
    """Tell whether an IP address is one of the public Internet's; of what is none, False.

    One of IPv6 that stands for one of IPv4 is as public as that.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            inner = ipaddress.IPv4Address(ip.packed[-4:])
        if inner:
            return is_global(str(inner))
    if ip in ASSIGNED:
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
