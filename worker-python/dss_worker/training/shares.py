"""How a weight's rows are divided among processes: as FSDP2 does it, equally many each, but for the last."""

from __future__ import annotations

from dss_worker.training.collate import RowShare


def rows_of(share: RowShare, rows: int) -> range:
    """Which rows of so many are the share's; where there are fewer rows than processes, the last have none."""
    each = -(-rows // share.of)
    return range(min(share.index * each, rows), min((share.index + 1) * each, rows))
