"""Runs of an experiment as MLflow's own client sees them: a line `{experiment, keys}` in, a line of runs out.

`keys`: metrics whose history is wanted; null for all. `{remove: id}` removes a run for good, as `mlflow gc` does.
"""

import json
import sys

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking import MlflowClient


def run_of(client, found, keys):
    data, info = found.data, found.info
    return {
        "id": info.run_id,
        "parent": data.tags.get("mlflow.parentRunId"),
        "name": info.run_name,
        "status": info.status,
        "start": info.start_time,
        "end": info.end_time,
        "params": data.params,
        "tags": data.tags,
        "metrics": {
            key: sorted([metric.step, str(metric.value)] for metric in client.get_metric_history(info.run_id, key))
            for key in data.metrics
            if keys is None or key in keys
        },
    }


def main(url, database):
    client = MlflowClient(url)
    for line in sys.stdin:
        request = json.loads(line)
        if "remove" in request:
            store = SqlAlchemyStore(database, "/tmp")
            store.delete_run(request["remove"])
            store._hard_delete_run(request["remove"])
            answer = None
        else:
            experiment = client.get_experiment_by_name(request["experiment"])
            found = client.search_runs([experiment.experiment_id], max_results=1000)
            answer = [run_of(client, each, request["keys"]) for each in found]
        print(json.dumps(answer), flush=True)


main(*sys.argv[1:])
