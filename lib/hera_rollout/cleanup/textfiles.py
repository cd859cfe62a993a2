"""The flag in files that are neither Python nor YAML: edited where a line is a plain assignment, else only told."""

import re
from pathlib import PurePosixPath

from hera_rollout.cleanup.subject import Place, Subject

DOCUMENTS = frozenset({".md", ".rst", ".txt", ".adoc", ".html"})
ASSIGNMENT = (
    r"^\s*(?:export\s+|ENV\s+|set\s+|-e\s+)?{flag}\s*[?:]?=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'#;&|\\]*)\s*(?:#.*)?$"
)
DECLARED = r"^\s*(?:export\s+{flag}|ENV\s+{flag}\s+\S+|unset\s+{flag})\s*$"


SUFFIXES = {
    **dict.fromkeys((".py", ".pyi"), "python"),
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
    **dict.fromkeys((".sh", ".bash", ".zsh"), "shell"),
    **dict.fromkeys(DOCUMENTS, "documentation"),
    ".env": "env file",
}
NAMES = {".env": "env file", "Makefile": "makefile", "Dockerfile": "container file", "Containerfile": "container file"}
PROSE = "prose: what it says is for a person to change"
NOT_ENVIRONMENT = "not an entry under env, environment, variables or literals, but a command, an argument or a value"
CI = frozenset({".gitlab-ci.yml", "Jenkinsfile", "azure-pipelines.yml"})


def kind_of(file: str) -> str:
    """What a file is, by its name."""
    path = PurePosixPath(file)
    if ".github" in path.parts or path.name in CI:
        return "ci"
    by_name = next((kind for name, kind in NAMES.items() if path.name.startswith(name)), "")
    if "requirements" in path.name:
        return "requirements"
    return by_name or SUFFIXES.get(path.suffix) or path.suffix.lstrip(".") or "other"


def clean_lines(file: str, text: str, subject: Subject) -> tuple[str, list[Place]]:
    """The text without lines that only set the flag, and what was done; a document loses no line of its prose."""
    kind = kind_of(file)
    wanted = [re.compile(form.format(flag=re.escape(subject.flag))) for form in (ASSIGNMENT, DECLARED)]
    lines = text.splitlines(keepends=True)
    kept: list[str] = []
    places: list[Place] = []
    for number, line in enumerate(lines, start=1):
        continued = number > 1 and lines[number - 2].rstrip("\n").endswith("\\")
        if continued or not any(form.match(line) for form in wanted):
            kept.append(line)
            continue
        while kept and kept[-1].lstrip().startswith("#") and subject.flag in kept[-1] and kind != "documentation":
            kept.pop()
        places.append(Place(file, number, f"assignment ({kind})", "removed", line.strip()))
    return "".join(kept), places


def named_in(file: str, text: str, subject: Subject) -> list[Place]:
    """Lines that still name the flag."""
    kind = kind_of(file)
    wanted = re.compile(rf"(?<![A-Za-z0-9]){re.escape(subject.flag)}(?![A-Za-z0-9])")
    why = f"{kind}: {NOT_ENVIRONMENT if kind in {'yaml', 'ci'} else 'no plain assignment'}"
    why = PROSE if kind == "documentation" else why
    told = f"a comment ({kind}) names it"
    return [
        Place(
            file,
            number,
            f"named ({kind})",
            "by hand",
            line.strip()[:160],
            why if wanted.search(code(line, kind)) else told,
        )
        for number, line in enumerate(text.splitlines(), start=1)
        if wanted.search(line)
    ]


def code(line: str, kind: str) -> str:
    """A line without its comment; a document has none."""
    return line if kind == "documentation" else line.partition("#")[0]
