"""What can go wrong, each with the status its client gets.

::

    BackendError            500
    ├── BadInput            400  the request's content cannot work
    ├── NotFound            404
    ├── Conflict            409  the request does not fit the present state
    └── Unavailable         503  something we need is not there; try later
        ├── ArgoUnreachable      nothing was sent: nothing happened
        └── ArgoAnswerLost       sent, but no answer: it may have happened
    ArgoRefused                  the Argo Server said no; carries its status
"""

# ruff: noqa: N818 - named after what happened; only the base says that they are errors


class BackendError(Exception):
    """Base of all errors with an answer for the client.

    Attributes:
        status: The HTTP status of the answer.
    """

    status = 500


class BadInput(BackendError):
    """The request is well formed, but its content cannot work."""

    status = 400


class NotFound(BackendError):
    """No such task, run or workflow."""

    status = 404


class Conflict(BackendError):
    """The request does not fit the state of the task."""

    status = 409


class Unavailable(BackendError):
    """A part we depend on does not answer or refuses us."""

    status = 503


class ArgoUnreachable(Unavailable):
    """No connection to the Argo Server: the request was never sent."""


class ArgoAnswerLost(Unavailable):
    """The request went out and no usable answer came back: look it up before doing anything else."""


class ArgoRefused(BackendError):
    """The Argo Server answered with an error.

    Attributes:
        code: The Argo Server's own HTTP status.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def for_client(self) -> BackendError:
        """The same refusal in our own words and with our own status."""
        if self.code in {400, 422}:
            return BadInput(f"Argo refused the workflow: {self}")
        if self.code in {401, 403}:
            return Unavailable(f"The Argo Server refuses the backend's ServiceAccount: {self}. Check its Role.")
        return Unavailable(f"The Argo Server answered {self.code}: {self}")
