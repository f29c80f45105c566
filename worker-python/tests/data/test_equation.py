"""Values of expressions, against values worked out as fractions by hand and while the text is made."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from dss_worker.data.equation import (
    MAX_DEPTH,
    MAX_LENGTH,
    ExpressionPrefix,
    can_become_expression,
    equal_values,
    equation_value,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("( 8.0 - 3.0 )", 5.0),
        ("(10 - (3 + 6))", 1.0),
        ("2 + 3 * 4", 14.0),
        ("(2 + 3) * 4", 20.0),
        ("8 - 3 - 2", 3.0),
        ("16 / 4 / 2", 2.0),
        ("16 / (4 / 2)", 8.0),
        ("1/3", float(Fraction(1, 3))),
        ("-3 + 5", 2.0),
        ("2 * -3", -6.0),
        ("--+-4", -4.0),
        ("-+4", -4.0),
        ("--4", 4.0),
        ("5 - -3", 8.0),
        ("-(1 + 2)", -3.0),
        (".5 + 5.", 5.5),
        ("007", 7.0),
        ("\t1\n+ 1 ", 2.0),
        ("0.1 + 0.2", 0.30000000000000004),
    ],
)
def test_an_expression_has_the_value_that_arithmetic_gives_it(text: str, value: float) -> None:
    assert equation_value(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "()",
        "1 +",
        "* 2",
        "1 2",
        "1.2.3",
        ".",
        "(1",
        "1)",
        "2 ** 3",
        "7 // 2",
        "7 % 2",
        "(2)(3)",
        "1,000",
        "1e3",
        "1_000",
        "0x10",
        "x",
        "(a) and (b)",
        "__import__('os').system('true')",
        "1 if 2 else 3",
        "True",
        "nan",
        "inf",
        "٣",
        "1\u00a0+ 1",
        "1 / 0",
        "1 / (2 - 2)",
        "9" * 400,
        "-" + "9" * 400 + " / 2",
        "1 / " + "9" * 400,
    ],
)
def test_anything_else_has_no_value_and_does_not_even_equal_itself(text: str) -> None:
    assert equation_value(text) is None
    assert not equal_values(text, text)


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ("( 10.0 * 45.0 )", "(10 * 45)", True),
        ("( 6.0 + 3.0 )", "(3 + 6)", True),
        ("( 8.0 - 3.0 )", "(3 - 8)", False),
        ("0.1 + 0.2", "0.3", False),  # doubles, exactly
        ("-0", "0", True),
        ("1", "1 +", False),
        ("1 +", "1", False),
    ],
)
def test_expressions_are_equal_if_their_doubles_are(a: str, b: str, equal: bool) -> None:
    assert equal_values(a, b) is equal


def test_length_and_depth_have_limits_and_the_limits_themselves_are_allowed() -> None:
    assert equation_value("1" + "+1" * ((MAX_LENGTH - 1) // 2)) == (MAX_LENGTH + 1) // 2
    assert equation_value("1 " + "+1" * (MAX_LENGTH // 2)) is None
    assert equation_value("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH) == 1.0
    assert equation_value("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1)) is None
    assert equation_value("-" * (MAX_LENGTH - 1) + "1") == -1.0


def made_expression(draw: random.Random, depth: int) -> tuple[str, Fraction]:
    """A text and its value, worked out side by side: halves and products of small numbers are exact as doubles."""
    if depth == 0 or draw.random() < 0.2:
        number = draw.randrange(0, 33)
        return draw.choice([(str(number), Fraction(number)), (f"{number}.5", Fraction(2 * number + 1, 2))])
    (left, a), (right, b) = made_expression(draw, depth - 1), made_expression(draw, depth - 1)
    space = draw.choice(["", " "])
    operator = draw.choice("+-*")
    value = a + b if operator == "+" else a - b if operator == "-" else a * b
    sign = draw.choice(["", "-", "+"])
    return f"{sign}({left}{space}{operator}{space}{right})", -value if sign == "-" else value


@pytest.mark.parametrize("seed", range(200))
def test_made_expressions_have_the_value_they_were_made_with(seed: int) -> None:
    text, value = made_expression(random.Random(seed), depth=3)
    assert equation_value(text) == float(value)


def flat_expression(draw: random.Random) -> tuple[str, Fraction]:
    """A sum of products without parentheses; the value follows the order of operations, not the parser's."""
    text, total = "0", Fraction(0)
    for _ in range(draw.randrange(1, 6)):
        sign = draw.choice("+-")
        factors = [draw.randrange(1, 9) for _ in range(draw.randrange(1, 4))]
        operators = [draw.choice("*/") for _ in factors[1:]]
        term = Fraction(factors[0])
        text += f" {sign} {factors[0]}"
        for operator, factor in zip(operators, factors[1:], strict=True):
            term = term * factor if operator == "*" else term / factor
            text += f" {operator} {factor}"
        total += term if sign == "+" else -term
    return text, total


