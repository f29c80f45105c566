"""What the set-up is told about an interpreter that a person chose."""

import re

import pytest

from dss_worker import check_packages


def test_this_interpreter_has_what_training_needs() -> None:
    assert check_packages.complaints([]) == []


@pytest.mark.parametrize(
    ("requirement", "complaint"),
    [
        ("numpy>=2.4,<3", None),
        ("numpy", None),
        ("numpy==1.0", None),  # newer than the locked one is its owner's choice
        ("numpy>=999.1,<1000", r"numpy \d+\.\d+\.\d+ is too old: 999\.1 or newer is needed"),
        ("no-such-package>=1", r"no-such-package is missing \(1 or newer\)"),
        ("no-such-package", "no-such-package is missing"),
    ],
)
def test_a_requirement_is_held_against_what_is_installed(requirement: str, complaint: str | None) -> None:
    found = check_packages.complaint(requirement)
    assert found == complaint if complaint is None else re.fullmatch(complaint, str(found))


def test_a_requirement_that_cannot_be_read_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="cannot read the requirement '@'"):
        check_packages.complaint("@")
