"""The stream to the control plane, and another one after it breaks.

connecting → welcomed → broken → connecting …, until the control plane refuses us or has been out of reach for as long
as a lease lives, unless we are to keep trying.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from dss_worker.agent.agent import Agent
from dss_worker.agent.channel import TlsFiles, explained, open_channel
from dss_worker.agent.clock import Clock, sleep
from dss_worker.agent.codec import WireError, decode_to_worker, encode_from_worker
from dss_worker.agent.generated.dss.v1.worker_pb2 import ControlMessage, WorkerMessage
from dss_worker.agent.generated.dss.v1.worker_pb2_grpc import WorkerServiceStub
from dss_worker.agent.protocol import Refused, Welcome
from dss_worker.agent.tasks import start_task
from dss_worker.errors import WorkerError

if TYPE_CHECKING:
    Stream = grpc.aio.StreamStreamCall[WorkerMessage, ControlMessage]

logger = logging.getLogger(__name__)

# What another try would not change.
_FINAL = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNIMPLEMENTED,
}
# Of writes: why a stream does not take any more, its reading end says, and a write says INTERNAL whatever it was.
_TAKES_NO_MORE = contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError)
# Before the first Welcome has said how long a lease lives.
_FIRST_PATIENCE_S = 30.0
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 2.0
# Between two words about a control plane that stays away, once it has been away for longer than a lease lives.
_WORD_EVERY_S = 60.0


class Session:
    def __init__(
        self,
        agent: Agent,
        *,
        server: str,
        token: str,
        clock: Clock,
        random: Callable[[], float],
        keeps_trying: bool = False,
        tls: TlsFiles | None = None,
    ) -> None:
        """`random` in [0, 1) keeps workers from coming back all at once."""
        self._agent = agent
        self._server = server
        self._token = token
        self._clock = clock
        self._random = random
        self._patience_s = _FIRST_PATIENCE_S
        self._keeps_trying = keeps_trying
        self._tls = tls
        self._is_welcome = False

    async def run(self) -> None:
        """Ends together with the agent."""
        delay_s = _FIRST_DELAY_S
        alone_since_s = self._clock.now_s()
        next_word_s = alone_since_s
        while not self._agent.ended.done():
            reason = await self._stream()
            if self._is_welcome:
                delay_s = _FIRST_DELAY_S
                alone_since_s = next_word_s = self._clock.now_s()
            if self._agent.ended.done():
                return
            is_patient = self._clock.now_s() - alone_since_s < self._patience_s
            if is_patient or self._clock.now_s() >= next_word_s:
                logger.warning("not connected to %s: %s", self._server, reason)
                next_word_s = self._clock.now_s() + _WORD_EVERY_S
            if not is_patient and not self._keeps_trying:
                message = f"the control plane at {self._server} was out of reach for {self._patience_s:g} s: {reason}"
                self._agent.end(1, message)
                return
            await sleep(self._clock, delay_s * (0.5 + 0.5 * self._random()))
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    async def _stream(self) -> str:
        """From Hello to the end of the stream; gives why it ended."""
        self._is_welcome = False
        try:
            opened = open_channel(self._server, self._tls)
        except WorkerError as error:
            return error.message
        async with opened as channel:
            service = WorkerServiceStub(channel)  # type: ignore[no-untyped-call]
            # A worker that shows a certificate may have no token.
            call = service.Connect(metadata=(("authorization", f"Bearer {self._token}"),) if self._token else ())
            listening = asyncio.create_task(self._listen(call))
            try:
                await asyncio.wait({listening})
            finally:
                listening.cancel()
                self._agent.disconnected()
        if listening.cancelled():
            return "it did not answer in time"
        try:
            listening.result()
        except grpc.aio.AioRpcError as error:
            reason = f"{error.code().name}: {explained(error.details() or '')}"
            if error.code() in _FINAL:
                self._agent.end(1, f"the control plane at {self._server} does not take this worker: {reason}")
            return reason
        except WireError as error:
            self._agent.end(1, f"the control plane at {self._server} is not understood: {error}")
        return "it ended the stream"

    async def _listen(self, call: Stream) -> None:
        listening = asyncio.current_task()

        def break_off() -> None:
            if listening is not None:
                listening.cancel()

        speaking: asyncio.Task[None] | None = None
        try:
            # Over a network that loses packets this takes long, and leases that are to come count from what follows.
            await call.wait_for_connection()
            hello_sent_s = self._clock.now_s()
            with _TAKES_NO_MORE:
                await call.write(encode_from_worker(self._agent.hello()))
            async for message in call:
                said = decode_to_worker(message)
                if isinstance(said, Refused):
                    self._agent.end(1, f"refused by the control plane: {said.message} ({said.code}). {said.hint}")
                elif not isinstance(said, Welcome):
                    self._agent.hear(said)
                elif speaking is None:
                    self._is_welcome = True
                    self._patience_s = said.lease_ms / 1000
                    self._agent.connected(said, hello_sent_s=hello_sent_s, break_off=break_off)
                    speaking = start_task(self._speak(call))
        finally:
            if speaking is not None:
                speaking.cancel()
            call.cancel()

    async def _speak(self, call: Stream) -> None:
        """One message at a time, each when the one before has found room: nothing piles up below us."""
        with _TAKES_NO_MORE:
            while True:
                await call.write(encode_from_worker(await self._agent.next_to_say()))