@pytest.mark.parametrize("seed", range(200))
def test_products_come_before_sums_and_equals_are_taken_from_the_left(seed: int) -> None:
    text, value = flat_expression(random.Random(seed))
    assert equation_value(text) == pytest.approx(float(value), abs=1e-9)


@pytest.mark.parametrize(
    "prefix",
    ["", " ", "\n(", "( 8", "( 8.", "( 8.0 -", "--", "2 * -", "(((", ".", "1 /", "1 / 0", "(1) "],
)
def test_a_text_can_become_an_expression_while_only_its_end_is_missing(prefix: str) -> None:
    assert can_become_expression(prefix)


@pytest.mark.parametrize(
    "prefix",
    [
        *("x", "1 2", "1.2.", "..", ". 5", ".(", "()", ")", "1)", "(1))", "* 2", "(*", "1 */", "(2)(", "2(", "(2)3"),
        *("1,", "1e", "\u0663", "1\u00a0", "\v1"),
    ],
)
def test_a_text_that_no_expression_begins_with_cannot(prefix: str) -> None:
    assert not can_become_expression(prefix)


def test_a_prefix_leaves_room_for_what_it_still_needs() -> None:
    assert can_become_expression("(" * MAX_DEPTH)
    assert not can_become_expression("(" * (MAX_DEPTH + 1))
    assert can_become_expression("-" * (MAX_LENGTH - 1))
    assert not can_become_expression("-" * MAX_LENGTH)
    assert can_become_expression("((" + "1" * (MAX_LENGTH - 4))
    assert not can_become_expression("((" + "1" * (MAX_LENGTH - 3))


def completed(prefix: str) -> str | None:
    """An expression that begins like this, if there is one: what is missing, added in the shortest way."""
    closing = ")" * max(0, prefix.count("(") - prefix.count(")"))
    texts = (prefix + closing, prefix + "1" + closing)
    return next((text for text in texts if equation_value(text.replace("/", "*")) is not None), None)


@pytest.mark.parametrize("seed", range(20))
def test_prefixes_are_those_of_the_texts_that_the_parser_reads(seed: int) -> None:
    """Random texts, mostly near the grammar, cut anywhere: judged a character at a time, and by completing them."""
    draw = random.Random(seed)
    for _ in range(500):
        text = made_expression(draw, depth=2)[0]
        for _ in range(draw.randrange(3)):
            place = draw.randrange(len(text) + 1)
            text = text[:place] + draw.choice(["", *"0.1+-*/() \n", "x"]) + text[place + draw.randrange(2) :]
        prefix = text[: draw.randrange(len(text) + 1)]
        assert can_become_expression(prefix) == (completed(prefix) is not None), prefix
        cut = draw.randrange(len(prefix) + 1)
        begun = ExpressionPrefix().extend(prefix[:cut])
        assert (begun and begun.extend(prefix[cut:])) == ExpressionPrefix().extend(prefix), prefix
