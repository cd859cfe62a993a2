"""A notebook that was edited in JupyterLab shows no PASS on its own screen either."""

import pytest

from hera_rollout.errors import PhaseOnHold
from hera_rollout.gates import Verdict
from hera_rollout.phase.spine import SOURCE
from hera_rollout.records import sources

NAME = "01_dev_testing"


def history(*edited):
    """What a kernel executed: the shipped cells, the parameters with other values, then the edited ones."""
    cells = [digest for digest in sources.SHIPPED[NAME]["cells"] if len(digest) == 64]
    kernel = [{"sha256": digest, "assigns": None} for digest in cells]
    parameters = {"sha256": sources.digest("dry_run = False"), "assigns": ["dry_run"]}
    return {str(count): cell for count, cell in enumerate([parameters, *kernel, *edited], 1)}


def concluded(begun, monkeypatch, executed):
    monkeypatch.delenv(sources.EXEMPT_VARIABLE, raising=False)
    monkeypatch.setattr(sources, "executed_cells", lambda: executed)
    phase = begun(NAME)
    with pytest.raises(PhaseOnHold) as held:
        phase.conclude()
    return phase, str(held.value)


@pytest.mark.parametrize(
    "cell",
    ["phase.checks.clear()", "phase.check(fake)", "target = open('/etc/passwd').read()", "from os import *"],
)
def test_a_cell_that_is_not_shipped_is_hold_on_the_screen_too(begun, monkeypatch, cell):
    edited = {"sha256": sources.digest(cell), "assigns": None}
    phase, words = concluded(begun, monkeypatch, history(edited))
    number = len(history(edited))
    assert phase.checks[SOURCE].verdict is Verdict.HOLD
    assert f"In [{number}] executed code that is not in the shipped notebook" in words
    assert "git checkout notebooks/01_dev_testing.ipynb" in words


def test_the_shipped_cells_and_other_values_of_parameters_are_no_edit(begun, monkeypatch):
    phase, words = concluded(begun, monkeypatch, history())
    assert SOURCE not in phase.checks
    assert "unjudged" in words
