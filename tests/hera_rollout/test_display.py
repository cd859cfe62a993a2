"""What operators see is escaped, bounded, and never says it by colour alone."""

import asyncio
import threading

import pandas as pd
import pytest
from IPython.utils.capture import capture_output

from hera_rollout import display
from hera_rollout.display import live, tables
from hera_rollout.gates import Check, Verdict, worst


def shown(call: object, *args: object, **kwargs: object) -> dict[str, object]:
    with capture_output() as captured:
        call(*args, **kwargs)
    (output,) = captured.outputs
    return {"html": output.data["text/html"], "text": output.data["text/plain"], "metadata": output.metadata}


@pytest.fixture(autouse=True)
def shell() -> None:
    """Display calls need a shell to go to, as in a kernel."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.instance()


def test_a_table_escapes_bounds_and_keeps_the_command_line() -> None:
    frame = pd.DataFrame({"name": ["<img src=x onerror=alert(1)>", "x" * 5000]})
    frame.attrs["command"] = "kubectl get pods -n <argo>"
    output = shown(display.table, frame, "Pods & more")
    assert "<img" not in output["html"]
    assert "&lt;img" in output["html"]
    assert "kubectl get pods -n &lt;argo&gt;" in output["html"]
    assert "Pods &amp; more" in output["html"]
    assert "(5000 characters)" in output["html"]
    assert "x" * 500 not in output["html"]
    assert "$ kubectl get pods -n <argo>" in output["text"]


def test_a_long_table_says_what_it_leaves_out_and_an_empty_one_says_so() -> None:
    output = shown(display.table, pd.DataFrame({"n": range(100)}), "Long")
    assert f"{100 - tables.MAX_ROWS} more rows" in output["html"]
    assert len(output["metadata"][display.EVIDENCE_KEY]["rows"]) == 100
    assert "No rows." in shown(display.table, pd.DataFrame(columns=["n"]), "None")["html"]


def test_a_verdict_is_a_sign_and_a_word_and_red_rows_come_first() -> None:
    checks = [Check(name=v.value.lower(), verdict=v, todo="mend") for v in (Verdict.PASS, Verdict.HOLD, Verdict.FAIL)]
    frame = display.checks_frame(checks)
    assert list(frame["verdict"]) == ["✗ FAIL", "… HOLD", "✓ PASS"]
    assert list(frame["what to do"]) == ["mend", "mend", ""]
    assert "✗ FAIL" in tables.html(frame)


@pytest.mark.parametrize(
    ("verdicts", "verdict"), [("", "HOLD"), ("PASS", "PASS"), ("PASS HOLD", "HOLD"), ("HOLD FAIL PASS", "FAIL")]
)
def test_no_data_is_never_pass(verdicts: str, verdict: str) -> None:
    assert worst(Verdict(word) for word in verdicts.split()) == verdict


def test_a_failed_check_says_seen_expected_why_and_what_to_do_in_this_order() -> None:
    check = Check(name="n", verdict=Verdict.FAIL, seen="this", expected="that", why="because", todo="mend it")
    assert check.sentence() == "FAIL  n: this\nExpected that\nbecause\nmend it"
    passed = Check(name="n", verdict=Verdict.PASS, seen="this", expected="that", why="because", todo="mend it")
    assert "mend it" not in passed.sentence()


def test_live_progress_starts_and_ends_empty() -> None:
    with capture_output() as captured, display.Live() as area:
        area.line("half way")
    texts = [output.data["text/plain"] for output in captured.outputs]
    assert texts[0] == "" == texts[-1]
    assert any("half way" in text for text in texts)


def test_a_diff_is_marked_by_sign_and_escaped() -> None:
    output = shown(display.diff, "-old\n+<new>", "Change", command="kubectl set env")
    assert "+&lt;new&gt;" in output["html"]
    assert output["metadata"][display.EVIDENCE_KEY]["patch"] == "-old\n+<new>"


def test_watched_work_is_awaited_and_its_error_is_the_cells() -> None:
    def fail(live: display.Live) -> None:
        live.line("about to fail")
        raise ValueError("seen")

    assert asyncio.run(display.watched(lambda live: 42)) == 42
    with pytest.raises(ValueError, match="seen"):
        asyncio.run(display.watched(fail))


def test_an_interrupted_cell_stops_its_work() -> None:
    seen = threading.Event()

    def wait(live: display.Live) -> None:
        live.stop.wait(10)
        seen.set()

    async def cell() -> None:
        task = asyncio.create_task(display.watched(wait))
        await asyncio.sleep(0.1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cell())
    assert seen.wait(5)


def test_the_stop_button_is_there_only_for_a_front_end_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert not live.has_front_end()
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/01_dev_testing.ipynb")
    assert live.has_front_end()
    stop = threading.Event()
    button = live.stop_button(stop)
    button.click()
    assert stop.is_set()
    assert button.disabled
