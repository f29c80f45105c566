from __future__ import annotations

import socket

from dss_worker.agent.rendezvous import free_port, interface_of, own_address


def test_the_own_address_is_the_one_that_leads_there() -> None:
    assert own_address("127.0.0.1", 7333) == "127.0.0.1"
    assert own_address("localhost", 7333) in ("127.0.0.1", "::1")
    assert own_address("no-such-host.invalid", 7333) == ""


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", free_port("127.0.0.1")))
        listening.listen()
    # Of a network for documentation: no machine has it.
    assert free_port("192.0.2.1") == 0


def test_an_interface_is_found_by_its_address() -> None:
    assert interface_of("127.0.0.1") == "lo"
    assert interface_of("192.0.2.1") is None
    assert interface_of("") is None
