from __future__ import annotations

import subprocess
import sys

from dss_worker.training.process_times import ProcessTimes, seconds_since_start


def test_the_first_trial_has_the_start_and_each_the_time_since_the_one_before() -> None:
    clock = [100.0]
    times = ProcessTimes(start_s=5.0, now=lambda: clock[0])
    clock[0] += 2
    assert times.begin_trial() == {"import": 5.0, "idle": 2.0}
    clock[0] += 50
    times.end_trial()
    clock[0] += 0.5
    assert times.begin_trial() == {"idle": 0.5}


def test_an_unknown_start_is_left_out() -> None:
    assert ProcessTimes(start_s=None, now=lambda: 1.0).begin_trial() == {"idle": 0.0}


def test_a_process_knows_when_it_was_started_also_under_an_odd_name() -> None:
    ours = seconds_since_start()
    if not sys.platform.startswith("linux"):
        assert ours is None
        return
    program = (
        "from dss_worker.training.process_times import seconds_since_start as s\n"
        "open('/proc/self/comm', 'w').write('a) 1 (b')\n"
        "print(s())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # The child was started later than this process, and not in the future.
    assert ours is not None
    assert 0 < float(run.stdout) < ours + 60
