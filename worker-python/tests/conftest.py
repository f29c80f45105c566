"""Data and code from outside the project that some tests compare with; where they are absent those tests skip."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

BESIDE = Path(__file__).parents[2].parent / "shared"


@pytest.fixture(scope="session")
def real_datasets() -> Path:
    """The release's datasets: the folder in DSS_TEST_DATASETS, or ../shared/datasets beside the repository."""
    path = Path(os.environ.get("DSS_TEST_DATASETS", BESIDE / "datasets"))
    if not path.is_dir():
        pytest.skip(f"NOT TESTED on real data: there is none at {path}; DSS_TEST_DATASETS names another folder")
    return path


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The reference trainer: in the folder DSS_TEST_REFERENCE, or ../shared/reference beside the repository."""
    path = Path(os.environ.get("DSS_TEST_REFERENCE", BESIDE / "reference")) / "reference_trainer.py"
    if not path.is_file():
        pytest.skip(f"NOT COMPARED with the reference: it is not at {path}; DSS_TEST_REFERENCE names another folder")
    spec = importlib.util.spec_from_file_location("reference_trainer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
