"""Secrets that are seeded in every place they are known to turn up leave the text; everything else stays."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hera_rollout.redaction import MASK, Redactor

TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"curl -H 'Authorization: Bearer {TOKEN}'", TOKEN),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("postgresql://backend:hunter2hunter2@10.0.0.1/backend", "hunter2hunter2"),
        (f"key:\n{KEY}\nend", "MIIEpAIBAAKCAQEA7"),
        (json.dumps({"key": KEY}), "MIIEpAIBAAKCAQEA7"),
        ("client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt"),
        ("notify slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops", "TIiajkdnlazkcOXrIdevi7FQ"),
        ('{"token": "s3cr3t-s3cr3t"}', "s3cr3t-s3cr3t"),
        ("PGPASSWORD=hunter2hunter2 psql", "hunter2hunter2"),
        ("ARGO_TOKEN='abcdefghijkl'", "abcdefghijkl"),
    ],
)
def test_secrets_by_their_shape(text: str, secret: str) -> None:
    redacted = Redactor().text(text)
    assert secret not in redacted
    assert MASK in redacted


@pytest.mark.parametrize(
    "text",
    [
        "python-job-3f2a1b-1-1 Succeeded in 4.2 s",
        "http://127.0.0.1:8000/api/v1/tasks/task-0123456789ab",
        "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "Run again with dry_run=False (papermill: -p dry_run False).",
        "tokens: 3",
        "image: rollout-lab/backend:lab",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_known_values_go_also_as_base64_and_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "correct horse battery")
    redactor = Redactor(["swordfish-swordfish"])
    coded = base64.b64encode(b"swordfish-swordfish").decode()
    text = redactor.text(f"a correct horse battery b swordfish-swordfish c {coded}")
    assert text == f"a {MASK} b {MASK} c {MASK}"


def test_the_addresses_of_notices_are_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERA_ROLLOUT_NOTICES", "zulip://bot@org/abcdefgh")
    assert Redactor().text("to zulip://bot@org/abcdefgh") == f"to {MASK}"


def test_data_is_masked_in_values_keys_and_under_names_that_say_so() -> None:
    data = {"token": "short", "list": [{"x": f"Bearer {TOKEN}"}], f"postgresql://u:{'p' * 9}@h": 1, "n": 3}
    redacted = Redactor().data(data)
    assert redacted == {
        "token": MASK, "list": [{"x": f"Bearer {MASK}"}], f"postgresql://{MASK}@h": 1, "n": 3,
    }  # fmt: skip


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    redactor = Redactor()
    assert redactor.text(redactor.text(text)) == redactor.text(text)
