"""A small T5 tokenizer of the real kind: sentencepiece, so that words and numbers come in several pieces."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from dss_worker.data.encode import EncodedTask
from dss_worker.data.tokens import tokenize

PIECES = 80
EXTRA_IDS = 8
WORDS = (
    "a river bank the bank of a river zoo body of water wooded area pay debts british columbia grocery store fish "
    "market doctor doctors office living room book shelf winter summer cold weather hot sun in on at under over"
).split()
PHRASES = [
    *("river bank", "body of water", "zoo", "wooded area", "pay debts", "grocery store", "fish market", "doctor"),
    *("doctors office", "living room", "book shelf", "winter", "summer", "cold weather", "hot sun", "under the sun"),
]
MARKED = "So the answer is"


def spiece_tokenizer(
    directory: Path, *, lines: Sequence[str] | None = None, size: int = PIECES
) -> PreTrainedTokenizerBase:
    """Of words, equations and phrases, or of other lines; it knows what is in them and no more."""
    draw = random.Random(0)
    if lines is None:
        lines = [" ".join(draw.choices(WORDS, k=6)) for _ in range(300)] + [equation(draw) for _ in range(300)]
        lines = [*lines, *(f"{phrase} . {MARKED} {phrase}" for phrase in PHRASES * 5)]
    pieces = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=pieces, model_type="unigram", vocab_size=size, pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, num_threads=1, minloglevel=2, shuffle_input_sentence=False,
    )  # fmt: skip
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "spiece.model").write_bytes(pieces.getvalue())
    described = {"tokenizer_class": "T5Tokenizer", "extra_ids": EXTRA_IDS, "model_max_length": 512}
    (directory / "tokenizer_config.json").write_text(json.dumps(described))
    tokenizer = AutoTokenizer.from_pretrained(str(directory))
    assert isinstance(tokenizer, PreTrainedTokenizerBase)
    return tokenizer


def equation(draw: random.Random) -> str:
    a, b = (f"{draw.randrange(9)}.0" for _ in range(2))
    return f"( {a} {draw.choice('+-/')} {b} )"


def equations(rows: int, tokenizer: PreTrainedTokenizerBase, *, seed: int) -> EncodedTask:
    """`a plus b` to `( a + b )` and the like, with more or less around it; some labels have no value."""
    draw = random.Random(seed)
    names = {"+": "plus", "-": "less", "/": "by"}
    inputs, labels = [], []
    for _ in range(rows):
        label = equation(draw)
        a, operator, b = label.split()[1:4]
        inputs.append(f"{'over ' * draw.randrange(9)}{a} {names[operator]} {b}")
        labels.append(label)
    return EncodedTask(tokenize(inputs, tokenizer), tokenize(labels, tokenizer))


def phrases(rows: int, tokenizer: PreTrainedTokenizerBase, *, seed: int, noise: float = 0.3) -> EncodedTask:
    """A number to its phrase, with more or less around it; some rows have another's."""
    draw = random.Random(seed)
    numbers = [draw.randrange(len(PHRASES)) for _ in range(rows)]
    inputs = [f"{'under ' * draw.randrange(9)}{number} . {draw.randrange(40)}" for number in numbers]
    labels = [draw.choice(PHRASES) if draw.random() < noise else PHRASES[number] for number in numbers]
    return EncodedTask(tokenize(inputs, tokenizer), tokenize(labels, tokenizer))
