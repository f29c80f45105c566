"""A control plane over a real gRPC server that says what the test says."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import grpc

from dss_worker.agent.generated.dss.v1 import common_pb2, worker_pb2, worker_pb2_grpc
from dss_worker.config import DatasetSource, ModelSource, RunOptions, SourceFile, TrialConfig, TrialSettings

# A guard against hanging forever; nothing takes nearly so long.
GUARD_S = 120.0
TRIAL = "0123456789abcdef0123"
TOKEN = "secret"


class Stream:
    """One worker's stream, from the other side. Renewals are answered as long as `renews` says so."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self.metadata = dict(context.invocation_metadata() or ())
        self.renews = True
        self._context = context
        self._said: queue.SimpleQueue[worker_pb2.WorkerMessage | None] = queue.SimpleQueue()
        # Heard, and not asked for so far.
        self.unread: list[worker_pb2.WorkerMessage] = []
        self._orders: queue.SimpleQueue[worker_pb2.ControlMessage | grpc.StatusCode | None] = queue.SimpleQueue()

    def say(self, **message: Any) -> None:  # noqa: ANN401
        self._orders.put(worker_pb2.ControlMessage(**message))

    def welcome(
        self, *, lease_ms: int = 30_000, renew_every_ms: int = 10_000, store_port: int | None = None
    ) -> worker_pb2.Hello:
        """`store_port`: of a control plane on another machine; None: nothing is said of a store."""
        hello = self.next("hello").hello
        welcome = worker_pb2.Welcome(lease_ms=lease_ms, renew_every_ms=renew_every_ms)
        if store_port is not None:
            welcome.home, welcome.home_id, welcome.store_port = "/nowhere", "x", store_port
        self.say(welcome=welcome)
        return hello

    def assign(self, script: str, *, token: int = 1, trial_id: str = TRIAL, directory: str = "/") -> common_pb2.Lease:
        """A trial that the scripted child runs as its model's name says."""
        return self.lend(scripted_trial(script, trial_id=trial_id, directory=directory), token=token)

    def lend(self, config: TrialConfig, *, token: int = 1) -> common_pb2.Lease:
        lease = lease_of(token, trial_id=config.trial_id)
        self.say(assign=assignment(lease, config))
        return lease

    def acknowledge(self, *sequences: int) -> None:
        self.say(acknowledged=worker_pb2.Acknowledged(sequences=sequences))

    def take(self, kind: str) -> worker_pb2.WorkerMessage:
        """The next of a kind, acknowledged."""
        message = self.next(kind)
        self.acknowledge(message.sequence)
        return message

    def next(self, *kinds: str) -> worker_pb2.WorkerMessage:
        """The next of these kinds that was not asked for before; others stay."""
        for place, message in enumerate(self.unread):
            if message.WhichOneof("message") in kinds:
                return self.unread.pop(place)
        while True:
            heard = self._said.get(timeout=GUARD_S)
            if heard is None:
                raise AssertionError(f"the stream ended while waiting for {', '.join(kinds)}")
            if heard.WhichOneof("message") in kinds:
                return heard
            self.unread.append(heard)

    def rest(self) -> list[worker_pb2.WorkerMessage]:
        """Everything else until the worker's end of the stream."""
        while (message := self._said.get(timeout=GUARD_S)) is not None:
            self.unread.append(message)
        return self.unread

    def end(self) -> None:
        self._orders.put(None)

    def cut(self, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        self._orders.put(code)

    def serve(self, said: Iterator[worker_pb2.WorkerMessage]) -> Iterator[worker_pb2.ControlMessage]:
        self._context.add_callback(self.end)
        threading.Thread(target=self._listen, args=(said,), daemon=True).start()
        while (order := self._orders.get()) is not None:
            if isinstance(order, grpc.StatusCode):
                self._context.abort(order, "cut by the test")
            else:
                yield order

    def _listen(self, said: Iterator[worker_pb2.WorkerMessage]) -> None:
        try:
            for message in said:
                if message.HasField("renew") and self.renews:
                    self.say(renewed=worker_pb2.Renewed(leases=message.renew.leases))
                self._said.put(message)
        except Exception:  # what grpc raises when the stream breaks has no type of its own
            pass
        finally:
            self._said.put(None)


class ControlPlane(worker_pb2_grpc.WorkerServiceServicer):
    """Starts listening at once, on a port of its own or where another one listened."""

    def __init__(self, address: str = "127.0.0.1:0") -> None:
        self._streams: queue.SimpleQueue[Stream] = queue.SimpleQueue()
        # How streams that are yet to come end, at once.
        self.refusal: grpc.StatusCode | None = None
        self._server = grpc.server(ThreadPoolExecutor(max_workers=8))
        worker_pb2_grpc.add_WorkerServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        self.address = f"127.0.0.1:{self._server.add_insecure_port(address)}"
        self._server.start()

    def Connect(
        self, request_iterator: Iterator[worker_pb2.WorkerMessage], context: grpc.ServicerContext
    ) -> Iterator[worker_pb2.ControlMessage]:
        if self.refusal is not None:
            context.abort(self.refusal, "refused by the test")
        stream = Stream(context)
        self._streams.put(stream)
        yield from stream.serve(request_iterator)

    def stream(self) -> Stream:
        """The next that a worker opens."""
        return self._streams.get(timeout=GUARD_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=None).wait()


def lease_of(token: int, *, trial_id: str = TRIAL) -> common_pb2.Lease:
    return common_pb2.Lease(trial_id=trial_id, attempt=1, token=token)


def scripted_trial(script: str, *, trial_id: str = TRIAL, directory: str = "/data") -> TrialConfig:
    settings = TrialSettings(
        model=script, dataset="cqa", label_type="gt", model_type="task_prefix", seed=3, llm="palm", alpha=0.5,
        subsample=0.25, max_steps=10, eval_steps=5, batch_size=4, grad_steps=2, lr=5e-5, max_input_length=128,
        gen_max_len=16, precision="fp32", dropout=0.1, select="valid", init="random", optimizer="adamw8bit",
        adapter="lora", lora_rank=8, lora_alpha=4.0,
    )  # fmt: skip
    rows = SourceFile(path="cqa/cqa_train.json", sha256="ab" * 32, size_bytes=7, role="train")
    config = SourceFile(path="config.json", sha256="cd" * 32, size_bytes=2**40, role="config")
    dataset = DatasetSource(
        directory=Path(directory),
        layout="release",
        files=(rows,),
        metric="text",
        fields={"input": "question"},
        templates={"predict": "p: "},
        choices=("yes", "no"),
    )
    model = ModelSource(directory=Path("/model"), files=(config,))
    run = RunOptions(
        directory=Path("/state/trials") / trial_id, checkpoint_steps=7, keep_checkpoints=True, keep="best",
        output_rationale=True, micro_batches=3, compile="on", gradient_checkpointing="off",
    )  # fmt: skip
    return TrialConfig(trial_id=trial_id, settings=settings, model=model, dataset=dataset, run=run)


def assignment(lease: common_pb2.Lease, config: TrialConfig) -> worker_pb2.Assign:
    """As the control plane writes it."""
    settings = {name: value for name, value in asdict(config.settings).items() if value is not None}
    dataset = config.dataset
    return worker_pb2.Assign(
        lease=lease,
        settings=common_pb2.TrialSettings(**settings),
        model=common_pb2.ModelSource(directory=str(config.model.directory), files=_files(config.model.files)),
        dataset=common_pb2.DatasetSource(
            directory=str(dataset.directory),
            layout=dataset.layout,
            files=_files(dataset.files),
            metric=dataset.metric,
            fields=dataset.fields,
            templates=dataset.templates,
            choices=dataset.choices,
        ),
        run=_run(config.run),
    )


def _files(files: tuple[SourceFile, ...]) -> list[common_pb2.SourceFile]:
    return [common_pb2.SourceFile(**asdict(file)) for file in files]


def _run(run: RunOptions) -> common_pb2.RunOptions:
    """Without a layout both numbers are 0."""
    options = {**asdict(run), "directory": str(run.directory or "")}
    layout = options.pop("layout")
    return common_pb2.RunOptions(**options, **(layout or {}))
