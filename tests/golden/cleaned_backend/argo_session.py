"""The one way out to the Argo Server: a `requests` session with a time limit, a fresh token and typed errors.

Hera's own client has no timeout and loses the status of some errors; given this session it has neither trap.
"""

from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from reference_backend.errors import ArgoAnswerLost, ArgoRefused, ArgoUnreachable
from reference_backend.settings import Settings

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
MESSAGE_LIMIT = 500


class ArgoSession(requests.Session):
    """A session that never waits for ever and raises ArgoUnreachable, ArgoAnswerLost or ArgoRefused."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.trust_env = False
        if not settings.argo_verify_tls:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=40)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, method: str, url: str | bytes, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Send it; any answer but a good one raises."""
        kwargs["headers"] = {**(kwargs.get("headers") or {}), "Authorization": f"Bearer {self.token()}"}
        kwargs["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        kwargs["verify"] = self._settings.argo_verify_tls
        try:
            response = super().request(method, url, **kwargs)
        except (requests.ConnectTimeout, requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            raise ArgoUnreachable(f"The Argo Server cannot be reached: {_short(error)}") from error
        except requests.RequestException as error:
            raise _lost_or_unreachable(error) from error
        if not response.ok:
            raise ArgoRefused(response.status_code, _message(response))
        return response

    def token(self) -> str:
        """The bearer token, read anew each time: the kubelet rotates the file."""
        if self._settings.argo_token is not None:
            return self._settings.argo_token.get_secret_value()
        file: Path = self._settings.service_account_dir / "token"
        return file.read_text("utf-8").strip() if file.is_file() else ""


def _lost_or_unreachable(error: requests.RequestException) -> ArgoUnreachable | ArgoAnswerLost:
    # urllib3 says NewConnectionError when not a byte went out; everything else may have been acted upon.
    if "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error):
        return ArgoUnreachable(f"The Argo Server cannot be reached: {_short(error)}")
    return ArgoAnswerLost(f"The Argo Server's answer was lost: {_short(error)}")


def _short(error: Exception) -> str:
    return str(error)[:MESSAGE_LIMIT]


def _message(response: requests.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.text[:MESSAGE_LIMIT]
    return str(body.get("message", body) if isinstance(body, dict) else body)[:MESSAGE_LIMIT]
