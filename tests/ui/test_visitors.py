"""Who asks, and which addresses are the public Internet's."""

import pytest
from starlette.requests import Request

from unet_demo.environment import SPACE_VARIABLE
from unet_demo.ui.server.visitors import address_of, is_global

PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"]

PRIVATE = [
    "100.64.0.1", "100.127.255.254", "192.0.0.192", "169.254.169.254", "10.0.0.1", "127.0.0.1", "0.0.0.0",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:100.64.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:db8::1", "localhost", "",
]  # fmt: skip
"""Of one machine, one network, one provider; or no address at all."""


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_told(address: str) -> None:
    assert is_global(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_everybodys_is_told(address: str) -> None:
    assert not is_global(address)


def asked(client: str, noted: str = "") -> Request:
    headers = [(b"x-forwarded-for", noted.encode())] if noted else []
    return Request({"type": "http", "client": (client, 1), "headers": headers})


def test_nobody_writes_their_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    request = asked("10.0.0.9", "1.1.1.1, 8.8.8.8, 10.0.0.2")
    assert address_of(request) == "10.0.0.9"
    monkeypatch.setenv(SPACE_VARIABLE, "owner/space")
    assert address_of(request) == "8.8.8.8"
    assert address_of(asked("10.0.0.9", "nonsense")) == "10.0.0.9"


def test_a_household_has_one_address_of_ipv6() -> None:
    assert address_of(asked("2606:2800:220:1::1")) == address_of(asked("2606:2800:220:1:ffff::9"))
    assert address_of(asked("2606:2800:220:1::1")) != address_of(asked("2606:2800:220:2::1"))
