"""Memory that a server's visitors hold together."""

import os
from pathlib import Path

import pytest
from serving import Page, own_server

from unet_demo.devices import usable_memory
from unet_demo.ui.server.sessions import MOST_BYTES

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

WORK = 1.5 * 2**30
"""Bytes that a training takes besides, while it runs, and the C library keeps."""


def held(process: int) -> int:
    """Bytes that a process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE_BYTES


@pytest.mark.slow
def test_ten_paused_trainings_of_the_widest_network_stay_within_the_budget() -> None:
    with own_server() as (process, page):
        page.at("on_open")
        before = held(process.pid)
        visitors = [Page(page.web) for _ in range(10)]
        for visitor in visitors:
            assert '"success":true' in visitor.at("on_step", width=64, size=64, batch=1)
            assert held(process.pid) - before < min(MOST_BYTES, usable_memory() // 2) + WORK
        assert "put away" in visitors[0].at("train-download-losses")
        assert '"success":true' in visitors[-1].at("train-download-losses")
