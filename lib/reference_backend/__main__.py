"""`python -m reference_backend`: serve until SIGTERM, then finish what is under way."""

import logging
import time

import uvicorn

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
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host="0.0.0.0",  # noqa: S104 - in a pod
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=5,
    )


if __name__ == "__main__":
    main()
