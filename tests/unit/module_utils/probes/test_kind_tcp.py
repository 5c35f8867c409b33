# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that accept connections, and those that do not."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from ansible_collections.itops.release.plugins.module_utils.probes import _kind_tcp


def measure(place, timeout=5):
    return _kind_tcp.measure({"tcp": place, "timeout": timeout})


def test_a_port_that_accepts_connections_is_good():
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"

        assert measure(place) == (True, f"{place}: accepts connections")


def test_a_port_that_nobody_listens_to_is_not_good():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take it
        place = f"127.0.0.1:{unused.getsockname()[1]}"

        assert measure(place) == (False, f"{place}: Connection refused")


def test_a_name_whose_look_up_hangs_takes_no_longer_than_allowed(monkeypatch):
    over, began = threading.Event(), time.monotonic()

    def hang(*_):
        over.wait(30)
        raise OSError("over")

    monkeypatch.setattr(socket, "create_connection", hang)

    assert measure("shop.example:80", 0.2) == (False, "shop.example:80: timed out")
    over.set()
    assert time.monotonic() - began < 5


def test_a_name_that_does_not_exist_is_not_good():
    is_good, told = measure("shop.invalid:80")

    assert not is_good
    assert told.startswith("shop.invalid:80: ")


@pytest.mark.parametrize("place", ["127.0.0.1:80", "[::1]:5432", "db-1.example:65535", "db:1"])
def test_a_place_with_a_host_and_a_port_can_be_asked(place):
    assert _kind_tcp.wrong_with({"tcp": place}) is None


@pytest.mark.parametrize(
    "place", ["", "80", ":80", "db", "db:", "db:0", "db:65536", "db:http", "::1:80", "u@db:80"]
)
def test_a_place_without_a_host_or_a_port_is_refused(place):
    assert "is not host:port" in _kind_tcp.wrong_with({"tcp": place})
