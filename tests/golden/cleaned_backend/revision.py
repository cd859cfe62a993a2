"""Which code this is: evidence belongs to a code revision."""

import hashlib
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).parent
SOURCES = ("*.py", "migrations/**/*.py")


def hera_version() -> str:
    """The installed Hera's version; `absent` without one."""
    try:
        return metadata.version("hera")
    except metadata.PackageNotFoundError:
        return "absent"


def code_revision(given: str) -> str:
    """CODE_REVISION (an image digest, say) or a digest of our sources and packages, with the Hera version."""
    return f"{given or 'content-' + _content_digest()}+hera-{hera_version()}"


def _content_digest() -> str:
    digest = hashlib.sha256()
    for file in sorted({file for pattern in SOURCES for file in PACKAGE.glob(pattern)}):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    packages = {f"{dist.name}=={dist.version}" for dist in metadata.distributions()}
    digest.update("\n".join(sorted(packages)).encode())
    return digest.hexdigest()[:12]
