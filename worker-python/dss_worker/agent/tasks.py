"""Tasks whose failure is heard of."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def start_task(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A failure goes to the loop's exception handler at once; asyncio alone waits until nobody holds the task."""
    task = asyncio.get_running_loop().create_task(coroutine)
    task.add_done_callback(_tell)
    return task


def _tell(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": "a task failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)
