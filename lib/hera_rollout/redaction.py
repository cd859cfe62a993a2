"""Secrets leave a text before the text goes anywhere: a notebook's output, an error, a record.

Two nets, since neither is enough alone: values that this process knows to be secret (environment, kubeconfig), and
shapes that are secret wherever they stand (bearer tokens, passwords in addresses, private keys, Apprise addresses).
"""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final  # plain JSON data has no better type
from urllib.parse import quote

from hera_rollout import private_keys

MASK: Final = "[redacted]"
SHORTEST: Final = 8
"""A known value shorter than this would mask ordinary words."""

_SECRET_NAME: Final = re.compile(
    r"token|passw|secret|credential|api_?key|private_?key|client-key-data|apprise|rollout_notices|database_url",
    re.IGNORECASE,
)
_PASTED: Final = r"\s\"'`\u200b-\u200f\u2018\u2019\u201c\u201d\u2060\ufeff"
"""What pasting puts around a token: blanks, quotes, and characters that nobody sees."""
_BEFORE: Final = re.compile(rf"(?:[{_PASTED}]|authorization\s*[:=]|(bearer)(?=[{_PASTED}:]|$):?)+", re.IGNORECASE)
_BEHIND: Final = re.compile(rf"[{_PASTED}]+$")
_SCHEME: Final = re.compile(r"^(?:basic\s+)+", re.IGNORECASE)
_APPRISE: Final = "slack|discord|tgram|msteams|pover|pbul|gotify|ntfys?|mailtos?|matrixs?|mmosts?|rocketsch?|opsgenie|pagerduty|twilio|webex|signals?|jsons?|xmls?|forms?"  # noqa: E501
_SHAPES: Final = (
    # A JSON Web Token: every ServiceAccount's token is one; in five parts where it is encrypted, as Argo's are.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}"), MASK),
    # With a colon: Argo's own tokens begin with v2.
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=:-]{8,}"), rf"\1 {MASK}"),
    # User and password in an address. Here and below no name is read up to what says that it is secret: a long text of
    # short words would be read again from each of them, for minutes.
    (re.compile(r"(?i)(?<=[a-z0-9+.-])(://)[^\s/:@\"'<>]*:[^\s/@\"'<>]+@"), rf"\1{MASK}@"),
    # Apprise addresses carry their token where other addresses have a host.
    (re.compile(rf"(?i)\b((?:{_APPRISE})://)[^\s\"'<>\\]+"), rf"\1{MASK}"),
    (
        re.compile(
            r"(?i)((?:token|password|passwd|secret|api[_-]?key|client-key-data|private[_-]?key)[\"']?"
            r"\s*[:=]\s*)(?!\[redacted\])(\\?[\"']?)[^\s\"',;&<>\\]{6,}"
        ),
        rf"\1\2{MASK}",
    ),
)


def known_secrets(environment: Mapping[str, str] | None = None) -> list[str]:
    """Values of environment variables whose names say that they are secret; longest first."""
    found = {
        form
        for name, value in (os.environ if environment is None else environment).items()
        if _SECRET_NAME.search(name)
        for form in token_forms(value)
        if len(form) >= SHORTEST
    }
    return sorted(found, key=len, reverse=True)


def token_forms(value: str) -> list[str]:
    """A secret as it was set, and as it is sent: stripped, without the word before it, and line by line."""
    lines = [line.strip() for line in value.splitlines() if not line.startswith("-----")]
    forms = [form for line in lines for form in (line, bare(line)[0], _SCHEME.sub("", bare(line)[0]))]
    return list(dict.fromkeys([value, *forms]))


def bare(value: str) -> tuple[str, bool]:
    """A token without what pasting puts around it and the words before it; and whether `Bearer` was one of them."""
    before = _BEFORE.match(value)
    text = value[before.end() :] if before else value
    return _BEHIND.sub("", text), bool(before and before.group(1))


class Redactor:
    """Masks secrets in texts and in plain data.

    Args:
        secrets: values known to be secret, beside those of the environment; each is also looked for as base64 and as
            it is written in an address.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: list[str] = []
        self.learn([*known_secrets(), *secrets])

    def learn(self, secrets: Iterable[str]) -> None:
        """Take more values as secret from now on."""
        fresh = [secret for secret in secrets if len(secret) >= SHORTEST]
        coded = [base64.b64encode(secret.encode()).decode() for secret in fresh]
        quoted = [quote(secret, safe="") for secret in fresh]
        self._known = sorted({*self._known, *fresh, *coded, *quoted}, key=len, reverse=True)

    def text(self, value: str) -> str:
        """The text with every secret masked."""
        value = private_keys.masked(value, MASK)
        for secret in self._known:
            value = value.replace(secret, MASK)
        for shape, mask in _SHAPES:
            value = shape.sub(mask, value)
        return value

    def data(self, value: Any) -> Any:
        """Plain data (dicts, lists, strings) with every string masked; keys too, since YAML turns up there."""
        return self._data(private_keys.mask_lines(value, MASK))

    def _data(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._entry(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._data(item) for item in value]
        return value

    def _entry(self, key: str, value: Any) -> Any:
        """A value under a key that says it is secret is masked whole."""
        if isinstance(value, str) and value and re.fullmatch(r"(?i).*(token|password|secret|client-key-data)", key):
            return MASK
        return self._data(value)


REDACTOR: Final = Redactor()
"""This process's own: whoever reads a kubeconfig teaches it the keys that stand there."""
