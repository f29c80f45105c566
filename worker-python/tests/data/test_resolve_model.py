"""Hub names, against a cache laid out as huggingface_hub lays it out and a hub of one model on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub import COMMIT, NAME, running_hub

WORKER = Path(__file__).parents[2]
OPTIONAL = ("tokenizer.json", "special_tokens_map.json", "added_tokens.json")


class Cache:
    """A cache folder with one model in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.repository = home / "hub" / f"models--{NAME.replace('/', '--')}"
        self.snapshot = self.repository / "snapshots" / COMMIT
        (self.repository / "refs").mkdir(parents=True)
        (self.repository / "refs" / "main").write_text(COMMIT)
        (self.repository / "blobs").mkdir()
        self.snapshot.mkdir(parents=True)

    def add(self, name: str, content: bytes) -> None:
        """As the client does: content by its hash, and a link to it by name."""
        digest = hashlib.sha256(content).hexdigest()
        (self.repository / "blobs" / digest).write_bytes(content)
        (self.snapshot / name).symlink_to(Path("../../blobs") / digest)

    def mark_absent(self, *names: str) -> None:
        folder = self.repository / ".no_exist" / COMMIT
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).touch()

    def resolve(self, *, name: str = NAME, weights: bool = True) -> dict[str, Any]:
        return ask(self.home, {"HF_HUB_OFFLINE": "1"}, name=name, weights=weights)


def ask(
    home: Path, env: dict[str, str], *, name: str = NAME, weights: bool = True, download: bool = False
) -> dict[str, Any]:
    """The command's answer about one model, with the cache in a folder of the test's."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGINGFACE_"))}
    finished = subprocess.run(
        [sys.executable, "-m", "dss_worker.data.resolve_model"],
        input=json.dumps({"models": [{"name": name, "weights": weights}], "download": download}),
        capture_output=True,
        text=True,
        env={**clean, "HF_HOME": str(home), "PYTHONPATH": str(WORKER), **env},
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    [model] = json.loads(finished.stdout)["models"]
    return dict(model)


@pytest.fixture
def hub() -> Iterator[tuple[dict[str, bytes], dict[str, str], list[str]]]:
    """The hub's files, the environment that leads to it, and what it was asked."""
    with running_hub() as hub:
        yield hub


def test_a_plan_fetches_config_and_tokenizer_and_takes_the_hubs_word_for_the_weights(
    hub: tuple[dict[str, bytes], dict[str, str], list[str]], tmp_path: Path
) -> None:
    files, env, asked = hub
    files["model.safetensors"] = b"many gigabytes"
    found = ask(tmp_path, env)
    digest = hashlib.sha256(b"many gigabytes").hexdigest()
    assert found["weights"] == [{"path": "model.safetensors", "sha256": digest, "size_bytes": 14}]
    assert (found["missing_bytes"], found["revision"]) == (14, COMMIT)
    assert sorted(path.name for path in Path(found["directory"]).iterdir()) == ["config.json", "spiece.model"]
    assert "GET model.safetensors" not in asked
    assert "GET README.md" not in asked

    asked.clear()
    assert ask(tmp_path, env, download=True)["missing_bytes"] == 0
    assert (Path(found["directory"]) / "model.safetensors").read_bytes() == b"many gigabytes"

    asked.clear()
    assert ask(tmp_path, env)["weights"] == []
    assert asked == []  # the cache knows it all


def test_weights_in_parts_are_described_in_the_order_they_are_read_in(
    hub: tuple[dict[str, bytes], dict[str, str], list[str]], tmp_path: Path
) -> None:
    files, env, _ = hub
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = json.dumps({"weight_map": {"a": parts[1], "b": parts[0]}}).encode()
    files.update({"model.safetensors.index.json": index, parts[0]: b"one", parts[1]: b"four"})
    found = ask(tmp_path, env)
    assert [file["path"] for file in found["weights"]] == ["model.safetensors.index.json", *parts]
    assert found["weights"][0]["sha256"] == hashlib.sha256(index).hexdigest()
    assert found["missing_bytes"] == 7


def test_pickled_weights_are_refused_and_not_fetched(
    hub: tuple[dict[str, bytes], dict[str, str], list[str]], tmp_path: Path
) -> None:
    files, env, asked = hub
    files["pytorch_model.bin"] = b"pickle"
    found = ask(tmp_path, env, download=True)
    assert found["weights_problem"]["code"] == "MODEL_INVALID"
    assert "pickled only (pytorch_model.bin)" in found["weights_problem"]["message"]
    assert not any("pytorch_model.bin" in path for path in asked)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    cache = Cache(tmp_path)
    cache.add("config.json", b'{"model_type": "t5"}')
    cache.add("spiece.model", b"pieces")
    cache.add("tokenizer_config.json", b"{}")
    cache.mark_absent(*OPTIONAL)
    return cache


def test_a_cached_model_is_found_without_the_hub(cache: Cache) -> None:
    cache.add("model.safetensors", b"weights")
    assert cache.resolve() == {
        "name": NAME,
        "directory": str(cache.snapshot),
        "revision": COMMIT,
        "weights": [],
        "missing_bytes": 0,
        "problem": None,
        "weights_problem": None,
    }


def test_weights_in_parts_are_found_when_all_parts_are_there(cache: Cache) -> None:
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = {"weight_map": {"a": parts[0], "b": parts[1], "c": parts[1]}}
    cache.add("model.safetensors.index.json", json.dumps(index).encode())
    cache.add(parts[0], b"one")
    assert cache.resolve()["weights_problem"]["code"] == "MODEL_MISSING"
    cache.add(parts[1], b"two")
    assert cache.resolve()["weights_problem"] is None


def test_a_model_without_weights_is_enough_when_none_are_wanted(cache: Cache) -> None:
    found = cache.resolve(weights=False)
    assert (found["problem"], found["weights_problem"], found["directory"]) == (None, None, str(cache.snapshot))


def test_weights_that_are_nowhere_are_a_problem_of_the_weights_alone(cache: Cache) -> None:
    found = cache.resolve()
    assert found["problem"] is None
    assert found["weights_problem"]["code"] == "MODEL_MISSING"
    assert "its weights are not in the cache" in found["weights_problem"]["message"]


def test_a_cache_that_may_lack_an_optional_file_serves_when_the_hub_does_not(cache: Cache) -> None:
    cache.add("model.safetensors", b"weights")
    (cache.repository / ".no_exist" / COMMIT / "added_tokens.json").unlink()
    found = cache.resolve()
    assert (found["problem"], found["directory"]) == (None, str(cache.snapshot))


def test_a_model_that_is_nowhere_is_missing_and_a_directory_is_asked_for(cache: Cache) -> None:
    found = cache.resolve(name="maker/other")
    assert found["problem"]["code"] == "MODEL_MISSING"
    assert "maker/other cannot be had" in found["problem"]["message"]
    assert "put config.json, the tokenizer's files and model.safetensors in a directory" in found["problem"]["hint"]


def test_an_index_that_points_outside_is_refused(cache: Cache) -> None:
    cache.add("model.safetensors.index.json", json.dumps({"weight_map": {"a": "../../x.safetensors"}}).encode())
    found = cache.resolve()
    assert found["weights_problem"]["code"] == "MODEL_INVALID"
    assert "no file beside it" in found["weights_problem"]["message"]


def test_a_config_without_a_vocabulary_is_no_model(cache: Cache) -> None:
    (cache.snapshot / "spiece.model").unlink()
    assert cache.resolve()["problem"]["code"] == "MODEL_MISSING"
