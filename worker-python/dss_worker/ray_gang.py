"""`python -m dss_worker.ray_gang`: workers that train one model together, on a Ray cluster.

They get their room in one placement group, all of it or none. The group and the actors in it belong to the process that
asked for them, so that Ray takes everything back when that ends, however it ends: nothing of a gang outlives it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

FAILED = 70
# Between two looks of this process at what is its own.
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GangOrder:
    # Ids of the workers, one for each member.
    members: Sequence[str]
    # What each of them gets, by Ray's names: CPU, GPU, memory in bytes, …
    bundle: Mapping[str, float]
    # Runs the agents; empty: Ray's own.
    python: str
    # Of dss_worker.ray_worker.
    arguments: Sequence[str]
    # For their environment, beside what this process has.
    variables: Mapping[str, str]
    # Of the placement group, by which the cluster says whether it has got its room; empty: it needs none.
    name: str = ""


class Gang:
    """waiting for room → running → ending; by `stop`, or when one of its members ends."""

    def __init__(self, order: GangOrder) -> None:
        self._order = order
        self._is_stopping = threading.Event()
        self.runs = False

    def stop(self) -> None:
        self._is_stopping.set()

    def run(self) -> int:
        """Gives an exit status: 0 when it was stopped, or had nothing to do any more."""
        import ray
        from ray.util.placement_group import placement_group
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        from dss_worker.ray_actor import STOP_WITHIN_S, Member

        order, options = self._order, _options_of(self._order.bundle)
        group = placement_group([dict(order.bundle)] * len(order.members), name=order.name)
        ready = group.ready()
        while not ray.wait([ready], timeout=_LOOK_EVERY_S)[0]:
            if self._is_stopping.is_set():
                return 0
        members = []
        for index, worker_id in enumerate(order.members):
            place = PlacementGroupSchedulingStrategy(placement_group=group, placement_group_bundle_index=index)
            member = ray.remote(Member).options(scheduling_strategy=place, **options)
            arguments = ["--worker-id", worker_id, *order.arguments]
            members.append(member.remote(order.python, arguments, dict(order.variables)))
        ended = [member.ended.remote() for member in members]
        self.runs = True
        first: list[object] = []
        while not first and not self._is_stopping.is_set():
            first, _ = ray.wait(ended, timeout=_LOOK_EVERY_S)
        # Without one of them the others are no gang: they give back what they run.
        for member in members:
            member.stop.remote()
        ray.wait(ended, num_returns=len(ended), timeout=STOP_WITHIN_S)
        try:
            return FAILED if any(ray.get(first)) else 0
        except ray.exceptions.RayError as error:
            print(f"a member of the gang ended: {error}", file=sys.stderr)
            return FAILED


def _options_of(bundle: Mapping[str, float]) -> dict[str, object]:
    """Of an actor that takes a whole bundle."""
    named = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}
    options: dict[str, object] = {named[name]: amount for name, amount in bundle.items() if name in named}
    options["resources"] = {name: amount for name, amount in bundle.items() if name not in named}
    # `ended` waits in one thread while `stop` is heard by another.
    return {"num_cpus": 0, "max_concurrency": 2, **options}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dss_worker.ray_gang", description=__doc__)
    parser.add_argument("--name", required=True, help="of the placement group")
    parser.add_argument("--member", action="append", required=True, help="a worker's id; one for each of them")
    parser.add_argument("--bundle", type=json.loads, required=True, help="what each gets, as JSON")
    parser.add_argument("--python", default="", help="runs the agents; default: this one")
    parser.add_argument("arguments", nargs="*", help="of dss_worker.ray_worker, after --")
    options = parser.parse_args(arguments)

    import ray

    gang = Gang(
        GangOrder(
            members=options.member,
            bundle=options.bundle,
            python=options.python,
            arguments=options.arguments,
            # Ray gives its actors the job's environment.
            variables={},
            name=options.name,
        )
    )
    ray.init()

    # Ray has put handlers of its own.
    def stop(number: int, frame: FrameType | None) -> None:
        gang.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return gang.run()


if __name__ == "__main__":
    sys.exit(main())
