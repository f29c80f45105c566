"""What of a dataset is allowed and seldom meant: rows of the test that are trained on, labels that no row teaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dss_worker.config import Metric
from dss_worker.data.dataset_files import SplitName
from dss_worker.data.equation import equation_value
from dss_worker.data.rows import Row

# Labels are thought to be a closed set where each is there for so many rows on the mean.
_ROWS_PER_LABEL = 5
_SHOWN = 3
_SHOWN_CHARACTERS = 40

Splits = Mapping[SplitName, Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    message: str
    # What follows from it, or what to do.
    hint: str


def notes_on(splits: Splits, metric: Metric) -> Iterator[Note]:
    """
    Args:
        splits: right rows alone; without "valid" where it is drawn from "train".
    """
    for split, rows in splits.items():
        yield from _labels_of(split, rows, metric)
    train = splits.get("train", ())
    yield from _repeated(train)
    for split in ("valid", "test"):
        yield from _trained_on(split, splits.get(split, ()), train)
        if metric == "text":
            yield from _never_taught(split, splits.get(split, ()), train)


def _labels_of(split: SplitName, rows: Sequence[Row], metric: Metric) -> Iterator[Note]:
    blank = sum(not row.label.strip() for row in rows)
    if blank > 0:
        yield Note(message=f"{split}: {_of(blank, rows)} have a blank label", hint="no answer to them is right")
    labels = {row.label for row in rows}
    if len(labels) == 1 and len(rows) > 1:
        (only,) = labels
        hint = "there is nothing to tell apart: is it the right field? `fields:` in dataset.yaml names another"
        yield Note(message=f"{split}: all rows have the label {_shown(only)}", hint=hint)
    if metric == "equation":
        without = [row.label for row in rows if row.label.strip() and equation_value(row.label) is None]
        if without:
            message = f"{split}: {_of(len(without), rows)} have a label without a value, such as {_shown(without[0])}"
            yield Note(message=message, hint="no answer to them is right; `metric: text` compares texts")


def _repeated(train: Sequence[Row]) -> Iterator[Note]:
    labels: dict[tuple[str, ...], set[str]] = {}
    for row in train:
        labels.setdefault(row.inputs, set()).add(row.label)
    repeated = len(train) - len(labels)
    if repeated == 0:
        return
    differing = sum(len(each) > 1 for each in labels.values())
    more = "" if differing == 0 else f"; {differing:,} of these inputs have more than one label"
    hint = "they count more than others, and may be in train and in a valid split that is drawn from it"
    yield Note(message=f"train: {_of(repeated, train)} repeat the inputs of another{more}", hint=hint)


def _trained_on(split: SplitName, rows: Sequence[Row], train: Sequence[Row]) -> Iterator[Note]:
    known = {row.inputs for row in train}
    seen = sum(row.inputs in known for row in rows)
    if seen > 0:
        hint = "accuracy on what was trained on says little of new rows"
        yield Note(message=f"{split}: {_of(seen, rows)} have the inputs of a row of train", hint=hint)


def _never_taught(split: SplitName, rows: Sequence[Row], train: Sequence[Row]) -> Iterator[Note]:
    taught = {row.label for row in train}
    if len(taught) * _ROWS_PER_LABEL > len(train):
        return  # answers in words of their own
    unknown = Counter(row.label for row in rows if row.label not in taught)
    if not unknown:
        return
    alike = {_plain(label): label for label in sorted(taught, reverse=True)}
    said = []
    for label, _ in unknown.most_common(_SHOWN):
        other = alike.get(_plain(label))
        said.append(_shown(label) + ("" if other is None else f" (train has {_shown(other)})"))
    more = "" if len(unknown) <= _SHOWN else f" and {len(unknown) - _SHOWN:,} more"
    message = f"{split}: {_of(unknown.total(), rows)} have a label that no row of train has: {', '.join(said)}{more}"
    yield Note(message=message, hint="a model hardly answers what it was never taught; labels are compared exactly")


def _plain(label: str) -> str:
    return " ".join(label.split()).casefold()


def _of(count: int, rows: Sequence[Row]) -> str:
    return f"{count:,} of {len(rows):,} rows"


def _shown(label: str) -> str:
    return repr(label if len(label) <= _SHOWN_CHARACTERS else f"{label[:_SHOWN_CHARACTERS]}…")
