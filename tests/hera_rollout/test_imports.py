"""What every kernel and every command imports, and what it must not wait for."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["hera_rollout.phase.steps", "hera_rollout.records", "hera_rollout.records.running"])
def test_no_grammar_of_iris_is_built_and_notebooks_are_validated_all_the_same(module):
    code = f"""
import sys, {module}, nbformat
assert "rfc3987_syntax" not in sys.modules
try:
    nbformat.validate({{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": [{{"cell_type": "nonsense"}}]}})
except nbformat.ValidationError:
    import rfc3987_syntax
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["hera_rollout.display", "hera_rollout.records", "hera_rollout.cli.records"])
def test_who_only_shows_or_reads_does_not_import_hera(module):
    code = f"import sys, {module}; assert 'hera.workflows' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
