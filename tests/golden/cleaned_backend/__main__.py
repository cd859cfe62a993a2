"""`python -m reference_backend`: serve until SIGTERM, then finish what is under way."""

import logging
import time
import warnings

import uvicorn
from pydantic import ValidationError
from pydantic.warnings import PydanticDeprecatedSince20
from sqlalchemy.exc import ArgumentError

from reference_backend.app import create_app
from reference_backend.settings import Settings

GRACE_SECONDS = 10


def main() -> None:
    """Serve."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", datefmt="%FT%T"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Hera 7.1 calls an old name of Pydantic's; one warning a process would stand in every log check.
    warnings.filterwarnings("ignore", category=PydanticDeprecatedSince20, module="hera")
    try:
        settings = Settings()
        app = create_app(settings)
    except (ValidationError, ArgumentError) as error:
        raise SystemExit(f"The environment does not fit: {error}") from None
    uvicorn.run(
        app,
        host="0.0.0.0",  # noqa: S104 - in a pod
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=5,
    )


if __name__ == "__main__":
    main()
