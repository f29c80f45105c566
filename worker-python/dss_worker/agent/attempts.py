"""The attempts that this worker was lent, and the slots that run them: as many side by side as there are slots.

The next attempt may be lent while they run, so that a slot gets it in the moment that it is free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from math import nan

from dss_worker.agent.attempt import Attempt
from dss_worker.agent.attempts_owner import AttemptsOwner
from dss_worker.agent.clock import Clock
from dss_worker.agent.protocol import Assign, FailedReport, Lease, LeaseProgress
from dss_worker.agent.slot import Slot
from dss_worker.agent.storage import Storage
from dss_worker.agent.tasks import start_task
from dss_worker.agent.uploads import Uploads
from dss_worker.config import TrialConfig
from dss_worker.errors import WorkerError

# Attempts that may wait for one of those that run to end.
PREFETCH = 1


class Attempts:
    def __init__(
        self,
        owner: AttemptsOwner,
        *,
        clock: Clock,
        child_command: Sequence[str],
        environment: Mapping[str, str],
        storage: Storage | None = None,
        slots: int = 1,
    ) -> None:
        """`storage`: None: what trials read and write lies where the control plane says."""
        self._owner = owner
        self._storage = storage
        self._uploads = None if storage is None else Uploads(storage, report=owner.report, on_change=self._look_idle)
        self._slots = tuple(
            Slot(
                owner,
                clock=clock,
                child_command=child_command,
                environment=environment,
                uploads=self._uploads,
                on_free=self._freed,
            )
            for _ in range(slots)
        )
        self._runs = 0
        # In the order in which they were lent, in which they are given to slots.
        self._waiting: deque[Attempt] = deque()

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._running and not self._uploading

    @property
    def leases(self) -> tuple[Lease, ...]:
        """Of what runs or waits, given up or not."""
        leases = (*(attempt.lease for attempt in (*self._running, *self._waiting)), *self._uploading)
        return tuple(dict.fromkeys(leases))

    @property
    def has_room(self) -> bool:
        return len(self._waiting) < self._wanted_slots + PREFETCH

    @property
    def warm(self) -> int:
        """Slots whose next attempt need not wait for imports."""
        return sum(slot.is_warm for slot in self._slots)

    @property
    def _running(self) -> tuple[Attempt, ...]:
        """What children have, given up or not."""
        return tuple(slot.running for slot in self._slots if slot.running is not None)

    @property
    def _wanted_slots(self) -> int:
        """Slots without what they were lent for, though what was given up may still be ending there."""
        return len(self._slots) - sum(not attempt.is_given_up for attempt in self._running)

    @property
    def _uploading(self) -> tuple[Lease, ...]:
        return () if self._uploads is None else self._uploads.leases

    async def start(self) -> None:
        """Raises: OSError when there is no such program."""
        for slot in self._slots:
            await slot.start()

    def assign(self, assign: Assign, config: TrialConfig) -> None:
        self._runs += 1
        attempt = Attempt(lease=assign.lease, config=config, run=self._runs, gang=assign.gang)
        self._waiting.append(attempt)
        if self._storage is None or self._storage.is_shared:
            attempt.is_prepared = True
            self._begin()
            return
        if len(self._waiting) <= self._wanted_slots:
            loading = LeaseProgress(lease=attempt.lease, step=0, loss=nan, examples_per_second=0.0, phase="load")
            self._owner.news(loading)
        attempt.let_go = start_task(self._prepare(self._storage, assign, attempt)).cancel

    async def _prepare(self, storage: Storage, assign: Assign, attempt: Attempt) -> None:
        """What is to come next is fetched while something else runs."""
        try:
            prepared = await storage.prepare(assign, attempt.config)
        except WorkerError as error:
            self._waiting = deque(each for each in self._waiting if each is not attempt)
            if self._owner.is_held(attempt.lease):
                self._owner.report(FailedReport(lease=attempt.lease, failure=error.to_failure()))
            self._freed()
            return
        attempt.config, attempt.let_go, attempt.is_prepared = prepared.config, prepared.let_go, True
        self._begin()

    def give_up(self, lease: Lease, *, at_once: bool) -> None:
        """Nobody wants it any more. `at_once`: it must not live on for a moment."""
        if self._uploads is not None:
            self._uploads.forget(lease)
        for slot in self._slots:
            if slot.running is not None and slot.running.lease == lease:
                slot.give_up(at_once=at_once)
        given_up = [attempt for attempt in self._waiting if attempt.lease == lease]
        if not given_up:
            return
        for attempt in given_up:
            attempt.let_go()
        self._waiting = deque(attempt for attempt in self._waiting if attempt.lease != lease)
        self._freed()

    def suspend(self) -> None:
        """Has what runs leave with a checkpoint; what has not begun leaves as it is. Both are to be given back."""
        for waiting in self._waiting:
            waiting.let_go()
        self._waiting.clear()
        for slot in self._slots:
            slot.suspend()
        if not self._running:
            self._look_idle()

    def retire(self) -> None:
        """Starts no child any more."""
        for slot in self._slots:
            slot.retire()

    async def close(self) -> None:
        for slot in self._slots:
            await slot.close()
        if self._uploads is not None:
            await self._uploads.close()

    def report_log(self) -> None:
        """What has come meanwhile, when the lines before it have arrived."""
        for slot in self._slots:
            slot.report_log()

    def _freed(self) -> None:
        self._begin()
        self._look_idle()

    def _begin(self) -> None:
        while True:
            free = [slot for slot in self._slots if slot.is_free]
            attempt = self._next() if free else None
            if attempt is None:
                return
            self._waiting.remove(attempt)
            warm = next((slot for slot in free if slot.has_at_hand(attempt.config)), free[0])
            warm.begin(attempt)

    def _next(self) -> Attempt | None:
        """The earliest that is ready. What was lent ahead stays behind what was lent to begin, since whoever lent it
        may still take it back as something that has not begun; and of a trial there is one attempt at a time, since
        all of them write to one folder."""
        taken = {attempt.lease.trial_id for attempt in self._running}
        due = islice(self._waiting, self._wanted_slots)
        return next((each for each in due if each.is_prepared and each.lease.trial_id not in taken), None)

    def _look_idle(self) -> None:
        if self.is_idle:
            self._owner.became_idle()
