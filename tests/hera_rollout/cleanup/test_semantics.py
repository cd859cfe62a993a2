"""Whatever the program: cleaned, it computes what the original did with the flag on."""

import os
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hera_rollout.cleanup.codemod import clean
from hera_rollout.cleanup.subject import Subject

pytestmark = pytest.mark.slow

SUBJECT = Subject("USE_HERA_SDK")
HEADERS = (
    "FLAG = os.getenv('USE_HERA_SDK', 'false').lower() == 'true'\ndef on():\n    return FLAG\n",
    "def on():\n    if os.environ.get('USE_HERA_SDK') in ('true', '1'):\n        return True\n    return False\nFLAG = on()\n",  # noqa: E501
    "class Config:\n    use_hera_sdk = os.environ['USE_HERA_SDK'] == 'true'\nFLAG = Config.use_hera_sdk\ndef on():\n    return FLAG\n",  # noqa: E501
)
ATOMS = ("FLAG", "on()", "os.getenv('USE_HERA_SDK') == 'true'", "a", "b", "call(a)", "call(0)", "a > b", "True", "''")

expressions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"(not {one})"),
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda three: f"({' '.join(three)})"),
        st.tuples(inner, inner, inner).map(lambda three: f"({three[0]} if {three[1]} else {three[2]})"),
        inner.map(lambda one: f"[n for n in (1, 2) if {one}]"),
        inner.map(lambda one: f"call({one})"),
    ),
    max_leaves=6,
)


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def branch(parts: tuple[str, list[str], str, list[str], list[str], int]) -> list[str]:
    test, body, second, middle, last, form = parts
    found = [f"if {test}:", *indented(body)]
    if form > 0:
        found += [f"elif {second}:", *indented(middle)]
    return [*found, "else:", *indented(last)] if form > 1 else found


simple = st.one_of(
    expressions.map(lambda one: [f"trace.append({one})"]),
    expressions.map(lambda one: [f"a = {one}"]),
    expressions.map(lambda one: [f"return {one}"]),
    expressions.map(lambda one: [f"local = {one}", "trace.append(local)", "del local"]),
)
statements = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: two[0] + two[1]),
        st.tuples(expressions, inner, expressions, inner, inner, st.integers(0, 2)).map(branch),
        inner.map(lambda body: ["for step in (1, 2):", *indented(body)]),
        st.tuples(expressions, inner).map(
            lambda two: ["for step in (1, 2):", f"    if {two[0]}:", "        continue", *indented(two[1])]
        ),
        st.tuples(expressions, inner).map(lambda two: [f"while {two[0]}:", *indented(two[1]), "    break"]),
        st.tuples(inner, inner).map(
            lambda two: ["try:", *indented(two[0]), "finally:", *indented(["trace.append('end')"]), *two[1]]
        ),
    ),
    max_leaves=8,
)


def outcome(source: str, a: int, b: int) -> object:
    """What the program answers and what it does on the way, or the error it ends in."""
    trace: list[object] = []

    def call(value: object) -> object:
        trace.append(("call", value))
        return value

    names = {"__builtins__": {"__build_class__": __build_class__, "__name__": "m"}}
    names |= {"os": os, "trace": trace, "call": call, "__name__": "m"}
    try:
        exec(source, names)
        answer = names["program"](a, b)
    except Exception as error:
        answer = type(error).__name__
    return answer, trace


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(HEADERS), statements, st.integers(0, 2), st.integers(0, 2))
def test_the_cleaned_program_computes_what_the_original_did_with_the_flag_on(
    header: str, body: list[str], a: int, b: int
) -> None:
    # Something refers to it: a function that says nothing but the flag and that nobody refers to goes with the flag.
    source = "\n".join([header + "def program(a, b):", *indented(body), "    return a, b", "", "ENTRY = program", ""])
    cleaned = clean({"m.py": source}, SUBJECT)
    with patch.dict(os.environ, {"USE_HERA_SDK": "true"}):
        before, after = outcome(source, a, b), outcome(cleaned.texts["m.py"], a, b)
    assert before == after, cleaned.texts["m.py"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(HEADERS), statements)
def test_where_nothing_is_reported_left_the_flag_is_gone(header: str, body: list[str]) -> None:
    source = "\n".join([header + "def program(a, b):", *indented(body), "    return a, b", ""])
    cleaned = clean({"m.py": source}, SUBJECT)
    assert ("USE_HERA_SDK" in cleaned.texts["m.py"]) == any("USE_HERA_SDK" in place.text for place in cleaned.left)
