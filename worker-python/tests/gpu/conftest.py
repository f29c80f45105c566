from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def gpu() -> torch.device:
    """All tests here need one, and say so where there is none."""
    if not torch.cuda.is_available():
        pytest.skip("NOT TESTED on a GPU: torch finds none here")
    return torch.device("cuda")


@pytest.fixture(autouse=True)
def _exact_products() -> Iterator[None]:
    """A test that asks for less is not felt by the next."""
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision("highest")
