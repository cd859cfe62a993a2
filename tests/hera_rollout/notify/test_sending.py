"""Notices against a real service on loopback: what arrives, what is told of failures, and what is never told."""

import io
import json
import logging
import os
import subprocess
import sys
import threading

import pytest

from hera_rollout import notify
from hera_rollout.gates import Verdict, rules
from hera_rollout.notify import Facts
from hera_rollout.notify.addresses import configured
from hera_rollout.redaction import MASK, REDACTOR

FACTS = Facts(rollout="backend-2026-11", target="There", phase="03_canary", who="Ann")
NOTICE = notify.before(FACTS)


@pytest.fixture
def heard():
    """Everything that any logger passes on, at the noisiest level."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level, apprise = logging.StreamHandler(stream), root.level, logging.getLogger("apprise").level
    root.addHandler(handler)
    root.setLevel(1)
    logging.getLogger("apprise").setLevel(1)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    logging.getLogger("apprise").setLevel(apprise)


@pytest.fixture
def everything(heard, capfd):
    """All that was logged and printed until then."""
    return lambda: "".join([heard.getvalue(), *capfd.readouterr()])


def test_a_notice_arrives_as_it_was_written(service, place):
    target = place(service.address())
    sent = notify.send(target, NOTICE)
    assert [(one.service, one.name, one.sent, one.why) for one in sent] == [("json", "JSON (address 1)", True, "")]
    assert [(got["title"], got["message"], got["type"]) for got in service.taken] == [
        (NOTICE.title, NOTICE.body, "info")
    ]
    check = notify.check(sent, "before", target)
    assert (check.name, check.verdict, check.todo) == ("communication: before", Verdict.PASS, "")


def test_a_service_that_answers_an_error_is_told_and_the_others_still_get_it(service, place, answering):
    broken = answering({}).replace("http://", "json://")
    target = place(f"{broken}/x, {service.address()}")
    sent = notify.send(target, NOTICE)
    assert [one.sent for one in sent] == [False, True]
    assert "404 Not Found" in sent[0].why
    service.status = 500
    sent = notify.send(target, NOTICE)
    assert sent[1].why == "the service answered 500 Internal Server Error"
    check = notify.check(sent, "during", target)
    assert check.verdict is Verdict.HOLD
    assert "0 of 2 addresses took it" in check.seen
    assert "OPS_ADDRESSES" in check.todo


def test_an_address_that_calls_itself_optional_is_not_told_as_sent(service, place):
    service.status = 500
    assert [one.sent for one in notify.send(place(service.address("?optional=yes")), NOTICE)] == [False]


def test_nobody_listening_is_told(place, closed_url):
    (sent,) = notify.send(place(closed_url.replace("http://", "json://")), NOTICE)
    assert not sent.sent
    assert "no connection" in sent.why


def test_a_service_that_never_answers_is_left_and_told_as_not_sent(service, place, silent_url):
    silent = silent_url.replace("http://", "json://")
    sent = notify.send(place(f"{silent}/?rto=600 {service.address()}", seconds=1), NOTICE)
    assert [one.sent for one in sent] == [False, True]
    assert sent[0].why == "no answer within 1 s; it may have arrived all the same"
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("notice"))


def test_a_process_ends_although_a_service_never_answers(silent_url):
    code = (
        "from hera_rollout import notify; from hera_rollout.target import Target\n"
        "place = Target(name='there', backend_url='http://h', argo_url='http://h', notices={'seconds': 0.5})\n"
        "print(notify.send(place, notify.before(notify.Facts(rollout='r', target='t')))[0].sent)"
    )
    address = f"{silent_url.replace('http://', 'json://')}/?rto=600"
    environment = os.environ | {"HERA_ROLLOUT_NOTICES": address, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    ("address", "schema", "why"),
    [
        ("slack://{}", "slack", "not a whole slack:// address"),
        ("{}://elsewhere", "unknown", "Apprise knows no service"),
        ("{}", "unknown", "it is no address"),
        ("https://example.org/{}", "unknown", "Apprise knows no service"),
    ],
)
def test_a_bad_address_is_told_and_not_repeated(place, address, schema, why, everything):
    token = "Zq81Vw5TtokenLx93Rk7"
    target = place(address.format(token))
    sent = notify.send(target, NOTICE)
    assert [(one.service, one.sent) for one in sent] == [(schema, False)]
    assert why in sent[0].why
    told = [repr(sent), json.dumps(notify.check(sent, "before", target).as_dict()), everything()]
    assert token.lower() not in "".join(told).lower()


def test_no_address_is_hold_and_says_where_to_put_one(place):
    for nothing in ("", " , \n"):
        target = place(nothing)
        sent = notify.send(target, NOTICE)
        check = notify.check(sent, "after", target)
        assert sent == []
        assert check.verdict is Verdict.HOLD
        assert "OPS_ADDRESSES" in check.todo


@pytest.mark.parametrize("status", [200, 403, 500])
def test_a_token_is_in_no_log_output_or_evidence(service, place, everything, status):
    service.status, service.answer = status, f"not allowed: {service.token}"
    target = place(service.address())
    sent = notify.send(target, NOTICE)
    check = notify.check(sent, "before", target)
    assert service.taken
    told = [repr(sent), json.dumps(check.as_dict()), check.sentence(), everything()]
    assert service.token not in "".join(told)


def test_what_others_log_still_gets_through(service, place, heard):
    notify.send(place(service.address()), NOTICE)
    logging.getLogger("apprise").warning("somebody else's")
    assert "somebody else's" in heard.getvalue()


def test_a_module_that_breaks_off_is_told_by_type_only(service, place, monkeypatch, capfd):
    def breaks(*_args, **_kwargs):
        raise RuntimeError(f"at {service.address()}")

    monkeypatch.setattr("apprise.Apprise.notify", breaks)
    (sent,) = notify.send(place(service.address()), NOTICE)
    assert (sent.sent, sent.why) == (False, "its Apprise module broke off: RuntimeError")
    assert service.token not in "".join(capfd.readouterr())


def test_a_known_secret_leaves_the_notice_before_it_is_sent(service, place):
    facts = Facts(**vars(FACTS) | {"status": f"curl -H 'Authorization: Bearer abcdefgh12345678' {service.token}"})
    notify.send(place(service.address()), notify.during(facts))
    message = str(service.taken[0]["message"])
    assert "abcdefgh12345678" not in message
    assert service.token not in message
    assert MASK in message


MARKUP = "<b onclick=x>*Ann*</b> [a](http://b)"


def test_markup_in_a_name_stays_text(service, place):
    facts = Facts(**vars(FACTS) | {"who": MARKUP, "rollout": MARKUP})
    notice = notify.before(facts)
    notify.send(place(f"{service.address()} {service.address('?format=html')}"), notice)
    as_text, as_html = sorted((str(got["message"]) for got in service.taken), key=len)
    assert as_text == notice.body
    assert "<b " not in as_html
    assert "&lt;b&nbsp;onclick" in as_html


def test_markup_in_a_name_is_no_markdown(service, place):
    notify.send(place(service.address("?format=markdown")), notify.before(Facts(**vars(FACTS) | {"who": MARKUP})))
    assert r"\*Ann\*" in str(service.taken[0]["message"])
    assert r"\[a\]" in str(service.taken[0]["message"])


@pytest.mark.parametrize(("status", "verdict"), [(200, "PASS"), (500, "HOLD")])
def test_a_record_is_judged_again_as_the_notice_was(service, place, status, verdict):
    service.status, target = status, place(service.address())
    kept = json.loads(json.dumps(notify.check(notify.send(target, NOTICE), "before", target).as_dict()))
    assert (kept["verdict"], rules.RULES[kept["rule"]](kept["evidence"])) == (verdict, verdict)


def test_addresses_are_parted_by_spaces_and_commas_and_a_comma_may_stand_within(place):
    given = "json://a/?to=x,y, json://b\njson://c,json://d json://b"
    assert configured(place(given)) == ["json://a/?to=x,y", "json://b", "json://c", "json://d"]


def test_from_then_on_the_process_masks_its_tokens_but_not_its_words(place):
    token = "Kd72Mq9TtokenPx41Wz3"
    configured(
        place(f"json://me:hunter2hunter2@backend1.example.org/{token}/backend-2026-11 json://backend1.example.org")
    )
    told = REDACTOR.text(f"{token} hunter2hunter2 backend1.example.org backend-2026-11")
    assert told == f"{MASK} {MASK} backend1.example.org backend-2026-11"
