"""TensorBoard's event files, by its own writer.

A run that is written anew begins with the mark of a restart, so that a TensorBoard which shows the folder meanwhile
drops what it had read of it. Numbers are 32-bit floats there, as always in TensorBoard.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dss_worker.data.answer import Refused
from dss_worker.tracking.marks import NAME, read_marks, write_mark
from dss_worker.tracking.requests import Begin, End, Point, Request

try:
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
except ImportError as error:
    raise Refused(
        "PACKAGE_MISSING", f"TensorBoard's folders need its package: {error}", "pip install tensorboard"
    ) from error

# Ours by their names: what somebody else has written beside them stays.
SUFFIX = ".dss"

STATUSES: Mapping[str, int] = {
    "succeeded": api_pb2.STATUS_SUCCESS,
    "failed": api_pb2.STATUS_FAILURE,
    "cancelled": api_pb2.STATUS_UNKNOWN,
}


class TensorBoardWriter:
    """A folder per run, open from `begin` until `end`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[str, Any] = {}
        # Those of them with hyperparameters: a mean over seeds is no session of its own.
        self._sessions: set[str] = set()

    def settled(self) -> dict[str, str]:
        return read_marks(path.parent for depth in ("*", "*/*") for path in self._directory.glob(f"{depth}/{NAME}"))

    def write(self, request: Request) -> None:
        run = request.run
        if request.begin is not None:
            self._begin(run, request.begin)
        for point in request.points:
            self._open[run].add_event(_scalar(point))
        if request.end is not None:
            self._end(run, request.end)
        elif request.points:
            self._open[run].flush()
        if request.settle is not None:
            write_mark(self._directory / run, request.settle)

    def close(self) -> None:
        for writer in self._open.values():
            writer.close()
        self._open.clear()

    def _begin(self, run: str, begin: Begin) -> None:
        folder = self._directory / run
        if run in self._open:
            self._open.pop(run).close()
        former = sorted(folder.glob(f"events.out.tfevents.*{SUFFIX}"))
        # The newest stays: a TensorBoard that is reading it would never look further if it went.
        for path in [folder / NAME, *former[:-1]]:
            path.unlink(missing_ok=True)
        writer = EventFileWriter(str(folder), filename_suffix=SUFFIX)
        self._open[run] = writer
        # Files are read by name, which begins with the second that they were made in: within one, chance decides.
        if former and max(folder.glob(f"events.out.tfevents.*{SUFFIX}")) == former[-1]:
            former[-1].unlink()
        restart = SessionLog(status=SessionLog.START)
        writer.add_event(Event(wall_time=begin.started, step=0, session_log=restart))
        self._sessions.discard(run)
        if begin.config:
            self._sessions.add(run)
            # Seeds of a cell are repetitions of one session group: TensorBoard shows their mean.
            summary = hparams_pb(dict(begin.config), trial_id=begin.group, start_time_secs=begin.started)
            writer.add_event(Event(wall_time=begin.started, summary=Summary.FromString(summary.SerializeToString())))
        writer.flush()

    def _end(self, run: str, end: End) -> None:
        writer = self._open.pop(run)
        if run in self._sessions:
            writer.add_event(_session_end(end))
        writer.close()


def _session_end(end: End) -> Event:
    info = plugin_data_pb2.SessionEndInfo(status=STATUSES[end.state], end_time_secs=end.ended)
    data = plugin_data_pb2.HParamsPluginData(session_end_info=info)
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=metadata.create_summary_metadata(data))
    value.tensor.CopyFrom(metadata.NULL_TENSOR)
    return Event(wall_time=end.ended, summary=Summary(value=[value]))


def _scalar(point: Point) -> Event:
    value = Summary.Value(tag=point.key, simple_value=point.value)
    return Event(wall_time=point.at, step=point.step, summary=Summary(value=[value]))
