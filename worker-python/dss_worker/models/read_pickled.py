"""Tensors of a pickle, read such that nothing in it runs."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from dss_worker.data.answer import Refused


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The named tensors of a file that `torch.save` wrote. Their content is mapped, not read, where that is possible.

    torch's restricted unpickler builds tensors and plain containers and refuses all else; a refusal is final here.

    Raises: Refused (MODEL_INVALID).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Files of torch before 1.6 are no zip archives and cannot be mapped.
            is_mappable = zipfile.is_zipfile(path)
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_mappable)
    except Exception as error:  # of the unpickler, the archive and the tensors, each of its own kind
        raise Refused(
            "MODEL_INVALID",
            f"{path} is refused and nothing in it was run: {_reason(error)}",
            "take weights from their makers and fetch them whole; a T5's pickle holds tensors by name, nothing else",
        ) from error
    if not isinstance(content, dict):
        raise Refused("MODEL_INVALID", f"{path}: expected tensors by name, got a {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise Refused(
                "MODEL_INVALID", f"{path}: expected tensors by name, got a {type(value).__name__} by the name {name!r}"
            )
    return content


def _reason(error: Exception) -> str:
    """torch's message is a page, which advises to read the file without restrictions."""
    text = str(error)
    found = re.search(r"(?:unsupported )?GLOBAL (\S+?)[\s.]*(?:\s|$)", text)
    if found is not None:
        return f"it asks for {found[1]}, where only tensors are allowed"
    if isinstance(error, EOFError) or "Weights only load failed" in text or "magic number" in text:
        return "it is no file of torch.save, or a damaged one"
    return " ".join(text.split())[:200] or type(error).__name__
