"""Path traversal by names, sizes, markup, tried on every notebook: refused before anything, or shown as mere text."""

import subprocess
import sys
from pathlib import Path

import pytest

from hera_rollout import records
from hera_rollout.errors import Refused
from hera_rollout.parameters import MODELS, validate

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
PHASES = sorted(MODELS)
NAMES = [
    "../../elsewhere",
    "/etc/passwd",
    "a/b",
    "..",
    "x" * 10_000,
    "<script>alert(1)</script>",
    "a\nb",
    "-rf",
    "a\0b",
]
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
PATHS = {"previous", "records", "approval", "repository", "known", "mends"}
"""Texts that name a file: these are read, so what they name must be there."""


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_becomes_a_folder_or_a_label_is_refused(phase, name):
    for parameter in ("rollout", "operator"):
        with pytest.raises(Refused) as caught:
            validate(phase, {parameter: name})
        assert parameter in caught.value.seen
        assert len(str(caught.value)) < 2_000
        assert len(caught.value.seen.splitlines()) == 2, "one line a fault"


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_markup_in_what_an_operator_types_is_text_in_the_record_and_no_folder_is_made_elsewhere(phase, tmp_path):
    """The target's cluster does not answer: the run ends after its first cells, with a record of what was typed."""
    target = 'kubeconfig = "nowhere"\nbackend_url = "http://127.0.0.1:9"\nargo_url = "http://127.0.0.1:9"\n'
    (tmp_path / "there.toml").write_text(f'title = "{MARKUP}"\n{target}')
    typed = [name for name, field in MODELS[phase].model_fields.items()
             if field.annotation is str and name not in {"target", "rollout", "operator", *PATHS}]  # fmt: skip
    words = [word for name in typed for word in ("-p", name, MARKUP)]
    done = subprocess.run(
        [COMMAND, "run", phase, "--target", tmp_path / "there.toml", "--records", tmp_path / "kept", *words], cwd=ROOT,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (record,) = records.find(tmp_path / "kept")
    page = record.report.read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    if typed:
        assert "&lt;script&gt;alert(1)" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "there.toml"]
