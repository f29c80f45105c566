"""The channel to the control plane: in the clear on this machine, by TLS beyond it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from dss_worker.errors import WorkerError

TLS_CA = "DSS_TLS_CA"
TLS_CERT = "DSS_TLS_CERT"
TLS_KEY = "DSS_TLS_KEY"

_MAX_MESSAGE_BYTES = 8 * 1024 * 1024

# As in orchestrator/control/channel-options.ts, and what only this side needs.
_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_retries", 0),
    # The control plane is spoken to directly, whatever http_proxy says.
    ("grpc.enable_http_proxy", 0),
    # A new channel does not inherit how long an old one wanted to wait.
    ("grpc.use_local_subchannel_pool", 1),
]

# What grpc says, and what that means. Each with the next step.
_TLS_FAILURES = (
    (
        r"certificate has expired",
        "its certificate has expired (there: dss auth init --renew), or this machine's clock is wrong",
    ),
    (
        r"certificate is not yet valid",
        "its certificate is not valid yet: this machine's clock, or the server's, is wrong",
    ),
    (
        r"Hostname Verification Check failed",
        "its certificate is for other names (`dss auth show` on the server says which; dss auth init --renew --host)",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        f"its certificate is not of the CA that {TLS_CA} names, which must be the ca.pem of that server",
    ),
    (r"WRONG_VERSION_NUMBER|HTTP_REQUEST", "it does not speak TLS there: is that the port that `dss serve` names?"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM. Read anew for each channel, so that what is renewed is used without a restart."""

    # Of the CA that signed the control plane's certificate.
    ca: Path
    # Where the control plane wants one of each worker.
    certificate: Path | None = None
    key: Path | None = None


def tls_files_of(environment: Mapping[str, str]) -> TlsFiles | None:
    """None: everything is said in the clear. Raises WorkerError (AUTH_INVALID) for half of a pair."""
    ca, certificate, key = (environment.get(name) or None for name in (TLS_CA, TLS_CERT, TLS_KEY))
    if (certificate is None) != (key is None):
        raise WorkerError("AUTH_INVALID", f"{TLS_CERT} and {TLS_KEY} go together, and one of them is not set")
    if ca is None:
        if certificate is None:
            return None
        raise WorkerError("AUTH_INVALID", f"{TLS_CERT} is set and {TLS_CA} is not: whom is this worker to trust?")
    if certificate is None or key is None:
        return TlsFiles(ca=Path(ca))
    return TlsFiles(ca=Path(ca), certificate=Path(certificate), key=Path(key))


def open_channel(server: str, tls: TlsFiles | None) -> grpc.aio.Channel:
    """Raises WorkerError (AUTH_INVALID) for a file that cannot be read."""
    if tls is None:
        return grpc.aio.insecure_channel(server, options=_OPTIONS)
    return grpc.aio.secure_channel(server, _credentials(tls), options=_OPTIONS)


def open_threaded_channel(server: str, tls: TlsFiles | None) -> grpc.Channel:
    """For calls that grpc's own threads make. Raises as `open_channel`."""
    if tls is None:
        return grpc.insecure_channel(server, options=_OPTIONS)
    return grpc.secure_channel(server, _credentials(tls), options=_OPTIONS)


def _credentials(tls: TlsFiles) -> grpc.ChannelCredentials:
    key = None if tls.key is None else _read(tls.key)
    chain = None if tls.certificate is None else _read(tls.certificate)
    return grpc.ssl_channel_credentials(_read(tls.ca), key, chain)


def explained(details: str) -> str:
    """What grpc says of a connection that failed; of certificates in words, with the next step."""
    for pattern, meaning in _TLS_FAILURES:
        if re.search(pattern, details, re.DOTALL) is not None:
            return meaning
    return details


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WorkerError("AUTH_INVALID", f"{path} cannot be read: {error.strerror}") from error
    if b"-----BEGIN " not in data:
        raise WorkerError("AUTH_INVALID", f"{path} holds neither a certificate nor a key: expected PEM")
    return data
