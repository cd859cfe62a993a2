"""`hera-rollout notify`, as it is typed."""

import pytest
from click.testing import CliRunner

from hera_rollout.cli import main

TARGET = 'title = "Staging"\nbackend_url = "http://127.0.0.1:9"\nargo_url = "http://127.0.0.1:9"\n'


@pytest.fixture
def typed(tmp_path, monkeypatch):
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "staging.toml").write_text(TARGET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("HERA_ROLLOUT_NOTICES", raising=False)

    def call(*arguments):
        return CliRunner().invoke(main, ["notify", "--target", "staging", "--rollout", "backend-2026-11", *arguments])

    return call


def test_everybody_told_is_0_and_the_guides_list_is_in_it(typed, service, monkeypatch):
    monkeypatch.setenv("HERA_ROLLOUT_NOTICES", service.address())
    done = typed("--moment", "before", "--phase", "03_canary", "--by", "<i>Ann</i>")
    assert done.exit_code == 0, done.output
    assert "03_canary of rollout backend-2026-11 at Staging is about to begin" in done.output
    assert "PASS  communication: before: taken by JSON (address 1)" in done.output
    message = service.taken[0]["message"]
    assert "At work: <i>Ann</i>" in message
    assert "- Prepare rollback plan: hera-rollout rollback --target staging --yes" in message
    assert "- Schedule rollout during low-traffic period: open" in message


@pytest.mark.parametrize("moment", ["during", "after", "rolled-back"])
def test_every_moment_has_its_notice(typed, service, monkeypatch, moment):
    monkeypatch.setenv("HERA_ROLLOUT_NOTICES", service.address())
    done = typed("--moment", moment, "--verdict", "FAIL")
    assert done.exit_code == 0, done.output
    assert f"communication: {moment.replace('-', ' ')}" in done.output
    assert "Verdict: FAIL" in service.taken[0]["message"]


def test_a_failure_is_3_without_the_token(typed, service, monkeypatch):
    monkeypatch.setenv("HERA_ROLLOUT_NOTICES", service.address())
    service.status = 500
    done = typed("--moment", "after", "--verdict", "PASS", "--status", f"see {service.address()}")
    assert done.exit_code == 3
    assert "500 Internal Server Error" in done.output
    assert service.token not in done.output


def test_nobody_to_tell_is_3(typed):
    done = typed("--moment", "before")
    assert done.exit_code == 3
    assert "HERA_ROLLOUT_NOTICES" in done.output


@pytest.mark.parametrize(
    "wrong", [("--rollout", "<b>x</b>"), ("--phase", "<b>"), ("--phase", "canary"), ("--target", "nowhere")]
)
def test_what_can_be_no_rollout_phase_or_target_is_refused_and_nobody_is_told(typed, service, monkeypatch, wrong):
    monkeypatch.setenv("HERA_ROLLOUT_NOTICES", service.address())
    done = typed("--moment", "before", *wrong)
    assert done.exit_code == 2
    assert not service.taken


def test_an_address_in_the_targets_file_is_refused_and_not_repeated(typed, tmp_path, service):
    (tmp_path / "targets" / "staging.toml").write_text(f'{TARGET}[notices]\nvariable = "{service.address()}"\n')
    done = typed("--moment", "before")
    assert done.exit_code == 2
    assert "notices.variable" in done.output
    assert service.token not in done.output
