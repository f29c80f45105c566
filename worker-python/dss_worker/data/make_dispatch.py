"""The quickstart's dataset and model directory: a made-up task, made here, seeded, the same bytes every time.

`python -m dss_worker.data.make_dispatch --datasets datasets --models sweeps/models` writes `dispatch/` below the
one and `dispatch-t5/` below the other.

The task is constructed so that a rationale helps: goods go by train or truck, by an exclusive-or of two facts
(food or tools, north or south) that no single word of the question gives away and that the rationale names. It
shows what step-by-step training can do, not how often it does so on data that nobody constructed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dss_worker.data.answer import replace_file

FOOD = (
    "bread cheese apples rice butter olives honey beans flour grapes "
    "lemons onions carrots salmon cherries yogurt plums noodles peppers almonds"
).split()
TOOLS = (
    "hammers drills nails ropes saws pumps wires pipes bolts ladders "
    "shovels hinges valves clamps chisels screws wrenches axles gears magnets"
).split()
NORTH = (
    "Oslo Bergen Tromso Malmo Uppsala Turku Tampere Oulu Umea Lund "
    "Aarhus Odense Riga Tartu Tallinn Vaasa Kiruna Bodo Molde Narvik"
).split()
SOUTH = (
    "Rome Naples Bari Seville Malaga Cadiz Lisbon Porto Faro Athens "
    "Patras Corfu Valencia Murcia Palermo Catania Nice Cannes Toulon Split"
).split()

SIZES = {"train": 800, "valid": 400, "test": 400}
# How often the teacher takes one of the two facts for the other, and goes on consistently from there.
TEACHER_ERROR_RATE = 0.1
SEED = 20231

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
WORD = r"\w+|[^\w\s]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides how goods travel."""

    kind: str
    direction: str

    @property
    def label(self) -> str:
        return "train" if (self.kind == "food") == (self.direction == "north") else "truck"

    @property
    def rationale(self) -> str:
        return f"{self.kind} going {self.direction}."


def mistaken(facts: Facts, draw: random.Random) -> Facts:
    """What a teacher believes who has one of the two facts wrong."""
    if draw.random() < 0.5:
        return Facts(kind="tools" if facts.kind == "food" else "food", direction=facts.direction)
    return Facts(kind=facts.kind, direction="south" if facts.direction == "north" else "north")


def dataset_rows(seed: int = SEED) -> dict[str, list[dict[str, str]]]:
    """Rows per split: every pair of goods and town once, so that test questions are new and their words are not."""
    draw = random.Random(seed)
    pairs = [(goods, town) for goods in FOOD + TOOLS for town in NORTH + SOUTH]
    draw.shuffle(pairs)
    rows = [_row(goods, town, draw) for goods, town in pairs]
    splits, first = {}, 0
    for split, size in SIZES.items():
        splits[split] = rows[first : first + size]
        first += size
    return splits


def _row(goods: str, town: str, draw: random.Random) -> dict[str, str]:
    facts = Facts(kind="food" if goods in FOOD else "tools", direction="north" if town in NORTH else "south")
    believed = mistaken(facts, draw) if draw.random() < TEACHER_ERROR_RATE else facts
    return {
        "input": f"How do we send {goods} to {town}?",
        "label": facts.label,
        "llm_label": believed.label,
        "rationale": believed.rationale,
    }


def dataset_files() -> dict[str, bytes]:
    """File name to content."""
    files = {
        f"{split}.jsonl": "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        for split, rows in dataset_rows().items()
    }
    files["dataset.yaml"] = (
        b"# A constructed task; `llm_label` and `rationale` are a made-up teacher's. See datasets/README.md.\n"
        b"metric: text\n"
        b"fields: { input: input, label: label, llm_label: llm_label, rationale: rationale }\n"
    )
    return files


def vocabulary() -> dict[str, int]:
    """Word to id: the special ones first, then every word of every text in the order of the alphabet."""
    texts = ["predict: explain:"]
    for goods, town in zip(FOOD + TOOLS, NORTH + SOUTH, strict=True):
        row = _row(goods, town, random.Random(0))
        texts += [row["input"], row["label"], row["rationale"]]
    texts += [
        f"{kind} going {direction}. train truck" for kind in ("food", "tools") for direction in ("north", "south")
    ]
    words = sorted({word for text in texts for word in re.findall(WORD, text)})
    return {word: i for i, word in enumerate([PAD, END, UNKNOWN, *words])}


def model_files() -> dict[str, bytes]:
    """File name to content: a T5 so small that it trains from scratch in seconds on one core; no weights."""
    vocab = vocabulary()
    config = {
        "architectures": ["T5ForConditionalGeneration"],
        "model_type": "t5",
        "vocab_size": len(vocab),
        "d_model": 64,
        "d_kv": 16,
        "d_ff": 128,
        "num_heads": 4,
        "num_layers": 1,
        "num_decoder_layers": 1,
        "feed_forward_proj": "gated-gelu",
        "dropout_rate": 0.0,
        "is_encoder_decoder": True,
        "decoder_start_token_id": vocab[PAD],
        "pad_token_id": vocab[PAD],
        "eos_token_id": vocab[END],
    }
    special = [
        {
            "id": vocab[token],
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for token in (PAD, END, UNKNOWN)
    ]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": WORD}, "behavior": "Removed", "invert": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": END, "type_id": 0}}],
            "pair": [
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": END, "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 0}},
                {"SpecialToken": {"id": END, "type_id": 0}},
            ],
            "special_tokens": {END: {"id": END, "ids": [vocab[END]], "tokens": [END]}},
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": UNKNOWN},
    }
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "model_max_length": 512,
    }
    return {
        name: (json.dumps(value, indent=1) + "\n").encode()
        for name, value in (
            ("config.json", config),
            ("tokenizer.json", tokenizer),
            ("tokenizer_config.json", tokenizer_config),
        )
    }


def write_files(folder: Path, files: dict[str, bytes]) -> Iterable[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        replace_file(folder / name, content)
        yield folder / name


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dss_worker.data.make_dispatch", description=__doc__)
    parser.add_argument("--datasets", type=Path, required=True, help="datasets folder; dispatch/ is written below it")
    parser.add_argument("--models", type=Path, required=True, help="models folder; dispatch-t5/ is written below it")
    args = parser.parse_args()
    for path in [
        *write_files(args.datasets / "dispatch", dataset_files()),
        *write_files(args.models / "dispatch-t5", model_files()),
    ]:
        print(path)


if __name__ == "__main__":
    main()
