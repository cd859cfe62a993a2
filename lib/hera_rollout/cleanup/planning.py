"""The plan: everything that would change, as data. Nothing is written here."""

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hera_rollout.cleanup.codemod import Cleaned, clean
from hera_rollout.cleanup.dependencies import imports, without_unused
from hera_rollout.cleanup.mending import mend
from hera_rollout.cleanup.mends import mended
from hera_rollout.cleanup.reachability import sweep
from hera_rollout.cleanup.remaining import Remains, words_in
from hera_rollout.cleanup.subject import Place, Subject
from hera_rollout.cleanup.tree import Limits, contents, decoded, is_git, listed
from hera_rollout.cleanup.variables import clean_file, why_counted, why_kept, why_read
from hera_rollout.errors import Refused

REQUIREMENTS = re.compile(r"(^|/)(pyproject\.toml|requirements[^/]*\.(txt|in))$")
DATA = frozenset({".yaml", ".yml", ".json", ".j2", ".jinja2", ".tmpl", ".tpl"})


@dataclass(frozen=True)
class Edit:
    """One file before and after; None after: the file goes."""

    file: str
    before: str
    after: str | None

    def diff(self) -> str:
        """The change as a unified diff."""
        after = "" if self.after is None else self.after
        to = "/dev/null" if self.after is None else f"b/{self.file}"
        old, new = self.before.splitlines(keepends=True), after.splitlines(keepends=True)
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(old, new, f"a/{self.file}", to)
        )


@dataclass(frozen=True)
class CleanupPlan:
    """What a cleanup would do to a repository.

    Args:
        repository: The service's repository, or a folder in it.
        subject: The flag.
        edits: Every file that changes or goes.
        places: Every place that was dealt with.
        left: Every place that is left to a person, with why: it names the flag, may read it, or reaches the old path.
        allowed: Patterns of files that may go on naming the flag, each with its reason.
    """

    repository: Path
    subject: Subject
    edits: tuple[Edit, ...]
    places: tuple[Place, ...]
    left: tuple[Place, ...]
    allowed: Mapping[str, str] = field(default_factory=dict)

    def diff(self) -> str:
        """The whole change as a unified diff."""
        return "".join(edit.diff() for edit in self.edits)

    @property
    def digest(self) -> str:
        """Names exactly this change: an approval is for it and no other."""
        return hashlib.sha256(self.diff().encode()).hexdigest()[:16]

    @property
    def removals(self) -> tuple[str, ...]:
        """Files that go."""
        return tuple(edit.file for edit in self.edits if edit.after is None)

    @property
    def open_places(self) -> tuple[Place, ...]:
        """Places left that the allow list does not cover, the code's first: what is beside it may stay for its sake."""
        places = (place for place in self.left if self.reason(place) is None)
        return tuple(sorted(places, key=lambda place: not place.file.endswith(".py")))

    def reason(self, place: Place) -> str | None:
        """Why the allow list lets a place be."""
        path = PurePosixPath(place.file)
        return next((why for pattern, why in self.allowed.items() if path.match(pattern)), None)


def plan(
    repository: Path,
    flag: str,
    value: bool = True,
    *,
    required: Sequence[str] = ("hera",),
    facts: Mapping[str, bool] | None = None,
    allowed: Mapping[str, str] | None = None,
    templates: bool = False,
    mends: str = "",
    limits: Limits | None = None,
) -> CleanupPlan:
    """What it takes to remove a flag from a service's repository.

    Args:
        repository: A git repository, or a folder in one.
        flag: The environment variable.
        value: What the flag is left at.
        required: Packages that are a plain requirement afterwards.
        facts: Expressions whose outcome the team vouches for.
        allowed: Patterns of files that may go on naming the flag, each with its reason.
        templates: Remove template files that only the removed code named.
        mends: A unified diff of what a person mends in Python files where the codemod cannot follow; it comes first.
        limits: How large the tree may be.

    Raises:
        Missing: there is no such folder.
        Refused: no git repository, a file that cannot be read, not UTF-8 or not valid: nothing was changed.
    """
    if repository.is_dir() and not is_git(repository):
        raise Refused(f"{repository} is not in a git repository; nothing was changed.", todo="git init, commit, again.")
    subject = Subject(flag, value, tuple(required), dict(facts or {}))
    allow = dict(allowed or {})
    return _Planner(repository, subject, allowed=allow, templates=templates, mends=mends, limits=limits).plan()


