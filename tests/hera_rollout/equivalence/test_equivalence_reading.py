"""Manifests are read as the API reads them, not as Python would."""

import pytest

from hera_rollout.equivalence import documents
from hera_rollout.errors import Refused


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True),
        ("Off", False),
        ("2026-01-01", "2026-01-01"),
        ("12:30:45", "12:30:45"),
        ("017", 15),
        ("0o17", 15),
        ("08", 8.0),
        ("0x1f", 31),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("~", None),
        ("1.2.3", "1.2.3"),
        ("'1'", "1"),
    ],
)
def test_scalars(text, value):
    found = documents(f"a: {text}", "here")[0]["a"]
    assert (type(found), found) == (type(value), value)


def test_json_several_documents_and_empty_ones():
    assert documents('{"a": 1.0}', "here") == [{"a": 1.0}]
    assert documents("a: 1\n---\n---\nb: 2\n", "here") == [{"a": 1}, {"b": 2}]
    assert documents("", "here") == []


def test_anchors_and_merge_keys():
    assert documents("x: &x {a: 1, b: 2}\nz: {<<: *x, b: 3}", "here")[0]["z"] == {"a": 1, "b": 3}


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: [1", "a: &a [*a]", BOMB, "!!python/object:os.system {}"])
def test_what_cannot_be_read_is_refused_with_the_place(text):
    with pytest.raises(Refused, match=r"here cannot be read: "):
        documents(text, "here")
