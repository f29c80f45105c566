"""A Parquet file as pandas sees it, types included, and pyarrow's own check of it."""

import json
import sys

import pandas
import pyarrow.parquet as parquet

frame = pandas.read_parquet(sys.argv[1])
file = parquet.ParquetFile(sys.argv[1])
nulls = {field.name: file.read().column(field.name).null_count for field in file.schema_arrow}
json.dump(
    {
        "rows": len(frame),
        "types": {field.name: str(field.type) for field in file.schema_arrow},
        "nulls": nulls,
        "groups": file.num_row_groups,
        "values": {name: [repr(value) for value in file.read().column(name).to_pylist()[:50]] for name in frame.columns},
        "mean_by_method": {
            name: repr(value)
            for name, value in (
                frame.groupby("model_type")["test_accuracy"].mean().items() if "test_accuracy" in frame else []
            )
        },
    },
    sys.stdout,
)
