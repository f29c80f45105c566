"""A hub model's pickled weights, fetched into the hub's cache on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import HfApi

from dss_worker.data.answer import Refused
from dss_worker.data.resolve_model import HUB_TIMEOUT_S, WEIGHTS, WEIGHTS_INDEX, fetch_file, find_snapshot, unreachable
from dss_worker.models.pickled_files import PICKLED, PICKLED_INDEX, parts_of, pickled_files


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedModel:
    directory: Path
    # The commit.
    revision: str
    files: list[str]
    # By file, where the hub was asked.
    sha256: dict[str, str] = field(default_factory=dict)


def fetch_pickled(name: str) -> FetchedModel:
    """Config, tokenizer and weights; without the hub, if they are all in the cache.

    Raises: Refused (MODEL_MISSING, MODEL_INVALID), also for a model that has safetensors.
    """
    snapshot = find_snapshot(name)
    try:
        files = pickled_files(snapshot.directory)
        return FetchedModel(directory=snapshot.directory, revision=snapshot.revision, files=files)
    except Refused:
        if any((snapshot.directory / file).exists() for file in (WEIGHTS, WEIGHTS_INDEX)):
            raise _not_needed(name) from None
    try:
        info = HfApi().model_info(name, revision=snapshot.revision, files_metadata=True, timeout=HUB_TIMEOUT_S)
    except Exception as error:  # of the client's transport, whose library changes between its versions
        raise unreachable(name, "its weights are not in the cache", error) from error
    remote = {each.rfilename: each for each in info.siblings or []}
    if WEIGHTS in remote or WEIGHTS_INDEX in remote:
        raise _not_needed(name)
    if PICKLED in remote:
        files = [PICKLED]
    else:
        index = fetch_file(name, PICKLED_INDEX, snapshot.revision)
        if index is None:
            raise Refused("MODEL_INVALID", f"{name} on the hub has no weights ({PICKLED})", "name another model")
        files = parts_of(Path(index))
    sha256 = {}
    for file in files:
        if fetch_file(name, file, snapshot.revision) is None:
            raise Refused("MODEL_INVALID", f"{name} on the hub has no {file}", "name another model")
        lfs = remote[file].lfs if file in remote else None
        if lfs is not None:
            sha256[file] = lfs.sha256
    return FetchedModel(directory=snapshot.directory, revision=snapshot.revision, files=files, sha256=sha256)


def _not_needed(name: str) -> Refused:
    return Refused(
        "MODEL_INVALID",
        f"{name} has its weights as safetensors: there is nothing to convert",
        "name it in the sweep file as it is; what is not in the cache is then fetched",
    )
