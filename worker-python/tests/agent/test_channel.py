"""Whom a worker trusts. What it does with a real control plane's certificates: test/control/tls.test.ts."""

from __future__ import annotations

from pathlib import Path

import pytest

from dss_worker.agent.channel import TlsFiles, explained, open_channel, tls_files_of
from dss_worker.errors import WorkerError


def test_without_a_ca_nothing_is_said_by_tls() -> None:
    assert tls_files_of({}) is None
    assert tls_files_of({"DSS_TLS_CA": ""}) is None


def test_files_are_named_by_the_environment() -> None:
    assert tls_files_of({"DSS_TLS_CA": "ca.pem"}) == TlsFiles(ca=Path("ca.pem"))
    pair = {"DSS_TLS_CERT": "worker.pem", "DSS_TLS_KEY": "worker.key"}
    expected = TlsFiles(ca=Path("ca.pem"), certificate=Path("worker.pem"), key=Path("worker.key"))
    assert tls_files_of({"DSS_TLS_CA": "ca.pem", **pair}) == expected


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"DSS_TLS_CA": "ca.pem", "DSS_TLS_CERT": "worker.pem"}, "DSS_TLS_CERT and DSS_TLS_KEY go together"),
        ({"DSS_TLS_CA": "ca.pem", "DSS_TLS_KEY": "worker.key"}, "DSS_TLS_CERT and DSS_TLS_KEY go together"),
        ({"DSS_TLS_CERT": "worker.pem", "DSS_TLS_KEY": "worker.key"}, "DSS_TLS_CERT is set and DSS_TLS_CA is not"),
    ],
)
def test_half_of_what_is_needed_is_refused(variables: dict[str, str], message: str) -> None:
    with pytest.raises(WorkerError, match=message) as raised:
        tls_files_of(variables)
    assert raised.value.code == "AUTH_INVALID"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"ca\.pem cannot be read: No such file"):
        open_channel("127.0.0.1:1", TlsFiles(ca=tmp_path / "ca.pem"))


def test_a_file_that_holds_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("a note")
    with pytest.raises(WorkerError, match=r"ca\.pem holds neither a certificate nor a key"):
        open_channel("127.0.0.1:1", TlsFiles(ca=tmp_path / "ca.pem"))


def test_what_has_nothing_to_do_with_certificates_stays_as_it_is() -> None:
    assert explained("Connection refused") == "Connection refused"
