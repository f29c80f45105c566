"""200 trials that do nothing, by Ray Tune: a grid, actors reused, as many at once as there are cores."""

import json
import os
import sys
import time

import ray
from ray import tune


def nothing(config: dict[str, object]) -> dict[str, object]:
    """A function, since Tune reuses the actors of those by itself."""
    return {"accuracy": 0.5}


def main() -> None:
    trials = int(sys.argv[1])
    ray.init(num_cpus=os.cpu_count(), include_dashboard=False, log_to_driver=False)
    tuner = tune.Tuner(
        nothing,
        param_space={"seed": tune.grid_search(list(range(trials)))},
        tune_config=tune.TuneConfig(reuse_actors=True, metric="accuracy", mode="max"),
        run_config=tune.RunConfig(verbose=0, storage_path=os.environ["PEER_STORAGE"]),
    )
    started = time.perf_counter()
    results = tuner.fit()
    seconds = time.perf_counter() - started
    if results.num_errors > 0 or len(results) != trials:
        raise SystemExit(
            f"{len(results)} trials, {results.num_errors} errors, expected {trials} and 0"
        )
    print(
        json.dumps({"version": ray.__version__, "trials": trials, "seconds": seconds})
    )


if __name__ == "__main__":
    main()
