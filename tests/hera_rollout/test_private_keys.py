"""A private key is in no file of a record, however it was shown and whatever splits its lines; a certificate stays."""

import base64
import html
import json
from pathlib import Path
from random import Random
from urllib.parse import quote, quote_plus

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from hera_rollout import records
from hera_rollout.records.redacting import redacted
from hera_rollout.redaction import MASK, Redactor

KINDS = ("RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PRIVATE KEY",
         "PGP PRIVATE KEY BLOCK")  # fmt: skip


def body(seed: str) -> list[str]:
    """Lines as of a key, the last one short; no real key's."""
    text = base64.b64encode(Random(seed).randbytes(48 * 6 + 10)).decode()
    return [text[at : at + 64] for at in range(0, len(text), 64)]


def pem(kind: str) -> str:
    head = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n" if kind == KINDS[0] else ""
    return f"-----BEGIN {kind}-----\n{head}" + "\n".join(body(kind)) + f"\n-----END {kind}-----\n"


def left(text: str, kind: str) -> list[str]:
    return [line for line in body(kind) if line in text]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "form",
    [
        lambda key: f"before\n{key}after",
        lambda key: json.dumps({"a": key, "b": "after"}),
        lambda key: json.dumps(json.dumps([key, "after"])),
        lambda key: f"<pre>{html.escape(key).replace(chr(10), '<br>')}</pre> after",
        lambda key: repr(key.splitlines()) + " after",
        lambda key: "".join(f"<tr><td>{line}</td></tr>" for line in key.splitlines()) + " after",
        lambda key: "".join(f"10:00:01 app | {line}\n" for line in key.splitlines()) + "after",
    ],
)
def test_a_key_in_one_text_is_masked_and_what_stands_around_it_stays(kind, form):
    text = Redactor().text(form(pem(kind)))
    assert left(text, kind) == []
    assert MASK in text
    assert "after" in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", ["\n", "\\n", "<br>", "\\\\n", "&#10;", "\r\n"])
def test_a_key_that_is_cut_is_masked_to_the_end_of_its_letters(kind, split):
    cut = split.join(pem(kind).splitlines()[:-3])
    for text in (cut, f"{cut}{split}[1] it ended here: see below", cut[:-20]):
        masked = Redactor().text(text)
        assert left(masked, kind) == []
        assert body(kind)[0][:20] not in masked
        assert ("see below" in masked) == ("see below" in text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_whose_lines_are_items_of_a_list_or_rows_of_a_table_is_masked(kind):
    lines = pem(kind).splitlines()
    for data in (
        {"text": ["before\n", *pem(kind).splitlines(keepends=True), "after"]},
        {"rows": [{"n": 1, "line": line} for line in ["before", *lines, "after"]]},
        {"rows": [["a", line] for line in ["before", *lines, "after"]]},
        {"outputs": [{"name": "stdout", "text": f"{line}\n"} for line in ["before", *lines, "after"]]},
        {"lines": ["before", *lines[:-2], "- after"]},
    ):
        masked = Redactor().data(data)
        text = json.dumps(masked)
        assert left(text, kind) == []
        assert "before" in text
        assert "after" in text
        assert json.loads(json.dumps(Redactor().data(masked))) == masked
    (split,) = Redactor().data([["before\n", *pem(kind).splitlines(keepends=True), "after"]])
    assert split[-2].endswith("\n"), "what follows stays on a line of its own"


def test_a_key_as_base64_is_masked_whatever_stands_before_private_key_in_it():
    for kind in KINDS:
        coded = base64.b64encode(pem(kind).encode()).decode()
        wrapped = "\n".join(coded[at : at + 76] for at in range(0, len(coded), 76))
        for text in (f"data {coded} after", f"data\n{wrapped}\nafter"):
            masked = Redactor().text(text)
            assert coded[60:120] not in masked.replace("\n", "")
            assert masked.endswith("after")


@pytest.mark.parametrize("kind", ["CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST", "PGP PUBLIC KEY BLOCK"])
def test_what_everybody_may_see_stays(kind):
    text = pem(kind)
    assert Redactor().text(text) == text
    assert Redactor().data(text.splitlines()) == text.splitlines()
    assert Redactor().text(base64.b64encode(text.encode()).decode()) == base64.b64encode(text.encode()).decode()


PREFIXES = ("2026-11-24T10:00:00.123Z stdout F ", "[pod/backend-5c7-x2x/main] ", "# ", "-    ", "\x1b[32m", "│ ")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [slice(None, -2), slice(4, None)])
def test_the_part_of_a_key_that_a_log_was_cut_to_is_masked_beside_a_mark(kind, cut):
    lines = pem(kind).splitlines()[cut]
    logs = ["".join(f"{prefix}{line}\n" for line in lines) for prefix in PREFIXES]
    rows = "".join(json.dumps({"ts": "2026-11-24", "msg": line}) + "\n" for line in lines)
    mixed = "".join(f"{line}\nINFO: 10.0.0.1 - GET /healthz 200\n" for line in lines)
    texts = (*logs, rows, mixed, "".join(lines), repr(lines), str([line.encode() for line in lines]),
             "\n".join(lines), repr("\n".join(lines)))  # fmt: skip
    for text in texts:
        masked = Redactor().text(f"before it\n{text}\n---\nafter it")
        assert left(masked, kind) == [], text
        assert masked.startswith("before it")
        assert masked.endswith("after it")
    assert left(json.dumps(Redactor().data([f"{PREFIXES[0]}{line}" for line in lines])), kind) == []


