"""The agent as a process of its own, between a real gRPC server and a real child with a script."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2
from dss_worker.config import ENGINE_VERSION
from tests.agent.control_plane import TOKEN, ControlPlane, lease_of
from tests.agent.processes import SCRIPTED_AGENT, ended, started, wait_until_gone
from tests.agent.scripted_child import FLOOD_LINES, PRINTED_LINES, SUSPENDED_STEP

LOST = common_pb2.FAILURE_KIND_LOST
INFRASTRUCTURE = common_pb2.FAILURE_KIND_INFRASTRUCTURE
USER = common_pb2.FAILURE_KIND_USER


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def agent(plane: ControlPlane) -> Iterator[subprocess.Popen[str]]:
    with started(*SCRIPTED_AGENT, plane.address) as process:
        yield process


def test_it_says_who_it_is_before_anything_else(plane: ControlPlane, agent: subprocess.Popen[str]) -> None:
    stream = plane.stream()
    hello = stream.welcome()
    assert stream.metadata["authorization"] == f"Bearer {TOKEN}"
    assert (hello.worker_id, hello.engine_version, hello.pid) == ("local-1", ENGINE_VERSION, agent.pid)
    assert (hello.slots, hello.prefetch) == (1, 1)
    assert [(device.kind, device.threads) for device in hello.devices] == [("cpu", 1)]
    assert hello.devices[0].memory_bytes > 0
    assert hello.versions["python"].startswith("3.")
    assert list(hello.running) == []


@pytest.mark.usefixtures("agent")
def test_it_reports_a_trial_from_its_first_step_to_its_result(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    lease = stream.assign("finish")
    progress = stream.next("progress").progress
    assert (progress.lease, progress.phase, progress.examples_per_second) == (lease, "train", 2.0)
    measured = stream.take("metrics")
    assert list(measured.metrics.training) == [common_pb2.TrainingPoint(step=5, loss=0.75)]
    assert measured.metrics.evaluations[0].correct == b"\x05\x01"
    finished = stream.take("finished")
    assert (finished.finished.lease, finished.finished.result.test_accuracy) == (lease, 0.5)
    assert measured.sequence < finished.sequence
    line = stream.take("log").log.lines[0]
    assert (line.stream, line.text) == ("stdout", "a line on stdout")


@pytest.mark.usefixtures("agent")
def test_one_child_runs_trial_after_trial(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    pids = set()
    for token in (1, 2):
        stream.assign("finish", token=token)
        pids.add(stream.next("progress").progress.step)
        stream.take("finished")
    assert len(pids) == 1


@pytest.mark.usefixtures("agent")
def test_it_renews_what_it_runs_until_the_result_is_acknowledged(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome(renew_every_ms=20)
    lease = stream.assign("finish")
    finished = stream.next("finished")
    assert any(lease in stream.next("renew").renew.leases for _ in range(100))
    stream.acknowledge(finished.sequence)
    while lease in stream.next("renew").renew.leases:
        pass


@pytest.mark.usefixtures("agent")
def test_after_a_break_it_resends_what_was_not_acknowledged_and_nothing_else(
    plane: ControlPlane, tmp_path: Path
) -> None:
    fifo = tmp_path / "steps"
    os.mkfifo(fifo)
    first = plane.stream()
    first.welcome()
    lease = first.assign("obey_fifo", directory=str(fifo))
    with fifo.open("w", buffering=1) as steps:
        steps.write("1\n")
        acknowledged = first.take("metrics").sequence
        steps.write("2\n")
        unacknowledged = first.next("metrics").sequence
        first.cut()
        steps.write("3\n")
        second = plane.stream()
        hello = second.welcome()
        assert list(hello.running) == [lease]
        reports = [second.take("metrics") for _ in range(2)]
    assert [report.metrics.training[0].step for report in reports] == [2, 3]
    assert reports[0].sequence == unacknowledged
    numbers = [acknowledged, *(report.sequence for report in reports), second.take("finished").sequence]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("script", "code", "kind", "message", "detail"),
    [
        ("kill_oneself", "CHILD_KILLED", LOST, "signal 9, perhaps for want of memory", "last words"),
        ("crash", "CHILD_CRASHED", INFRASTRUCTURE, "signal 11 (SIGSEGV)", ""),
        ("leave_without_result", "CHILD_CRASHED", INFRASTRUCTURE, "exit code 1", "last words"),
        ("suspend_unasked", "INTERNAL", INFRASTRUCTURE, "without being asked to", ""),
        ("babble", "INTERNAL", INFRASTRUCTURE, "unknown message 'Poetry'", ""),
        ("fail", "DATASET_INVALID", USER, "row 3 is wrong", ""),
    ],
)
@pytest.mark.usefixtures("agent")
def test_a_failure_is_told_for_what_it_is_and_the_next_trial_runs(
    plane: ControlPlane, script: str, code: str, kind: common_pb2.FailureKind, message: str, detail: str
) -> None:
    stream = plane.stream()
    stream.welcome()
    lease = stream.assign(script)
    failed = stream.take("failed").failed
    assert (failed.lease, failed.failure.code, failed.failure.kind) == (lease, code, kind)
    assert message in failed.failure.message
    assert detail in failed.failure.detail
    stream.assign("finish", token=2)
    assert stream.take("finished").finished.lease.token == 2


@pytest.mark.usefixtures("agent")
def test_a_child_that_is_leaving_gets_no_other_trial(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("fail_and_leave")
    pid = stream.next("progress").progress.step
    assert stream.take("failed").failed.failure.message == "nobody foresaw it"
    lease = stream.assign("finish", token=2)
    # By the answer to its first renewal the lease was heard of, and it is not in the hands of the old child.
    while lease not in stream.next("renew").renew.leases:
        pass
    os.kill(pid, signal.SIGKILL)
    assert stream.next("progress").progress.step != pid
    assert stream.take("finished").finished.lease == lease
    assert not any(message.HasField("failed") for message in stream.unread)


@pytest.mark.usefixtures("agent")
def test_a_trial_killed_from_outside_is_lost_and_the_next_gets_a_new_child(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("wait_for_cancel")
    pid = stream.next("progress").progress.step
    os.kill(pid, signal.SIGKILL)
    assert stream.take("failed").failed.failure.kind == LOST
    stream.assign("finish", token=2)
    assert stream.next("progress").progress.step != pid
    stream.take("finished")


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("order", ["cancel", "stale"])
def test_what_is_cancelled_or_stale_stops_without_a_report_and_the_child_stays(plane: ControlPlane, order: str) -> None:
    stream = plane.stream()
    stream.welcome()
    lease = stream.assign("wait_for_cancel")
    pid = stream.next("progress").progress.step
    if order == "cancel":
        stream.say(cancel=worker_pb2.Cancel(lease=lease, reason="sweep x was cancelled"))
    else:
        stream.say(stale=worker_pb2.Stale(lease=lease))
    # At once, while the child may still be stopping.
    stream.assign("finish", token=2)
    assert stream.next("progress").progress.step == pid
    assert stream.take("finished").finished.lease.token == 2
    stream.end()
    assert [m for m in stream.rest() if m.HasField("failed") or m.HasField("finished")] == []


@pytest.mark.usefixtures("agent")
def test_an_assignment_that_cannot_be_read_fails_for_good(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    lease = lease_of(1)
    settings = common_pb2.TrialSettings(label_type="gold")
    stream.say(assign=worker_pb2.Assign(lease=lease, settings=settings))
    failed = stream.take("failed").failed
    assert (failed.lease, failed.failure.kind) == (lease, USER)
    assert failed.failure.message == "label_type: expected one of gt, llm, got 'gold'"


def test_each_life_of_its_process_has_a_name_of_its_own(plane: ControlPlane) -> None:
    names = set()
    for _ in range(2):
        with started(*SCRIPTED_AGENT, plane.address):
            names.add(plane.stream().welcome().instance_id)
    assert len(names) == 2


@pytest.mark.usefixtures("agent")
def test_a_second_attempt_waits_and_begins_when_the_first_has_ended_and_a_third_is_given_back(
    plane: ControlPlane,
) -> None:
    stream = plane.stream()
    stream.welcome()
    first = stream.assign("wait_for_cancel")
    pid = stream.next("progress").progress.step
    second = stream.assign("finish", token=2, trial_id="e" * 20)
    stream.assign("finish", token=3, trial_id="f" * 20)
    failed = stream.take("failed").failed
    assert (failed.lease.token, failed.failure.code, failed.failure.kind) == (3, "WORKER_BUSY", LOST)
    assert not any(message.HasField("finished") for message in stream.unread)
    stream.say(cancel=worker_pb2.Cancel(lease=first, reason="test"))
    progress = stream.next("progress").progress
    assert (progress.lease, progress.step) == (second, pid)
    assert stream.take("finished").finished.lease == second


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("order", ["cancel", "stale"])
def test_a_waiting_attempt_that_is_taken_back_never_begins(plane: ControlPlane, order: str) -> None:
    stream = plane.stream()
    stream.welcome(renew_every_ms=20)
    running = stream.assign("wait_for_cancel")
    waiting = stream.assign("finish", token=2, trial_id="f" * 20)
    while list(stream.next("renew").renew.leases) != [running, waiting]:
        pass
    if order == "cancel":
        stream.say(cancel=worker_pb2.Cancel(lease=waiting, reason="another worker is free"))
    else:
        stream.say(stale=worker_pb2.Stale(lease=waiting))
    while list(stream.next("renew").renew.leases) != [running]:
        pass
    stream.say(cancel=worker_pb2.Cancel(lease=running, reason="test"))
    stream.assign("finish", token=3)
    assert stream.take("finished").finished.lease.token == 3
    assert not any(message.HasField("failed") for message in stream.unread)


@pytest.mark.usefixtures("agent")
def test_a_waiting_attempt_outlives_the_child_and_is_run_by_the_next(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("wait_for_cancel")
    pid = stream.next("progress").progress.step
    waiting = stream.assign("finish", token=2, trial_id="f" * 20)
    while waiting not in stream.next("renew").renew.leases:
        pass
    os.kill(pid, signal.SIGKILL)
    assert stream.take("failed").failed.lease.token == 1
    assert stream.next("progress").progress.step != pid
    assert stream.take("finished").finished.lease == waiting


@pytest.mark.usefixtures("agent")
def test_what_an_attempt_printed_is_in_its_log_though_the_next_begins_at_once(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    for token in (1, 2):
        stream.assign("print_and_finish", token=token, trial_id=f"{token}" * 20)
    logs = []
    for token in (1, 2):
        finished = stream.next("finished")
        assert finished.finished.lease.token == token
        # Nothing of the log is acknowledged before.
        stream.acknowledge(*range(1, finished.sequence + 1))
        logs += [message for message in stream.unread if message.HasField("log")]
        assert all(message.sequence < finished.sequence for message in logs)
        stream.unread.clear()
    for token in (1, 2):
        lines = [line for message in logs if message.log.lease.token == token for line in message.log.lines]
        for output in ("stdout", "stderr"):
            assert [line.text for line in lines if line.stream == output] == [
                f"line {number}" for number in range(PRINTED_LINES)
            ]


def test_when_idle_a_drain_ends_it(plane: ControlPlane, agent: subprocess.Popen[str]) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.say(drain=worker_pb2.Drain(grace_ms=60_000))
    stream.take("drained")
    assert ended(agent)[0] == 0


def test_a_drained_one_ends_with_the_status_that_its_launcher_wants(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSS_TEST_DRAINED_STATUS", "143")
    with started(*SCRIPTED_AGENT, plane.address) as process:
        stream = plane.stream()
        stream.welcome()
        stream.say(drain=worker_pb2.Drain(grace_ms=60_000))
        stream.take("drained")
        assert ended(process)[0] == 143


@pytest.mark.parametrize("script", ["finish", "fail"])
def test_one_that_takes_one_trial_ends_well_after_it_however_that_went(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setenv("DSS_TEST_TRIALS", "1")
    monkeypatch.setenv("DSS_TEST_DRAINED_STATUS", "143")
    with started(*SCRIPTED_AGENT, plane.address) as process:
        stream = plane.stream()
        assert stream.welcome().trials == 1
        stream.assign(script)
        ended_as = stream.take("finished" if script == "finish" else "failed")
        assert stream.take("drained").sequence > ended_as.sequence
        assert ended(process)[0] == 0


def test_one_that_takes_several_trials_says_how_many_are_left_when_it_comes_back(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSS_TEST_TRIALS", "3")
    with started(*SCRIPTED_AGENT, plane.address) as process:
        stream = plane.stream()
        stream.welcome()
        for token in (1, 2):
            stream.assign("finish", token=token)
            stream.take("finished")
        stream.cut()
        again = plane.stream()
        assert again.welcome().trials == 1
        again.assign("finish", token=3)
        again.take("finished")
        again.take("drained")
        assert ended(process)[0] == 0


def test_a_trial_that_cannot_be_read_counts_as_one(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSS_TEST_TRIALS", "1")
    with started(*SCRIPTED_AGENT, plane.address) as process:
        stream = plane.stream()
        stream.welcome()
        stream.say(assign=worker_pb2.Assign(lease=lease_of(1)))
        stream.take("failed")
        stream.take("drained")
        assert ended(process)[0] == 0


def test_what_ends_within_the_grace_of_a_drain_is_finished(
    plane: ControlPlane, agent: subprocess.Popen[str], tmp_path: Path
) -> None:
    fifo = tmp_path / "steps"
    os.mkfifo(fifo)
    stream = plane.stream()
    stream.welcome()
    stream.assign("obey_fifo", directory=str(fifo))
    with fifo.open("w", buffering=1) as steps:
        steps.write("1\n")
        stream.take("metrics")
        stream.say(drain=worker_pb2.Drain(grace_ms=60_000))
        stream.assign("finish", token=2)
        assert stream.take("failed").failed.lease.token == 2
    finished = stream.take("finished")
    assert stream.take("drained").sequence > finished.sequence
    assert ended(agent)[0] == 0


def test_what_does_not_end_within_the_grace_is_killed_and_given_back(
    plane: ControlPlane, agent: subprocess.Popen[str]
) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("ignore_everything")
    pid = stream.next("progress").progress.step
    stream.say(drain=worker_pb2.Drain(grace_ms=1))
    stream.take("drained")
    assert ended(agent)[0] == 0
    wait_until_gone(pid)
    assert not any(message.HasField("failed") for message in stream.unread)


def test_drained_it_has_what_runs_leave_with_a_checkpoint_and_gives_it_back(
    plane: ControlPlane, agent: subprocess.Popen[str]
) -> None:
    stream = plane.stream()
    stream.welcome()
    lease = stream.assign("wait_for_suspension")
    stream.next("progress")
    stream.assign("finish", token=2, trial_id="f" * 20)  # and what waits is not begun
    stream.say(drain=worker_pb2.Drain(grace_ms=60_000))
    measured = stream.take("metrics")
    drained = stream.take("drained")
    assert measured.metrics.training[0].step == SUSPENDED_STEP
    assert measured.sequence < drained.sequence
    assert ended(agent)[0] == 0
    logs = [message.log for message in stream.rest() if message.HasField("log")]
    assert [(log.lease, line.text) for log in logs for line in log.lines if line.stream == "dss"] == [
        (lease, f"left after step {SUSPENDED_STEP}; another attempt goes on from there")
    ]
    assert not any(message.HasField("failed") or message.HasField("finished") for message in stream.unread)


def test_what_ends_while_it_is_to_be_suspended_is_finished(plane: ControlPlane, agent: subprocess.Popen[str]) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("finish_when_suspended")
    stream.next("progress")
    agent.send_signal(signal.SIGTERM)
    finished = stream.take("finished")
    assert finished.sequence < stream.take("drained").sequence
    assert ended(agent)[0] == 143


def test_a_child_that_was_told_to_end_like_the_agent_is_no_failure(
    plane: ControlPlane, agent: subprocess.Popen[str]
) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("die_when_suspended")
    stream.next("progress")
    agent.send_signal(signal.SIGTERM)
    stream.take("drained")
    assert ended(agent)[0] == 143
    assert not any(message.HasField("failed") for message in stream.rest())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_end_it_suspends_what_runs_and_told_again_it_kills_it(
    plane: ControlPlane, agent: subprocess.Popen[str], number: signal.Signals, status: int
) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("ignore_suspension")
    pid = stream.next("progress").progress.step
    agent.send_signal(number)
    assert stream.take("metrics").metrics.training[0].step == SUSPENDED_STEP
    os.kill(pid, 0)
    agent.send_signal(number)
    stream.take("drained")
    assert ended(agent)[0] == status
    wait_until_gone(pid)


def test_refused_it_ends_with_the_reason(plane: ControlPlane, agent: subprocess.Popen[str]) -> None:
    stream = plane.stream()
    stream.next("hello")
    refused = worker_pb2.Refused(code="ENGINE_VERSION", message="engine 7, expected 1", hint="install the same dss")
    stream.say(refused=refused)
    stream.end()
    status, said = ended(agent)
    assert status == 1
    assert "engine 7, expected 1 (ENGINE_VERSION). install the same dss" in said


def test_with_a_wrong_token_it_does_not_try_again(plane: ControlPlane, agent: subprocess.Popen[str]) -> None:
    # grpc may call the end of a stream that has hardly begun an internal error of its own; the next try is told why.
    stream = plane.stream()
    plane.refusal = grpc.StatusCode.UNAUTHENTICATED
    stream.cut(grpc.StatusCode.UNAUTHENTICATED)
    status, said = ended(agent)
    assert status == 1
    assert "UNAUTHENTICATED" in said


def test_out_of_reach_for_as_long_as_a_lease_lives_it_ends(agent: subprocess.Popen[str], plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome(lease_ms=200, renew_every_ms=50)
    stream.next("renew")
    plane.__exit__()
    status, said = ended(agent)
    assert status == 1
    assert "out of reach for 0.2 s" in said


def test_a_child_that_cannot_start_ends_the_agent_with_its_last_words(plane: ControlPlane) -> None:
    with started(*SCRIPTED_AGENT, plane.address, "--never-ready") as agent:
        status, said = ended(agent)
    assert status == 1
    assert "No module named torch" in said


@pytest.mark.usefixtures("agent")
def test_a_flood_of_lines_is_cut_to_its_end_and_counted(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("flood")
    # Nothing of the log is acknowledged meanwhile.
    stream.next("finished")
    stream.acknowledge(*range(1, 10))
    logs = [message.log for message in stream.unread if message.HasField("log")]
    while "line 49999" not in [line.text for log in logs for line in log.lines]:
        logs.append(stream.take("log").log)
    lines = [line.text for log in logs for line in log.lines]
    assert len(lines) + sum(log.dropped for log in logs) == FLOOD_LINES
    assert max(len(log.lines) for log in logs) <= 4_000
    assert len(lines) < FLOOD_LINES


@pytest.mark.usefixtures("agent")
def test_training_waits_when_metrics_are_not_acknowledged(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome(renew_every_ms=50)
    lease = stream.assign("measure_forever")
    held_back = [stream.next("metrics").sequence for _ in range(256)]
    # Renewals go on, and no more than the limit has come by then.
    stream.unread.clear()
    for _ in range(3):
        assert lease in stream.next("renew").renew.leases
    assert not any(message.HasField("metrics") for message in stream.unread)
    stream.acknowledge(*held_back)
    assert stream.next("metrics").metrics.training[0].step == 257


def test_the_child_dies_with_the_agent(plane: ControlPlane, agent: subprocess.Popen[str]) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("ignore_everything")
    pid = stream.next("progress").progress.step
    agent.kill()
    wait_until_gone(pid)


def test_agent_and_child_die_with_who_started_the_agent(plane: ControlPlane) -> None:
    # A parent that starts the agent and waits: killed, it cannot tell anybody.
    parent = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    with started(SCRIPTED_AGENT[0], "-c", parent, *SCRIPTED_AGENT, plane.address) as process:
        stream = plane.stream()
        agent_pid = stream.welcome().pid
        stream.assign("ignore_everything")
        child_pid = stream.next("progress").progress.step
        process.kill()
        wait_until_gone(agent_pid)
        wait_until_gone(child_pid)


@pytest.mark.usefixtures("agent")
def test_the_child_sees_no_token_and_only_its_device(plane: ControlPlane) -> None:
    stream = plane.stream()
    stream.welcome()
    stream.assign("show_environment")
    assert stream.take("log").log.lines[0].text == "token None, cuda ''"


def test_it_ends_in_order_when_nothing_is_lent_to_it_for_as_long_as_it_is_told(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSS_TEST_IDLE_EXIT", "0.3")
    with started(*SCRIPTED_AGENT, plane.address) as process:
        plane.stream().welcome()
        status, said = ended(process)
        assert status == 0
        assert "nothing to do for 0.3 s" in said
