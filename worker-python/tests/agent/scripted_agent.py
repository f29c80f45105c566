"""The real agent as its own process, with the scripted child in training's place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dss_worker.agent.main import AgentOptions, run_agent
from dss_worker.parent import die_with_parent

CHILD = [sys.executable, str(Path(__file__).with_name("scripted_child.py"))]

if __name__ == "__main__":
    die_with_parent()
    server, *child_flags = sys.argv[1:]
    options = AgentOptions(
        server=server,
        worker_id="local-1",
        threads=1,
        device="cpu",
        join_token=os.environ.pop("DSS_JOIN_TOKEN"),
        trials=int(os.environ["DSS_TEST_TRIALS"]) if "DSS_TEST_TRIALS" in os.environ else None,
        idle_exit_s=float(os.environ["DSS_TEST_IDLE_EXIT"]) if "DSS_TEST_IDLE_EXIT" in os.environ else None,
        drained_status=int(os.environ.get("DSS_TEST_DRAINED_STATUS", "0")),
        slots=int(os.environ.get("DSS_TEST_SLOTS", "1")),
        cache=Path(os.environ["DSS_WORKER_CACHE"]) if "DSS_WORKER_CACHE" in os.environ else None,
    )
    sys.exit(run_agent(options, child_command=[*CHILD, *child_flags]))