def test_a_key_behind_a_certificate_or_an_empty_line_is_masked_as_base64_too():
    certificate = pem("CERTIFICATE")
    for before in (certificate, "\n", "# the key\n", f"x\n{certificate}"):
        coded = base64.b64encode((before + pem(KINDS[4])).encode()).decode()
        wrapped = "\n".join(coded[at : at + 76] for at in range(0, len(coded), 76))
        for text in (f"tls.pem: {coded} after", f"tls.pem: |\n{wrapped}\nafter"):
            masked = Redactor().text(text)
            assert coded[-80:-40] not in masked.replace("\n", "")
            assert masked.startswith("tls.pem: ")
            assert masked.endswith("after")


def test_puttys_key_and_a_key_in_an_address_are_masked():
    public = "AAAAB3NzaC1yc2EAAAADAQABAAABAQCfakefakefakefakefakefakefakefake0"
    putty = "\n".join(["PuTTY-User-Key-File-3: ssh-rsa", "Encryption: none", "Public-Lines: 1", public,
                       f"Private-Lines: {len(body('putty'))}", *body("putty"), "Private-MAC: 12ab"])  # fmt: skip
    for text in (putty, json.dumps(putty), putty.replace("\n", "\r\n")):
        masked = Redactor().text(text)
        assert left(masked, "putty") == []
        assert public in masked
        assert masked.rstrip('"').endswith("12ab")
    for kind in KINDS:
        for quoted in (quote(pem(kind)), quote(pem(kind), safe="+/="), quote_plus(pem(kind))):
            masked = Redactor().text(f"GET /import?key={quoted}&x=after")
            assert [line for line in body(kind) if quote(line)[:40] in masked or line in masked] == []
            assert masked.endswith("&x=after")


def test_what_stands_far_from_a_mark_or_is_no_keys_letters_stays():
    digest, path = "ab12" * 16, "/apis/argoproj.io/v1alpha1/namespaces/backend/workflows"
    token = "TheServiceAccountTokenControllerOfThisClusterIsNotReady1"
    text = (
        f"looks for -----BEGIN PRIVATE KEY----- in {path}\nsha256:{digest}\n"
        + "a line of a log\n" * 30
        + f"{token}\n{pem('CERTIFICATE')}"
    )
    assert Redactor().text(text) == text.replace("-----BEGIN PRIVATE KEY-----", MASK)


