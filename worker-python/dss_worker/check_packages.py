"""Says whether this interpreter has the packages that training needs: `python -m dss_worker.check_packages [NAME…]`.

Asked by the set-up of an interpreter that a person chose, so it imports none of them: torch alone would take
seconds. Only lower bounds count; a newer version than the locked one is its owner's choice.
"""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_MANIFEST = Path(__file__).parent.parent / "pyproject.toml"
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*(?:(?:>=|==)\s*(?P<oldest>[0-9.]+))?")


def complaints(extra: list[str]) -> list[str]:
    """What is missing or too old, a line each; `extra` names optional requirements to look for as well."""
    project = tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["project"]
    optional = [each for group in project["optional-dependencies"].values() for each in group]
    wanted = [*project["dependencies"], *(each for each in optional if _parse(each)[0] in extra)]
    return [found for each in wanted if (found := complaint(each)) is not None]


def complaint(requirement: str) -> str | None:
    """What is wrong with the installed version of one requirement, or None."""
    name, oldest = _parse(requirement)
    try:
        present = version(name)
    except PackageNotFoundError:
        return f"{name} is missing" + (f" ({oldest} or newer)" if oldest else "")
    if oldest is not None and _numbers(present) < _numbers(oldest):
        return f"{name} {present} is too old: {oldest} or newer is needed"
    return None


def _parse(requirement: str) -> tuple[str, str | None]:
    match = _REQUIREMENT.match(requirement)
    if match is None:
        raise ValueError(f"{_MANIFEST}: cannot read the requirement {requirement!r}")
    return match["name"], match["oldest"]


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: 2.15.0+cu130 gives (2, 15, 0)."""
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    numbers = tuple(int(part) for part in match[0].split(".")) if match else ()
    return numbers + (0,) * (4 - len(numbers))


if __name__ == "__main__":
    problems = complaints(sys.argv[1:])
    print("\n".join(problems))
    sys.exit(1 if problems else 0)
