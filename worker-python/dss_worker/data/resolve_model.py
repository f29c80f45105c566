"""Hub names made directories: from the cache on disk where it knows them, else from the hub, by commit.

`python -m dss_worker.data.resolve_model` reads `{"models": [{"name", "weights"}], "download"}` on stdin and writes
one JSON document on stdout, a model for each: `{"models": [{"name", "directory", "revision", "weights":
[{"path", "sha256", "size_bytes"}], "missing_bytes", "problem", "weights_problem"}]}`. `weights` is empty when they
are not wanted or all on disk; else it lists every weights file, by what the hub says, so that a plan needs no
gigabytes. A problem is `{"code", "message", "hint"}` or null.

A cached model is taken as it is, though the hub may have a newer one: the same command then trains the same model.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)

from dss_worker.data.answer import Refused, answer

CONFIG = "config.json"
VOCABULARIES = ("spiece.model", "tokenizer.json")
# Other files are neither fetched nor read: no code ever reaches this machine, and a pickle only to be imported.
SMALL_FILES = (CONFIG, *VOCABULARIES, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
HUB_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """A file of the weights, as the hub describes it."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What is known of one hub model."""

    name: str
    # The snapshot in the cache; empty when there is none.
    directory: str = ""
    # The commit.
    revision: str = ""
    weights: tuple[WeightsFile, ...] = ()
    # Of the weights, what is not on disk yet.
    missing_bytes: int = 0
    problem: dict[str, str] | None = None
    weights_problem: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A commit of a model in the cache."""

    name: str
    directory: Path
    # Whether the cache knows of each small file that it is there or that it is not.
    is_complete: bool = True

    @property
    def revision(self) -> str:
        return self.directory.name


def resolve_models(request: dict[str, object]) -> dict[str, object]:
    """Every model of a request; what is wrong with one is part of its answer."""
    models = request["models"]
    if not isinstance(models, list):
        raise Refused("INTERNAL", "expected a list of models")
    download = request.get("download") is True
    return {
        "models": [
            asdict(resolve_model(str(model["name"]), weights=model["weights"] is True, download=download))
            for model in models
        ]
    }


def resolve_model(name: str, *, weights: bool, download: bool) -> Resolved:
    """One model by its hub name.

    Args:
        weights: whether they are wanted at all.
        download: fetch those that are not on disk.
    """
    try:
        snapshot = find_snapshot(name)
    except Refused as refused:
        return Resolved(name=name, problem=_problem(refused))
    found = Resolved(name=name, directory=str(snapshot.directory), revision=snapshot.revision)
    try:
        if not weights or _has_weights(snapshot.directory):
            return found
        files = _describe_weights(snapshot)
        missing = [file for file in files if not (snapshot.directory / file.path).exists()]
        if download:
            for file in missing:
                fetch_file(name, file.path, snapshot.revision)
            missing = []
    except Refused as refused:
        return replace(found, weights_problem=_problem(refused))
    return replace(found, weights=files, missing_bytes=sum(file.size_bytes for file in missing))


def find_snapshot(name: str) -> Snapshot:
    """Config and tokenizer on disk.

    Raises: Refused (MODEL_MISSING, MODEL_INVALID).
    """
    cached = _cached_snapshot(name)
    if cached is not None and cached.is_complete:
        return cached
    try:
        return _fetched_snapshot(name)
    except Refused:
        # Without the hub, a cache that may lack an optional file is better than none.
        if cached is None:
            raise
        return cached


def _cached_snapshot(name: str) -> Snapshot | None:
    states = {file: try_to_load_from_cache(name, file) for file in SMALL_FILES}
    config = states[CONFIG]
    if not isinstance(config, str) or not any(isinstance(states[file], str) for file in VOCABULARIES):
        return None
    # None means unknown: a file that is known to be absent has a mark in the cache.
    return Snapshot(name=name, directory=Path(config).parent, is_complete=None not in states.values())


def _fetched_snapshot(name: str) -> Snapshot:
    config = fetch_file(name, CONFIG, None)
    if config is None:
        raise Refused("MODEL_INVALID", f"{name} on the hub has no {CONFIG}", "name a T5 model")
    directory = Path(config).parent
    # All others at the commit that the first one came from, whatever is pushed meanwhile.
    found = [file for file in SMALL_FILES if file != CONFIG and fetch_file(name, file, directory.name) is not None]
    if not any(file in found for file in VOCABULARIES):
        raise Refused("MODEL_INVALID", f"{name} on the hub has neither {' nor '.join(VOCABULARIES)}", "name a T5 model")
    return Snapshot(name=name, directory=directory)


def _has_weights(directory: Path) -> bool:
    if (directory / WEIGHTS).exists():
        return True
    index = directory / WEIGHTS_INDEX
    return index.exists() and all((directory / shard).exists() for shard in _shards(index))


def _shards(index: Path) -> list[str]:
    """Raises: Refused (MODEL_INVALID) for an index that names anything but files beside it."""
    try:
        shards = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
        outside = [shard for shard in shards if Path(shard).name != shard or not shard.endswith(".safetensors")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("MODEL_INVALID", f"{index} is no index of weights: {error}") from error
    if outside:
        raise Refused("MODEL_INVALID", f"{index} names {outside[0]!r}, which is no file beside it")
    return shards


def _describe_weights(snapshot: Snapshot) -> tuple[WeightsFile, ...]:
    """All weights files with the hub's own hashes, in the order that a directory's are read in."""
    name = snapshot.name
    try:
        info = HfApi().model_info(name, revision=snapshot.revision, files_metadata=True, timeout=HUB_TIMEOUT_S)
    except Exception as error:  # of the client's transport, whose library changes between its versions
        cached = sorted(path.name for path in snapshot.directory.iterdir() if path.name.endswith(PICKLED))
        if cached:
            raise _without_safetensors(name, cached) from error
        raise unreachable(name, "its weights are not in the cache", error) from error
    remote = {each.rfilename: each for each in info.siblings or []}
    if WEIGHTS in remote:
        paths = [WEIGHTS]
    elif WEIGHTS_INDEX in remote:
        index = fetch_file(name, WEIGHTS_INDEX, snapshot.revision)
        paths = [] if index is None else _shards(Path(index))
    else:
        pickled = sorted(path for path in remote if path.endswith(PICKLED))
        raise _without_safetensors(name, pickled)
    files = []
    for path in paths:
        lfs = remote[path].lfs if path in remote else None
        if lfs is None:
            raise Refused("MODEL_INVALID", f"{name} on the hub has no {path} with a hash", "name another model")
        files.append(WeightsFile(path=path, sha256=lfs.sha256, size_bytes=lfs.size))
    if paths == [WEIGHTS]:
        return tuple(files)
    content = (snapshot.directory / WEIGHTS_INDEX).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return (WeightsFile(path=WEIGHTS_INDEX, sha256=digest, size_bytes=len(content)), *files)


def fetch_file(name: str, file: str, revision: str | None) -> str | None:
    """A file of the hub in the cache; None if the model has none of that name.

    Raises: Refused (MODEL_MISSING).
    """
    try:
        return hf_hub_download(name, file, revision=revision, etag_timeout=HUB_TIMEOUT_S)
    except RemoteEntryNotFoundError:
        return None
    except (GatedRepoError, RepositoryNotFoundError) as error:
        raise Refused(
            "MODEL_MISSING",
            f"the hub shows no model {name} to this machine",
            "check the name; a private or gated model needs HF_TOKEN",
        ) from error
    except LocalEntryNotFoundError as error:
        raise unreachable(name, "it is not in the cache", error) from error
    except Exception as error:  # as above
        raise unreachable(name, f"{file} is not in the cache", error) from error


def _without_safetensors(name: str, pickled: list[str]) -> Refused:
    if not pickled:
        return Refused("MODEL_INVALID", f"{name} on the hub has no weights ({WEIGHTS})", "name another model")
    return Refused(
        "MODEL_INVALID",
        f"the hub has the weights of {name} pickled only ({', '.join(pickled[:3])}), and a pickle can run code",
        f"if you trust its makers, `dss models import {name}` converts them once, and this name then works",
    )


def unreachable(name: str, lacking: str, error: Exception) -> Refused:
    reason = " ".join(str(error.__cause__ or error).split())[:200]
    return Refused(
        "MODEL_MISSING",
        f"{name} cannot be had: {lacking} ({HF_HUB_CACHE}), and the hub cannot be reached: {reason}",
        f"put {CONFIG}, the tokenizer's files and {WEIGHTS} in a directory, and name that directory instead",
    )


def _problem(refused: Refused) -> dict[str, str]:
    return {"code": refused.code, "message": refused.message, "hint": refused.hint}


if __name__ == "__main__":
    sys.exit(answer(resolve_models))