def test_code_that_only_names_the_first_line_of_a_key_stays():
    code = 'if "-----BEGIN PRIVATE KEY-----" in text:\n    raise ValueError("a key")\n'
    assert Redactor().text(code).endswith('in text:\n    raise ValueError("a key")\n')


def test_marks_in_two_cells_take_nothing_between_them():
    cells = [{"source": ['x = "-----BEGIN PRIVATE KEY-----"']}, {"source": ["y = 1"]},
             {"source": ['z = "-----END PRIVATE KEY-----"']}]  # fmt: skip
    assert Redactor().data({"cells": cells})["cells"][1:] == cells[1:]


def test_widgets_tracebacks_and_metadata_of_a_notebook_on_disk_hold_no_key():
    key = pem(KINDS[4])
    lines = key.splitlines(keepends=True)
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": lines},
        {"output_type": "execute_result", "execution_count": 1, "metadata": {"hera-rollout": {"kind": "x", "a": lines}},
         "data": {"text/plain": [repr(key)], "text/html": ["<pre>", *lines, "</pre>"]}},
        {"output_type": "error", "ename": "E", "evalue": key, "traceback": ["\x1b[31mE\x1b[0m: ", *lines]},
    ]  # fmt: skip
    cells = [{"cell_type": "code", "source": lines, "metadata": {}, "execution_count": 1, "outputs": outputs}]
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"a": {"state": {"value": key}}}}}
    raw = json.dumps({"cells": cells, "metadata": {"widgets": widgets}, "nbformat": 4, "nbformat_minor": 5})
    assert left(redacted(raw), KINDS[4]) == []
    assert json.loads(redacted(raw))["cells"][0]["outputs"][0]["name"] == "stdout"


SHOWS = """
import time
import pandas as pd
from IPython.display import HTML, display
from hera_rollout.display import table
key = open("key.pem").read()
print(key)
for line in key.splitlines():
    print(line, flush=True)
    time.sleep(0.05)
print(key[:200])
display(HTML("<pre>" + key.replace("\\n", "<br>") + "</pre>"))
table(pd.DataFrame(dict(line=key.splitlines())), "Lines")
table(pd.DataFrame(dict(key=[key])), "Key")
display(dict(key=key))
raise ValueError(key)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", [KINDS[0], KINDS[5]])
def test_no_line_of_a_printed_key_is_in_any_file_of_a_record(tmp_path: Path, monkeypatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key.pem").write_text(pem(kind))
    (tmp_path / "targets").mkdir()
    target = 'name = "here"\nbackend_url = "http://127.0.0.1:1"\nargo_url = "http://127.0.0.1:1"\n'
    (tmp_path / "targets" / "here.toml").write_text(target)
    head = new_code_cell("target: str = 'here'\ndry_run: bool = False", metadata={"tags": ["parameters"]})
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    source = tmp_path / "01_dev_testing.ipynb"
    nbformat.write(new_notebook(cells=[head, new_code_cell(SHOWS)], metadata=kernel), source)
    record = records.run(source, {"target": "here"}, folder=tmp_path / "records", progress=False)
    files = [path for path in record.folder.rglob("*") if path.is_file()]
    assert len(files) >= 5
    assert "Lines" in (record.folder / "notebook.ipynb").read_text()
    for path in files:
        assert left(path.read_text(), kind) == [], path


def test_a_text_that_is_made_to_take_long_does_not():
    hostile = (
        "-----BEGIN PRIVATE KEY-----\n" + "abc: " * 50_000 + "-----BEGIN PRIVATE KEY-----" * 5_000 + "\n1" * 50_000
    )
    assert "abc: abc: " in Redactor().text(hostile)
    # Of these each took minutes to hours: every word was a beginning, and was read to the end of all of them.
    end = "-----END PRIVATE KEY-----"
    for text in ("a." * 500_000, "a.b-" * 250_000 + "token", "xy-z+" * 200_000 + "://u", end * 40_000):
        assert len(Redactor().text(text)) >= len(MASK)
