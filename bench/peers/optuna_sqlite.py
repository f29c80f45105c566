"""500 trials that do nothing, by Optuna: a grid, SQLite storage, as many threads as there are cores."""

import json
import os
import sys
import time

import optuna


def main() -> None:
    trials = int(sys.argv[1])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{os.environ['PEER_STORAGE']}/optuna.db",
        sampler=optuna.samplers.GridSampler({"seed": list(range(trials))}),
    )

    def nothing(trial: optuna.Trial) -> float:
        trial.suggest_int("seed", 0, trials - 1)
        return 0.5

    started = time.perf_counter()
    study.optimize(nothing, n_trials=trials, n_jobs=os.cpu_count() or 1)
    seconds = time.perf_counter() - started
    finished = len(
        study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    )
    if finished < trials:
        raise SystemExit(f"{finished} trials, expected {trials}")
    print(
        json.dumps(
            {"version": optuna.__version__, "trials": trials, "seconds": seconds}
        )
    )


if __name__ == "__main__":
    main()
