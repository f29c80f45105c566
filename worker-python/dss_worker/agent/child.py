"""One training process, from its start to its end.

It is started → says Ready → runs trials one after another → ends, by itself or killed. Messages go through two pipes
of their own, since training's libraries print whatever they like; what they print arrives as lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Literal

from dss_worker.agent.child_end import ChildEnd
from dss_worker.agent.clock import Clock
from dss_worker.agent.oom import oom_kills
from dss_worker.agent.output import OutputPipe
from dss_worker.agent.tasks import start_task
from dss_worker.messages import FromChild, ToChild, decode_from_child, encode

# The longest message holds one bit per row of a split.
_MAX_MESSAGE_BYTES = 8 * 1024 * 1024
_TAIL_CHARACTERS = 16 * 1024
_NONSENSE_CHARACTERS = 500
# A process that outlives the child may hold its pipes open.
LAST_WORDS_S = 2.0

Output = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildListener:
    """Who hears of a child."""

    # May take its time: the child is heard no further meanwhile, and waits when the pipe is full.
    on_message: Callable[[FromChild], Awaitable[None]]
    # What the child printed before it said something is heard before that.
    on_line: Callable[[Output, str], None]
    # Once, after the last message.
    on_end: Callable[[ChildEnd], None]


async def start_child(
    command: Sequence[str], *, environment: Mapping[str, str], clock: Clock, listener: ChildListener
) -> TrainingChild:
    """Raises: OSError when there is no such program."""
    child_reads, agent_writes = os.pipe()
    agent_reads, child_writes = os.pipe()
    pipes = ["--read-fd", str(child_reads), "--write-fd", str(child_writes), "--agent-pid", str(os.getpid())]
    # Not in a group of its own: a launcher that kills the agent's group gets all of it.
    try:
        process = subprocess.Popen(
            [*command, *pipes],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(child_reads, child_writes),
            bufsize=0,
        )
    except BaseException:
        os.close(agent_writes)
        os.close(agent_reads)
        raise
    finally:
        # A copy kept here would hide the end of the child.
        os.close(child_reads)
        os.close(child_writes)
    loop = asyncio.get_running_loop()
    # The transports close them.
    to_child, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, open(agent_writes, "wb", buffering=0))  # noqa: SIM115
    messages = asyncio.StreamReader(limit=_MAX_MESSAGE_BYTES)
    from_child, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(messages),
        open(agent_reads, "rb", buffering=0),  # noqa: SIM115
    )
    return TrainingChild(
        process, to_child=to_child, from_child=from_child, messages=messages, clock=clock, listener=listener
    )


class TrainingChild:
    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        to_child: asyncio.WriteTransport,
        from_child: asyncio.ReadTransport,
        messages: asyncio.StreamReader,
        clock: Clock,
        listener: ChildListener,
    ) -> None:
        self._process = process
        self._to_child = to_child
        self._from_child = from_child
        self._clock = clock
        self._listener = listener
        self._output = [
            OutputPipe(pipe, on_line=self._line_heard(output)) for output, pipe in _outputs(process) if pipe is not None
        ]
        self._stderr = ""
        self._oom_kills = oom_kills()
        self._nonsense = ""
        self._silent_s = 0.0
        self._exited = _exit_of(process)
        self._life = start_task(self._live(messages))

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: ToChild) -> None:
        if not self._to_child.is_closing():
            self._to_child.write(encode(message))

    def begins_trial(self) -> None:
        """What was killed for want of memory before is no news of this trial."""
        self._oom_kills = oom_kills()

    def kill(self) -> None:
        self._process.kill()

    def abort(self, *, silent_s: float) -> None:
        """Ends a child that has said nothing for so long; its stacks go to its stderr first. It may live on."""
        self._silent_s = silent_s
        # The kernel would write all its memory to a disk.
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(self.pid, resource.RLIMIT_CORE, (0, 0))
        self._process.send_signal(signal.SIGABRT)

    async def close(self) -> None:
        """Kills it; what it still says goes unheard."""
        self.kill()
        self._life.cancel()
        await self._exited

    async def _live(self, reader: asyncio.StreamReader) -> None:
        messages = start_task(self._read_messages(reader))
        try:
            status = await asyncio.shield(self._exited)
            last_words = self._clock.call_at(self._clock.now_s() + LAST_WORDS_S, self._hang_up)
            # What it said before its end counts.
            await messages
            for output in self._output:
                await output.ended
            last_words.cancel()
        finally:
            self._to_child.close()
            messages.cancel()
            self._hang_up()
        end = ChildEnd(
            status=status,
            stderr=self._stderr,
            is_memory_short=oom_kills() > self._oom_kills,
            nonsense=self._nonsense,
            silent_s=self._silent_s,
        )
        self._listener.on_end(end)

    def _hang_up(self) -> None:
        """What has been read so far is still heard."""
        self._from_child.close()
        for output in self._output:
            output.close()

    async def _read_messages(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readline()
                if not line.endswith(b"\n"):
                    return  # the end, or half a line that a killed process leaves
                message = decode_from_child(line)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._nonsense = f"{type(error).__name__}: {error}"[:_NONSENSE_CHARACTERS]
                self.kill()
                return
            for output in self._output:
                output.catch_up()
            await self._listener.on_message(message)

    def _line_heard(self, output: Output) -> Callable[[str], None]:
        def hear(line: str) -> None:
            if output == "stderr":
                self._stderr = f"{self._stderr}{line}\n"[-_TAIL_CHARACTERS:]
            self._listener.on_line(output, line)

        return hear


def _outputs(process: subprocess.Popen[bytes]) -> tuple[tuple[Output, IO[bytes] | None], ...]:
    return ("stdout", process.stdout), ("stderr", process.stderr)


def _exit_of(process: subprocess.Popen[bytes]) -> asyncio.Future[int]:
    """asyncio's own subprocesses end when their output does, which something that the child left may prevent."""
    loop = asyncio.get_running_loop()
    exited: asyncio.Future[int] = loop.create_future()

    def tell(status: int) -> None:
        if not exited.done():
            exited.set_result(status)

    def wait() -> None:
        status = process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            loop.call_soon_threadsafe(tell, status)

    threading.Thread(target=wait, name="child-exit", daemon=True).start()
    return exited
