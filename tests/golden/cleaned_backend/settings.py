"""What the service is told by its environment, checked once at start."""

import os
import socket
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICE_ACCOUNT_DIR = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Settings(BaseSettings):
    """One field an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(extra="ignore")

    argo_namespace: str = "argo"
    database_url: str = "sqlite:///backend.db"
    cors_origins: str = ""
    argo_server: str = ""
    argo_token: SecretStr | None = None
    argo_verify_tls: bool = True
    workflow_image: str = "python:3.11-slim"
    workflow_service_account: str = "workflow"
    workflow_suspend: bool = False
    results_pvc: str = "task-results-pvc"
    backend_dialect: Literal["one-step", "two-step"] = "one-step"
    faults_dir: Path = Path("/etc/hera-rollout/faults")
    code_revision: str = ""
    pod_name: str = Field(default_factory=socket.gethostname)
    service_account_dir: Path = SERVICE_ACCOUNT_DIR
    collect_seconds: float = Field(default=2.0, ge=0)
    request_seconds: float = Field(default=20.0, gt=0)
    port: int = 8000

    def argo_url(self) -> str:
        """The Argo Server's address, without a trailing slash; empty if there is none.

        A cluster without DNS still gives every pod the Service's address in its environment.
        """
        if self.argo_server:
            return self.argo_server.rstrip("/")
        host = os.environ.get("ARGO_SERVER_SERVICE_HOST", "")
        port = os.environ.get("ARGO_SERVER_SERVICE_PORT", "2746")
        return f"http://{host}:{port}" if host else ""

    def sqlalchemy_url(self) -> str:
        """DATABASE_URL with the driver we ship named in it."""
        for prefix in ("postgresql://", "postgres://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    def origins(self) -> list[str]:
        """CORS_ORIGINS as a list; commas between entries."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]
