"""The process that opens the pickles: it has no network, and ends when it is done.

`python -m dss_worker.models.convert` reads `{"directory", "files", "out"}` on stdin and writes one JSON document on
stdout: `{"files", "tensors", "parameters", "dtypes", "left_out", "has_output_layer", "isolation"}` or
`{"error": {...}}`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dss_worker.data.answer import Refused, answer
from dss_worker.models.isolation import leave_network


def convert(request: dict[str, object]) -> dict[str, object]:
    """Raises: Refused (MODEL_INVALID)."""
    isolation = leave_network()
    # Only now: torch starts threads, and a process that has some cannot leave.
    from safetensors import SafetensorError

    from dss_worker.models.read_pickled import read_pickled
    from dss_worker.models.t5_tensors import OUTPUT, select_tensors, shapes_of
    from dss_worker.models.write_safetensors import write_safetensors

    directory, out, files = Path(str(request["directory"])), Path(str(request["out"])), request["files"]
    if not isinstance(files, list):
        raise Refused("INTERNAL", "expected a list of files")
    wanted = shapes_of(directory)
    found = {}
    for file in files:
        for name, tensor in read_pickled(directory / str(file)).items():
            if name in found:
                raise Refused("MODEL_INVALID", f"{directory / str(file)}: {name} is in another part of the weights too")
            found[name] = tensor
    tensors, left_out = select_tensors(found, wanted)
    try:
        written = write_safetensors(out, tensors)
    except (OSError, SafetensorError) as error:
        raise Refused("MODEL_INVALID", f"{out} cannot be written: {error}", "see that there is room") from error
    return {
        "files": written,
        "tensors": len(tensors),
        "parameters": sum(tensor.numel() for tensor in tensors.values()),
        "dtypes": sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}),
        "left_out": left_out,
        "has_output_layer": OUTPUT in tensors,
        "isolation": isolation,
    }


if __name__ == "__main__":
    sys.exit(answer(convert))
