"""Before and after, case by case: the files in cases/ are the codemod's manual."""

import ast
import re
from pathlib import Path

import pytest

from hera_rollout.cleanup.codemod import clean
from hera_rollout.cleanup.mending import mend
from hera_rollout.cleanup.subject import Subject

CASES = Path(__file__).parent / "cases"
SUBJECT = Subject("USE_HERA_SDK")
LEAST = 40


class Case:
    """One case: `### title`, the text before, `--- after`, and where there is more: `--- left`, `--- with FILE`."""

    def __init__(self, group: str, text: str) -> None:
        title, _, rest = text.partition("\n")
        self.name = f"{group}: {title.strip()}"
        self.file = "test_service.py" if "tests" in group else "service.py"
        parts = re.split(r"^--- (.+)\n", rest, flags=re.MULTILINE)
        self.before = parts[0]
        self.parts = dict(zip(parts[1::2], parts[2::2], strict=True))
        self.after = self.parts["after"].strip()
        self.others = {key.removeprefix("with "): text for key, text in self.parts.items() if key.startswith("with ")}
        self.left = dict(line.split(": ", 1) for line in self.parts.get("left", "").split("\n") if line.strip())


def cases() -> list[Case]:
    found = []
    for path in sorted(CASES.glob("*.txt")):
        for text in re.split(r"^### ", path.read_text(), flags=re.MULTILINE)[1:]:
            found.append(Case(path.stem, text))
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    cleaned = clean({case.file: case.before, **case.others}, SUBJECT)
    after = cleaned.texts[case.file]
    after = mend(case.file, case.before, after) if after != case.before else after
    assert after.strip() == case.after
    ast.parse(after)
    left = {str(place.line): place.why for place in cleaned.left if place.file == case.file}
    for place in cleaned.places:
        if place.action == "by hand" and place.file == case.file:
            left[str(place.line)] = place.why
    assert left.keys() == case.left.keys(), left
    assert all(why in left[line] for line, why in case.left.items()), left


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_cleaning_twice_changes_nothing_more(case: Case) -> None:
    cleaned = clean({case.file: case.after + "\n"}, SUBJECT)
    assert cleaned.texts.get(case.file, "") == case.after + "\n"


def test_there_are_enough_cases() -> None:
    assert len(cases()) >= LEAST
