"""A file from one rank to another, by the way that gradients take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, distributed

# In memory at a time.
_PIECE_BYTES = 16 * 1024**2


def send_file(path: Path, *, to: int, device: torch.device) -> None:
    """
    Args:
        device: whose memory the ranks' collectives read.
    """
    size = path.stat().st_size
    distributed.send(torch.tensor(size, device=device), to)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            distributed.send(torch.frombuffer(bytearray(piece), dtype=torch.uint8).to(device), to)


def receive_file(path: Path, *, sender: int, device: torch.device) -> None:
    """Raises: OSError if it cannot be written; the sender, who goes on to the end of it, is not told."""
    size = torch.zeros((), dtype=torch.int64, device=device)
    distributed.recv(size, sender)
    pieces = _pieces(int(size.item()), sender=sender, device=device)
    try:
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece.cpu().numpy().data)
    finally:
        for _ in pieces:
            pass


def _pieces(size: int, *, sender: int, device: torch.device) -> Iterator[Tensor]:
    for start in range(0, size, _PIECE_BYTES):
        piece = torch.empty(min(_PIECE_BYTES, size - start), dtype=torch.uint8, device=device)
        distributed.recv(piece, sender)
        yield piece
