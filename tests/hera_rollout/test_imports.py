"""What every kernel and every command imports, and what it must not wait for."""

import subprocess
import sys

import pytest

GRAMMAR = """
import importlib.util, nbformat
assert "rfc3987_syntax" not in sys.modules
assert importlib.util.find_spec("rfc3987_syntax"), "it is there for whoever asks for it"
try:
    nbformat.validate({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "nonsense"}]})
except nbformat.ValidationError:
    print("validated")
"""
NO_HERA = "assert 'hera.workflows' not in sys.modules"


@pytest.mark.parametrize(
    "code",
    [
        f"import sys, hera_rollout.phase.steps\n{GRAMMAR}",
        # Who imports a module of `records` imports `records` first, and what is not there after all is after none.
        f"import sys, hera_rollout.records.running, hera_rollout.cli.records, hera_rollout.display\n{NO_HERA}{GRAMMAR}",
    ],
    ids=["phase", "records"],
)
def test_no_grammar_of_iris_is_built_notebooks_are_validated_and_who_only_reads_does_not_import_hera(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "validated\n", done.stderr
