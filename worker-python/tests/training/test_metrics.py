from __future__ import annotations

import pytest

from dss_worker.training.metrics import answer_of, is_right, pack_bits, split_answer


@pytest.mark.parametrize(
    ("prediction", "target", "right"),
    [("gravity", "gravity", True), ("gravity ", "gravity", False), ("Gravity", "gravity", False), ("", "", True)],
)
def test_texts_are_right_when_equal(prediction: str, target: str, right: bool) -> None:
    assert is_right(prediction, target, metric="text") is right


@pytest.mark.parametrize(
    ("prediction", "target", "right"),
    [
        ("( 8.0 - 3.0 )", "( 8.0 - 3.0 )", True),
        ("5", "( 8.0 - 3.0 )", True),
        ("( 3.0 - 8.0 )", "( 8.0 - 3.0 )", False),
        ("gravity", "gravity", False),
        ("( 1.0 / 0.0 )", "( 1.0 / 0.0 )", False),
    ],
)
def test_equations_are_right_when_their_values_are_equal(prediction: str, target: str, right: bool) -> None:
    assert is_right(prediction, target, metric="equation") is right


def test_no_prediction_is_never_right() -> None:
    assert not is_right(None, "", metric="text")
    assert not is_right(None, "1", metric="equation")


@pytest.mark.parametrize(
    ("text", "rationale", "answer"),
    [
        ("Water is wet. So the answer is river bank", "Water is wet.", "river bank"),
        ("So the answer is zoo", "", "zoo"),
        ("a So the answer is b So the answer is  c ", "a So the answer is b", "c"),
        ("a So the answer is", "a", ""),
        ("a So the answer isn't b", "a So the answer isn't b", None),
        ("so the answer is b", "so the answer is b", None),
        ("", "", None),
    ],
)
def test_an_answer_is_what_follows_the_last_marker(text: str, rationale: str, answer: str | None) -> None:
    assert split_answer(text) == (rationale, answer)
    assert answer_of(text) == answer


@pytest.mark.parametrize(
    ("correct", "packed"),
    [
        ([], b""),
        ([True], b"\x01"),
        ([False, True, False, False, False, False, False, True], b"\x82"),
        ([True] * 8 + [False, False, True], b"\xff\x04"),
    ],
)
def test_row_i_is_bit_i_of_its_byte_from_the_least_significant(correct: list[bool], packed: bytes) -> None:
    assert pack_bits(correct) == packed
