"""Every run below a folder as TensorBoard's own reader sees it: `{run: {tag: [[step, value], ...]}}`, and hparams."""

import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata



def session_of(accumulator):
    try:
        content = accumulator.PluginTagToContent("hparams")
    except KeyError:
        return None
    return metadata.parse_session_start_info_plugin_data(content[metadata.SESSION_START_INFO_TAG])


root = Path(sys.argv[1])
runs = {}
for folder in sorted({path.parent for path in root.rglob("events.out.tfevents.*")}):
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    info = session_of(accumulator)
    runs[str(folder.relative_to(root))] = {
        "scalars": {
            tag: [[event.step, str(event.value)] for event in accumulator.Scalars(tag)]
            for tag in accumulator.Tags()["scalars"]
        },
        "group": info.group_name if info else None,
        "hparams": {
            name: getattr(value, value.WhichOneof("kind")) for name, value in (info.hparams.items() if info else [])
        },
    }
json.dump(runs, sys.stdout)
