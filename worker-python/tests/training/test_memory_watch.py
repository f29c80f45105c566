from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dss_worker.training import memory_watch
from dss_worker.training.memory_watch import MemoryWatch
from tests.training.support import CPU

MIB = 2**20


def use(size_bytes: int) -> None:
    """Has that much resident, and gives it back."""
    assert np.ones(size_bytes, dtype=np.uint8).all()


def test_the_peak_is_what_was_resident_at_most_and_forgotten_by_the_next_trial() -> None:
    watch = MemoryWatch(CPU)
    before = watch.peak_bytes
    use(256 * MIB)
    assert watch.peak_bytes >= before + 200 * MIB
    after = MemoryWatch(CPU)
    if after.source == "process during the trial":
        assert after.peak_bytes < before + 200 * MIB


def test_where_the_peak_cannot_be_reset_the_processs_own_counts_and_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_watch, "_CLEAR_REFS", tmp_path / "no" / "clear_refs")
    watch = MemoryWatch(CPU)
    assert watch.source == "process since its start"
    before = watch.peak_bytes
    use(64 * MIB)
    assert watch.peak_bytes >= before > 32 * MIB


def test_the_process_itself_is_what_was_resident_before_the_first_trial() -> None:
    first = MemoryWatch(CPU).process_bytes
    kept = np.ones(64 * MIB, dtype=np.uint8)
    assert MemoryWatch(CPU).process_bytes == first > 0
    assert kept.all()
