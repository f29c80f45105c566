"""YAML as the control plane reads it: 1.2's core schema, without repeated keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import yaml  # type: ignore[import-untyped]

from dss_worker.errors import DataError

_MAX_BYTES = 1024 * 1024


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """SafeLoader reads 1.1, where `choices: [yes, no]` are truth values, 12:30 is a number and << merges."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key "{key.value}" is given twice', key.start_mark
                )
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})$"), _first)


def read_yaml(path: Path, shown: str) -> object:
    """The one document of a file.

    Args:
        shown: the file's name in messages.
    Raises: DataError with the line of what is wrong.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"{shown}: expected at most {_MAX_BYTES} bytes, got {path.stat().st_size}")
    try:
        value: object = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DataError(f"{shown}:{line}: expected YAML, got {error.problem}") from error
    # The last three: `!!int ""` and the like, which PyYAML does not expect.
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(f"{shown}: expected YAML, got {' '.join(str(error).split())[:200]}") from error
    if value is None:
        raise DataError(f"{shown}:1: the file is empty")
    return value