class _Planner:
    def __init__(
        self,
        repository: Path,
        subject: Subject,
        *,
        allowed: dict[str, str],
        templates: bool,
        mends: str,
        limits: Limits | None,
    ) -> None:
        self.repository = repository
        self.subject = subject
        self.allowed = allowed
        self.templates = templates
        self.mends = mends
        self.raw = dict(contents(repository, listed(repository, limits), limits))
        self.before: dict[str, str] = {}
        self.after: dict[str, str | None] = {}
        self.places: list[Place] = []
        self.left: list[Place] = []
        self.kept = ""

    def plan(self) -> CleanupPlan:
        self._python()
        self._others()
        if self.templates:
            self._templates()
        self._dependencies()
        edits = [
            Edit(name, self.before[name], after)
            for name, after in sorted(self.after.items())
            if after != self.before[name]
        ]
        places, left = tuple(sorted(set(self.places))), tuple(sorted(set(self.left)))
        return CleanupPlan(self.repository, self.subject, tuple(edits), places, left, self.allowed)

    def _text(self, name: str) -> str:
        self.before.setdefault(name, decoded(name, self.raw[name]))
        return self.before[name]

    def _python(self) -> None:
        names = [name for name in self.raw if name.endswith(".py")]
        texts = {name: self._text(name) for name in names}
        start = mended(texts, self.mends) if self.mends else texts
        self.places += [
            Place(name, 1, "mended by a person", "folded" if name in start else "removed", name, "the plan's patch")
            for name in names if start.get(name) != texts[name]
        ]  # fmt: skip
        named = words_in(self.raw)
        cleaned = clean(start, self.subject, named)
        if cleaned.texts == texts:
            self._keep(cleaned, texts)
            self._remain(Remains(texts, texts, texts, []))
            return
        swept = sweep(texts, cleaned.texts, named)
        final = {
            name: mend(name, texts[name], text, self.repository) if text != texts[name] else text
            for name, text in swept.texts.items()
        }
        again = sweep(texts, final, named)  # imports that went may have been the last
        final = {
            name: mend(name, texts[name], text, self.repository) if text != final[name] else text
            for name, text in again.texts.items()
        }
        self.places += [*swept.places, *again.places]
        self._keep(cleaned, final)
        off = clean(start, self.subject.turned, named).texts
        self._remain(Remains(texts, final, off, again.left))
        for name in names:
            if final.get(name) != texts[name]:
                self.after[name] = final.get(name)

    def _keep(self, cleaned: Cleaned, final: Mapping[str, str]) -> None:
        self.places += [place for place in cleaned.places if place.action != "by hand" or place.file in final]
        self.left += [place for place in cleaned.left if place.file in final]
        gone = sorted(cleaned.removed)
        self.places += [Place(name, 1, "test module", "removed", name, "tests the side that goes") for name in gone]

    def _remain(self, remains: Remains) -> None:
        named = any(self.subject.flag.encode() in data for data in self.raw.values())
        self.left += remains.places(self.subject, self.left) if named else []
        self.kept = why_kept(self.places, self.left, remains.before, remains.after, self.subject)

    def _others(self) -> None:
        sign = self.subject.flag.encode()
        names = [name for name, data in self.raw.items()
                 if not name.endswith(".py") and sign in data and b"\0" not in data[:1024]]  # fmt: skip
        kept = self.kept or why_read({name: self._text(name) for name in names}, self.subject)
        kept = kept or why_counted(self.raw, self.subject)
        for name in names:
            after, places, left = clean_file(name, self._text(name), self.subject, kept)
            self.places += places
            self.left += left
            self.after[name] = after

    def _templates(self) -> None:
        """Data files that only removed code named."""
        old = "\n".join(text for name, text in self.before.items() if name.endswith(".py"))
        now = "\n".join(self.after.get(name, text) or "" for name, text in self.before.items() if name.endswith(".py"))
        for name in self.raw:
            path = PurePosixPath(name)
            word = re.compile(rf"(?<![\w.-]){re.escape(path.name)}(?![\w-])")
            if path.suffix in DATA and word.search(old) and not word.search(now):
                self._text(name)
                self.after[name] = None
                self.left = [place for place in self.left if place.file != name]
                self.places.append(Place(name, 1, "template", "removed", name, "only removed code named it"))

    def _dependencies(self) -> None:
        python = {name: text for name, text in self.before.items() if name.endswith(".py")}
        old = imports(python.values())
        still = imports(text for name in python if (text := self.after.get(name, python[name])) is not None)
        lost = old - still
        for name in self.raw if lost else ():
            if REQUIREMENTS.search(name):
                text = self.after.get(name) or self._text(name)
                self.after[name], places = without_unused(name, text, lost, still)
                self.places += places
