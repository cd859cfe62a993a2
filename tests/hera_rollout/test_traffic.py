"""Traffic: when it is sent, and what became of it; against real servers on loopback. On a cluster: tests/live."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hera_rollout.backend import Backend, traffic
from hera_rollout.backend.traffic import Plan, Row, Traffic, resolving
from hera_rollout.errors import Refused

SUBMIT = "/api/v1/tasks/submit"
ACCEPTED = (200, '{"id": "task-1", "workflowId": "python-job-1", "runNumber": 1}')
LIB = Path(__file__).parents[2] / "lib"


@pytest.fixture
def backend_at(make_target):
    return lambda url: Backend(make_target(backend_url=url))


# --- plans ------------------------------------------------------------------------------------------------------------


def test_steady_is_even_and_ends_before_the_end():
    assert traffic.steady(2, seconds=2).offsets == (0, 0.5, 1.0, 1.5)
    assert len(traffic.steady(0.1, seconds=60).offsets) == 6, "0.1 is no whole binary fraction"
    assert traffic.steady(0.5, seconds=1).offsets == (0,)


def test_bursts_are_at_once_and_then_a_pause():
    assert traffic.bursty(3, every_seconds=10, seconds=25).offsets == (0, 0, 0, 10, 10, 10, 20, 20, 20)


def test_every_plan_is_bounded_in_count_and_says_what_it_leaves_out():
    for plan in (traffic.steady(100, 60, most=10), traffic.bursty(4, 1, 60, most=10)):
        assert len(plan.offsets) == 10
        assert f"{plan.left_out} more are left out" in plan.sentence()
    assert traffic.steady(100, 60, most=10).left_out == 5_990
    assert traffic.bursty(4, 1, 60, most=10).left_out == 230


@pytest.mark.parametrize(
    "make",
    [
        lambda: traffic.steady(0, 10),
        lambda: traffic.steady(float("nan"), 10),
        lambda: traffic.steady(1, float("inf")),
        lambda: traffic.steady(1, 10, most=0),
        lambda: traffic.steady(1, 10, most=1_000_000),
        lambda: traffic.bursty(1.5, 1, 10),
        lambda: Plan("mine", (0, 2, 1), 5),
        lambda: Plan("mine", (0, 6), 5),
        lambda: Traffic(None, traffic.steady(1, 1), token="t", tasks=0),
    ],
)
def test_what_makes_no_traffic_or_too_much_is_refused(make):
    with pytest.raises(Refused):
        make()


def written(tmp_path, text):
    path = tmp_path / "day.csv"
    path.write_text(text)
    return path


def times(*minutes):
    start = datetime(2026, 11, 25, tzinfo=UTC)
    return "at\n" + "".join(f"{(start + timedelta(minutes=one)).isoformat()}\n" for one in minutes)


def test_a_recording_of_times_keeps_its_shape_and_fits_the_time(tmp_path):
    plan = traffic.recorded(written(tmp_path, times(0, 60, 30)), seconds=36)
    assert plan.offsets == (0, 18, 36)
    assert "a recording of 1.0 h, 100 times as fast" in plan.sentence()
    assert traffic.recorded(written(tmp_path, times(0, 1)), seconds=3600).offsets == (0, 60), "never slower than it was"


def test_a_recording_of_rates_is_sent_at_those_rates_and_the_last_holds_as_long_as_the_one_before(tmp_path):
    text = "at,per_minute\n2026-11-25T00:00:00,2\n2026-11-25T00:10:00,0\n2026-11-25T00:20:00,8\n"
    plan = traffic.recorded(written(tmp_path, text), seconds=1800)
    early, none, late = (
        sum(low <= one < high for one in plan.offsets) for low, high in ((0, 600), (600, 1200), (1200, 1801))
    )
    assert (early, none, late) == (20, 0, 80)
    assert plan.offsets[0] == pytest.approx(15), "the first is due when half a submission is"
    assert plan == traffic.recorded(written(tmp_path, text), seconds=1800), "no dice"


def test_too_large_a_recording_is_thinned_evenly_so_that_peaks_stay_peaks(tmp_path):
    rates = "at,per_hour\n2026-11-25T00:00:00Z,100\n2026-11-25T01:00:00Z,900\n"
    plan = traffic.recorded(written(tmp_path, rates), seconds=60, most=100)
    assert sum(one < 30 for one in plan.offsets) == 10
    assert (len(plan.offsets), plan.left_out) == (100, 900)
    many = times(*range(100), *(99 + one / 1000 for one in range(900)))
    thinned = traffic.recorded(written(tmp_path, many), seconds=60, most=10)
    assert sum(one < 59 for one in thinned.offsets) == 1
    assert (len(thinned.offsets), thinned.left_out) == (10, 990)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "columns are none"),
        ("when\n1\n", "columns are when"),
        ("at,per_hour,per_minute\n", "its columns are"),
        ("at\n", "no submission"),
        ("at\nyesterday\n", "line 2"),
        ("at,per_hour\n2026-11-25,-1\n", "cannot be"),
        ("at,per_hour\n2026-11-25,nan\n", "cannot be"),
        ("at,per_hour\n2026-11-25,5\n", "two rows"),
        ("at,per_hour\n2026-11-25,5\n2026-11-25,6\n", "two rows"),
        ("at,per_hour\n2026-11-25,0\n2026-11-26,0\n", "no submission"),
        ("at\n2026-11-25\n2026-11-25T00:00:00Z\n", "offset from UTC"),
        ("at,per_hour\n2026-11-25\n", "line 2"),
    ],
)
def test_a_recording_that_says_nothing_is_refused_with_the_line(tmp_path, text, why):
    with pytest.raises(Refused, match=why):
        traffic.recorded(written(tmp_path, text), seconds=60)
    with pytest.raises(Refused, match="cannot be used"):
        traffic.recorded(tmp_path / "none.csv", seconds=60)


# --- sending ----------------------------------------------------------------------------------------------------------


def test_what_is_due_is_sent_when_it_is_due_and_answered(answering, backend_at):
    load = Traffic(backend_at(answering({SUBMIT: ACCEPTED})), traffic.steady(10, 1), token="t")
    found = load.run()
    assert list(found["number"]) == list(range(10))
    assert set(found["outcome"]) == {"accepted"}
    assert (found["late_seconds"] < 10).all()
    took = found["sent"].iloc[-1] - found["sent"].iloc[0]
    assert 0.85 < took.total_seconds() < 10
    assert found["mark"].is_unique
    assert load.unsent == 0


def bodies(answers):
    """A server that keeps what it is sent; a task it is asked to rerun keeps its id."""
    import json
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                answers.append(body)
                task = body.get("taskId") or f"task-{len(answers)}"
            text = json.dumps({"id": task, "workflowId": f"python-job-{len(answers)}", "runNumber": 1}).encode()
            self.send_response(404 if task == "task-gone" else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    lock = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


@pytest.fixture
def keeping(backend_at):
    answers = []
    server = bodies(answers)
    yield backend_at(f"http://127.0.0.1:{server.server_address[1]}"), answers
    server.shutdown()
    server.server_close()


def test_the_same_tasks_are_rerun_in_turn_and_by_the_next_run_too(keeping):
    backend, answers = keeping
    first = Traffic(backend, traffic.steady(40, 0.3), token="a", tasks=3)
    found = first.run()
    assert len(answers) == 12
    assert sum("taskId" not in body for body in answers) == 3
    assert len(first.tasks) == found["task"].nunique() == 3
    assert list(found["task"])[:3] * 4 == list(found["task"])
    second = Traffic(backend, traffic.steady(40, 0.1), token="b", tasks=first.tasks)
    second.run()
    assert {body.get("taskId") for body in answers[12:]} == set(first.tasks)
    assert {"[a-00000]", "[b-00000]"} <= {body["pythonCode"][7:16] for body in answers}


def test_a_task_that_is_gone_is_refused_once_and_another_takes_its_turn(keeping):
    backend, answers = keeping
    found = Traffic(backend, traffic.steady(20, 0.15), token="a", tasks=["task-gone"]).run()
    assert list(found["outcome"]) == ["refused", "accepted", "accepted"]
    assert [body.get("taskId") for body in answers] == ["task-gone", None, "task-2"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((400, '{"detail": "bad"}'), "refused"),
        ((503, '{"detail": "database"}'), "unreachable"),
        ((429, "{}"), "unreachable"),
        ((500, '{"detail": "boom"}'), "answer lost"),
        ((200, "{}"), "answer lost"),
    ],
)
def test_each_kind_of_answer_is_an_outcome_of_its_own_with_the_servers_words(answering, backend_at, answer, outcome):
    found = Traffic(backend_at(answering({SUBMIT: answer})), traffic.steady(100, 0.02), token="t").run()
    assert list(found["outcome"]) == [outcome] * 2
    assert found["problem"].str.contains("answered").all()


def test_no_connection_and_no_answer_are_told_apart(closed_url, silent_url, backend_at):
    none = Traffic(backend_at(closed_url), traffic.steady(100, 0.01), token="t").run()
    silent = Traffic(backend_at(silent_url), traffic.steady(100, 0.01), token="t").run()
    assert (list(none["outcome"]), list(silent["outcome"])) == (["unreachable"], ["answer lost"])


def test_a_backend_that_hangs_holds_up_no_more_than_the_workers_and_the_time_ends_it(silent_url, backend_at):
    began = time.monotonic()
    load = Traffic(backend_at(silent_url), traffic.steady(100, 0.5), token="t", workers=2)
    found = load.run()
    assert time.monotonic() - began < 30
    assert len(found) == 2
    assert load.unsent == 48


def test_stop_sends_no_more_and_waits_for_what_is_under_way(answering, backend_at):
    stop = threading.Event()
    load = Traffic(backend_at(answering({SUBMIT: ACCEPTED})), traffic.steady(20, 60), token="t", stop=stop)
    began = time.monotonic()
    threading.Timer(0.5, stop.set).start()
    found = load.run()
    assert time.monotonic() - began < 30
    assert 1 <= len(found) <= 60
    assert load.unsent == 1000 - len(found)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("traffic t")]


def test_a_stop_while_every_worker_is_busy_sends_no_more(silent_url, backend_at):
    load = Traffic(backend_at(silent_url), traffic.steady(100, 60), token="t", workers=2)
    threading.Timer(0.3, load.stop.set).start()
    assert len(load.run()) == 2


def test_beside_other_work_it_ends_with_the_block_also_by_an_error(answering, backend_at):
    backend = backend_at(answering({SUBMIT: ACCEPTED}))
    with pytest.raises(ValueError, match="mine"), Traffic(backend, traffic.steady(20, 60), token="t") as load:
        time.sleep(0.2)
        raise ValueError("mine")
    assert 1 <= len(load.frame) < 20


@pytest.mark.slow
def test_ctrl_c_ends_it_and_what_was_sent_is_not_lost(answering):
    url = answering({SUBMIT: ACCEPTED})
    code = f"""
        from hera_rollout.backend import Backend, traffic
        from hera_rollout.target import Target
        target = Target.model_validate({{"name": "t", "backend_url": "{url}", "argo_url": "{url}"}})
        told = lambda row: print("sent", flush=True)
        load = traffic.Traffic(Backend(target), traffic.steady(10, 60), token="t", on_row=told)
        try:
            load.run()
        except KeyboardInterrupt:
            print("interrupted", len(load.frame), set(load.frame["outcome"]), load.unsent, flush=True)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(LIB)}
    )
    lines = [child.stdout.readline() for _ in range(3)]
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    sent = lines.count("sent\n") + out.count("sent\n")
    assert out.splitlines()[-1] == f"interrupted {sent} {{'accepted'}} {600 - sent}"
    assert (child.returncode, sent < 600) == (0, True)


