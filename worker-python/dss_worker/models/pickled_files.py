"""Which files of a model directory hold its weights, where those are pickled."""

from __future__ import annotations

import json
from pathlib import Path

from dss_worker.data.answer import Refused
from dss_worker.data.resolve_model import WEIGHTS, WEIGHTS_INDEX

PICKLED = "pytorch_model.bin"
PICKLED_INDEX = "pytorch_model.bin.index.json"


def pickled_files(directory: Path) -> list[str]:
    """Names of the files that hold the weights, in the order of their names; the index is none of them.

    Raises: Refused (MODEL_INVALID).
    """
    for name in (WEIGHTS, WEIGHTS_INDEX):
        if (directory / name).exists():
            hint = "name it in the sweep file as it is"
            raise Refused("MODEL_INVALID", f"{directory} has {name} already: there is nothing to convert", hint)
    if (directory / PICKLED).exists():
        return [PICKLED]
    index = directory / PICKLED_INDEX
    if not index.exists():
        raise Refused(
            "MODEL_INVALID",
            f"{directory} has no weights: expected {PICKLED} or {PICKLED_INDEX}",
            "weights of TensorFlow or Flax are not read",
        )
    parts = parts_of(index)
    missing = next((part for part in parts if not (directory / part).exists()), None)
    if missing is not None:
        hint = "copy all parts of the weights"
        raise Refused("MODEL_INVALID", f"{index} names {missing}, which is not there", hint)
    return parts


def parts_of(index: Path) -> list[str]:
    """Raises: Refused (MODEL_INVALID) for an index that names anything but files beside it."""
    try:
        parts = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
        outside = [part for part in parts if Path(part).name != part or not part.endswith(".bin")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("MODEL_INVALID", f"{index} is no index of weights: {error}") from error
    if outside or not parts:
        named = repr(outside[0]) if outside else "nothing"
        raise Refused("MODEL_INVALID", f"{index} names {named}, where .bin files beside it are expected")
    return parts
