"""Reports keep their order and number until they are acknowledged, and there is an end to how many."""

from __future__ import annotations

import asyncio

from dss_worker.agent.outbox import Outbox
from dss_worker.agent.protocol import FailedReport, Lease, LogReport, MetricsReport, Report
from dss_worker.errors import Failure

LEASE = Lease(trial_id="a" * 20, attempt=1, token=1)
OTHER = Lease(trial_id="b" * 20, attempt=1, token=2)


def metrics(lease: Lease = LEASE) -> Report:
    return MetricsReport(lease=lease, training=(), evaluations=())


def numbers(outbox: Outbox) -> list[int]:
    """Of everything that goes out now."""
    found = []
    while (numbered := outbox.next()) is not None:
        found.append(numbered.sequence)
    return found


def test_each_report_goes_out_once() -> None:
    outbox = Outbox()
    outbox.add(metrics())
    outbox.add(metrics())
    assert numbers(outbox) == [1, 2]
    outbox.add(metrics())
    assert numbers(outbox) == [3]


def test_a_new_stream_gets_everything_unacknowledged_under_its_old_number() -> None:
    outbox = Outbox()
    for _ in range(4):
        outbox.add(metrics())
    assert numbers(outbox) == [1, 2, 3, 4]
    outbox.acknowledge([1, 3])
    outbox.resend()
    assert numbers(outbox) == [2, 4]


def test_an_acknowledgement_that_comes_twice_changes_nothing() -> None:
    outbox = Outbox()
    outbox.add(metrics())
    assert outbox.acknowledge([1]) == [metrics()]
    assert outbox.acknowledge([1, 99]) == []


def test_discarded_reports_never_go_out_and_their_numbers_stay_unused() -> None:
    outbox = Outbox()
    for lease in (LEASE, OTHER, LEASE):
        outbox.add(metrics(lease))
    outbox.discard(LEASE)
    outbox.add(FailedReport(lease=LEASE, failure=Failure(code="LEASE_LOST", message="")))
    assert numbers(outbox) == [2, 4]
    outbox.resend()
    assert numbers(outbox) == [2, 4]


def test_a_full_outbox_has_room_again_after_an_acknowledgement_or_a_discard() -> None:
    async def scenario() -> None:
        outbox = Outbox(limit=2)
        outbox.add(metrics())
        await outbox.room()
        for free in (lambda: outbox.acknowledge([1]), lambda: outbox.discard(LEASE)):
            outbox.add(metrics())
            waiting = asyncio.ensure_future(outbox.room())
            await asyncio.sleep(0)
            assert not waiting.done()
            free()
            await waiting

    asyncio.run(scenario())


def test_lines_under_way_are_told_by_their_lease() -> None:
    outbox = Outbox()
    outbox.add(metrics())
    assert not outbox.has_log_of(LEASE)
    outbox.add(LogReport(lease=LEASE, lines=(), dropped=0))
    assert (outbox.has_log_of(LEASE), outbox.has_log_of(OTHER)) == (True, False)
    outbox.acknowledge([2])
    assert not outbox.has_log_of(LEASE)


def test_an_end_under_way_is_told_by_its_lease() -> None:
    outbox = Outbox()
    outbox.add(metrics())
    assert list(outbox.ended) == []
    outbox.add(FailedReport(lease=LEASE, failure=Failure(code="X", message="")))
    assert list(outbox.ended) == [LEASE]
    outbox.acknowledge([2])
    assert list(outbox.ended) == []