def test_an_error_of_the_kits_own_in_a_thread_is_not_swallowed(answering, backend_at):
    def broken(_row):
        raise ValueError("in the callback")

    load = Traffic(backend_at(answering({SUBMIT: ACCEPTED})), traffic.steady(100, 0.02), token="t", on_row=broken)
    with pytest.raises(ValueError, match="in the callback"):
        load.run()


# --- what the cluster says --------------------------------------------------------------------------------------------


def workflow(name, *, mark="", path="hera", task="task-1"):
    return {
        "metadata": {"name": name, "labels": {"hera-rollout/path": path, "hera-rollout/task": task},
                     "creationTimestamp": "2026-11-25T00:40:00Z"},
        "spec": {"templates": [{"name": "main", "container": {"args": [f'print("[{mark}] traffic")']}}]},
        "status": {"phase": "Running"},
    }  # fmt: skip


def test_a_workflow_is_a_submissions_by_its_name_and_says_its_path():
    rows = [Row(0, "t-00000", workflow="a"), Row(1, "t-00001", workflow="b"), Row(2, "t-00002", workflow="gone")]
    resolving.settle(rows, [workflow("a"), workflow("b", path="yaml"), workflow("other")])
    assert [(row.path, row.how, row.phase) for row in rows] == [
        ("hera", "proven", "Running"), ("yaml", "proven", "Running"), ("", "", ""),
    ]  # fmt: skip
    assert "workflow gone, as the backend called it, is not on the cluster" in rows[2].problem


def test_a_lost_answer_is_looked_up_by_its_mark_and_is_lost_only_if_nothing_is_there():
    rows = [Row(0, "t-00000", outcome="answer lost"), Row(1, "t-00001", outcome="answer lost")]
    resolving.settle(rows, [workflow("a", mark="t-00000", task="task-9"), workflow("b", mark="t-000011")])
    assert (rows[0].outcome, rows[0].workflow, rows[0].task, rows[0].path) == ("found", "a", "task-9", "hera")
    assert rows[1].outcome == "absent"
    assert traffic.lost(rows) == [rows[1]]
    assert traffic.by_outcome(rows) == {"found": 1, "absent": 1}
    resolving.settle(rows, [workflow("late", mark="t-00001")])
    assert rows[1].outcome == "found", "it was still being created at the first look"


def test_a_lost_answer_that_left_two_workflows_says_so():
    rows = [Row(0, "t-00000", outcome="answer lost")]
    resolving.settle(rows, [workflow("a", mark="t-00000"), workflow("b", mark="t-00000")])
    assert "it left 2 workflows: a, b" in rows[0].problem
