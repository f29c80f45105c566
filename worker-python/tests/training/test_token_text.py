"""Texts watched token by token, against the tokenizer's decoding of the whole."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from dss_worker.config import Metric
from dss_worker.data.equation import can_become_expression
from dss_worker.training.metrics import Hope, is_right
from dss_worker.training.token_text import TokenText
from tests.training.plain import decoded
from tests.training.spiece import EXTRA_IDS, PHRASES, PIECES, equation, spiece_tokenizer
from tests.training.support import VOCABULARY, write_tokenizer


@pytest.fixture(scope="module", params=["sentencepiece", "words"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    directory = tmp_path_factory.mktemp("tokenizer")
    if request.param == "sentencepiece":
        return spiece_tokenizer(directory)
    write_tokenizer(directory)
    loaded = PreTrainedTokenizerFast.from_pretrained(str(directory))
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


def size(tokenizer: PreTrainedTokenizerBase) -> int:
    """A few more than it has: a model's vocabulary is larger than its tokenizer's."""
    return len(tokenizer) + 5


def random_tokens(draw: random.Random, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    ids = [*range(3), *range(size(tokenizer) - 20, size(tokenizer))]
    return [draw.choice([draw.randrange(size(tokenizer)), draw.choice(ids)]) for _ in range(draw.randrange(9))]


def spelled(draw: random.Random, text: str, token_text: TokenText, tokens: int) -> list[int]:
    """Some of the many ways to write a text, with tokens in between that are left out of it."""
    ids: list[int] = []
    is_first = True
    while text:
        parts = [(token, token_text.of(token, is_first=is_first)) for token in draw.sample(range(tokens), tokens)]
        token, part = next((t, p) for t, p in parts if p is not None and text.startswith(p) and (p or is_first))
        ids += [*([draw.choice([0, 2, tokens - 1])] * (draw.random() < 0.1)), token]
        text, is_first = text[len(part or "") :], False
    return ids


def test_the_parts_of_tokens_joined_are_the_decoded_text(tokenizer: PreTrainedTokenizerBase) -> None:
    token_text = TokenText.made_for(tokenizer)
    assert token_text is not None
    draw = random.Random(0)
    for _ in range(4000):
        tokens = random_tokens(draw, tokenizer)
        text, is_first = "", True
        for token in tokens:
            part = token_text.of(token, is_first=is_first)
            if part is not None:
                text, is_first = text + part, False
        assert text == decoded(tokens, tokenizer), tokens


@pytest.mark.parametrize("metric", ["text", "equation"])
def test_what_turns_out_right_was_never_given_up(tokenizer: PreTrainedTokenizerBase, metric: Metric) -> None:
    token_text = TokenText.made_for(tokenizer)
    assert token_text is not None
    draw = random.Random(1)
    right = 0
    for _ in range(1500):
        if metric == "equation":
            target, written = draw.choice([("( 2 + 1 )", "3"), ("3", "3"), ("( 6 / 2 )", "( 2 + 1 )"), ("3", "4 - 1")])
        else:
            target = written = draw.choice([*PHRASES, ""]) if len(tokenizer) > len(VOCABULARY) else "3 plus and"
        tokens = spelled(draw, written, token_text, size(tokenizer))
        if draw.random() < 0.3 and tokens:
            tokens[draw.randrange(len(tokens))] = draw.randrange(size(tokenizer))
        max_tokens = len(tokens) + draw.randrange(2) * draw.randrange(9)
        hope = Hope(target, metric=metric, token_text=token_text, max_tokens=max_tokens)
        has_hope = [hope.add(token) for token in tokens]
        if is_right(decoded(tokens, tokenizer), target, metric=metric):
            right += 1
            assert all(has_hope), (target, tokens)
        # Given up means that the text up to there is no beginning of anything right, or that too little is left.
        elif not all(has_hope):
            read = has_hope.index(False) + 1
            begun = decoded(tokens[:read], tokenizer)
            is_closable = begun.count("(") - begun.count(")") <= (max_tokens - read) * token_text.most_closed
            begins = can_become_expression(begun) if metric == "equation" else target.startswith(begun)
            assert not (begins and is_closable), (target, tokens)
    assert right > 500


@pytest.mark.parametrize("metric", ["text", "equation"])
def test_junk_is_given_up_at_its_first_token(tmp_path: Path, metric: Metric) -> None:
    tokenizer = spiece_tokenizer(tmp_path)
    token_text = TokenText.made_for(tokenizer)
    target = "( 8.0 - 3.0 )" if metric == "equation" else "zoo"
    junk = tokenizer("winter cold", add_special_tokens=False)["input_ids"]
    assert not Hope(target, metric=metric, token_text=token_text, max_tokens=40).add(junk[0])
    assert not Hope(target, metric=metric, token_text=token_text, max_tokens=40).add(junk[0])
    special = [0, 2, PIECES + EXTRA_IDS - 1, PIECES + EXTRA_IDS + 3]
    hope = Hope(target, metric=metric, token_text=token_text, max_tokens=40)
    assert all(hope.add(token) for token in special)


def test_more_parentheses_than_can_be_closed_are_given_up(tmp_path: Path) -> None:
    tokenizer = spiece_tokenizer(tmp_path)
    token_text = TokenText.made_for(tokenizer)
    assert token_text is not None
    assert token_text.most_closed == 1
    opening, closing = (tokenizer(text, add_special_tokens=False)["input_ids"][-1] for text in "()")
    hope = Hope("1", metric="equation", token_text=token_text, max_tokens=7)
    assert [hope.add(opening) for _ in range(4)] == [True, True, True, False]
    hope = Hope("1", metric="equation", token_text=token_text, max_tokens=7)
    one = tokenizer("1", add_special_tokens=False)["input_ids"]
    tokens = [opening, opening, *one, closing, closing]
    assert len(tokens) <= 7
    assert all(hope.add(token) for token in tokens)


def test_equations_written_by_a_real_tokenizer_keep_hope(tmp_path: Path) -> None:
    tokenizer = spiece_tokenizer(tmp_path)
    token_text = TokenText.made_for(tokenizer)
    draw = random.Random(2)
    for _ in range(200):
        hope = Hope("1", metric="equation", token_text=token_text, max_tokens=40)
        assert all(hope.add(token) for token in tokenizer(equation(draw))["input_ids"])


@pytest.mark.parametrize("decoder", [decoders.ByteLevel(), decoders.Sequence([decoders.ByteFallback()])])
def test_tokenizers_that_decode_several_tokens_at_once_are_not_watched(decoder: decoders.Decoder) -> None:
    backend = Tokenizer(models.WordLevel({"a": 0, "<unk>": 1}, unk_token="<unk>"))
    backend.decoder = decoder
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend)  # type: ignore[no-untyped-call]
    assert TokenText.made_for(tokenizer) is None
    hope = Hope("a", metric="text", token_text=None, max_tokens=40)
    assert hope.add(1)


def test_a_tokenizer_that_cleans_up_after_decoding_is_not_watched(tmp_path: Path) -> None:
    tokenizer = spiece_tokenizer(tmp_path)
    tokenizer.clean_up_tokenization_spaces = True
    assert TokenText.made_for(tokenizer) is None
