"""Every offline run below a folder, by W&B's own messages: `[{id, group, name, config, exit, history}]`.

Its records lie in LevelDB's log format behind a header of seven bytes; `wandb sync` reads them the same way.
"""

import json
import struct
import sys
from pathlib import Path

from wandb.proto import wandb_internal_pb2

BLOCK = 32_768


def records(data):
    assert data[:4] == b":W&B"
    place, parts = 7, b""
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        place += 7
        parts += data[place : place + length]
        place += length
        if kind in (1, 4):
            yield wandb_internal_pb2.Record.FromString(parts)
            parts = b""


runs = []
for path in sorted(Path(sys.argv[1]).glob("wandb/offline-run-*/*.wandb")):
    run = {"history": []}
    for record in records(path.read_bytes()):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            it = record.run
            config = {item.key: json.loads(item.value_json) for item in it.config.update if item.key != "_wandb"}
            run |= {"id": it.run_id, "group": it.run_group, "name": it.display_name, "project": it.project}
            run["config"] = config
        elif kind == "history":
            row = {item.key or ".".join(item.nested_key): item.value_json for item in record.history.item}
            run["history"].append({key: value for key, value in row.items() if key == "_step" or key[0] != "_"})
        elif kind == "exit":
            run["exit"] = record.exit.exit_code
    runs.append(run)
json.dump(runs, sys.stdout)
