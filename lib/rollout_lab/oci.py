"""Container images written by hand: deterministic layers, an OCI layout in one tar file."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CREATED = "2026-01-01T00:00:00Z"
EPOCH = 1_767_225_600  # the same: nothing in a layer is newer, so equal content gives equal bytes
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CHUNK = 1 << 20


@dataclass(frozen=True)
class Layer:
    """A layer's tar file and its digest."""

    path: Path
    digest: str

    @property
    def size(self) -> int:
        """Bytes of the tar file."""
        return self.path.stat().st_size


@dataclass(frozen=True)
class Image:
    """What an image is made of.

    Attributes:
        name: full name, as containerd stores it.
        layers: bottom first.
        settings: the `config` part: Env, Entrypoint, Cmd, User, WorkingDir.
    """

    name: str
    layers: tuple[Layer, ...]
    settings: Mapping[str, object] = field(default_factory=dict)

    def config(self) -> bytes:
        """The image's config blob; one history entry a layer, with a time, or buildah's cache never hits."""
        document = {
            "architecture": "amd64",
            "os": "linux",
            "config": dict(self.settings),
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
            "created": CREATED,
            "history": [{"created": CREATED, "created_by": "rollout-lab"} for _ in self.layers],
        }
        return _canonical(document)

    def manifest(self) -> bytes:
        """The image's manifest blob."""
        config = self.config()
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, _digest(config), len(config)),
            "layers": [_descriptor(LAYER_TYPE, layer.digest, layer.size) for layer in self.layers],
        }
        return _canonical(document)

    @property
    def digest(self) -> str:
        """The manifest's digest: the identity of the image."""
        return _digest(self.manifest())

    def index(self) -> bytes:
        """The layout's entry point; the annotation carries the name containerd gives it."""
        manifest = self.manifest()
        entry = _descriptor(MANIFEST_TYPE, _digest(manifest), len(manifest))
        entry["annotations"] = {"io.containerd.image.name": self.name, "org.opencontainers.image.ref.name": self.name}
        return _canonical({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]})


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def file_digest(path: Path) -> str:
    """The digest of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def _entry(name: str, source: Path) -> tarfile.TarInfo:
    status = source.lstat()
    entry = tarfile.TarInfo(name)
    entry.mode, entry.uid, entry.gid = status.st_mode & 0o7777, status.st_uid, status.st_gid
    entry.mtime = min(int(status.st_mtime), EPOCH)
    if source.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, str(source.readlink())
    elif source.is_dir():
        entry.type = tarfile.DIRTYPE
    else:
        entry.size = status.st_size
    return entry


def tree_files(root: Path) -> Iterable[tuple[str, Path]]:
    """Every folder, link and file below a root, sorted by name; sockets and devices are left out."""
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or path.is_dir() or path.is_file():
            yield str(path.relative_to(root)), path


def write_layer(target: Path, files: Iterable[tuple[str, Path]]) -> Layer:
    """Write a layer from (name in the image, file here) pairs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, source in files:
            entry = _entry(name, source)
            if entry.isreg():
                with source.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
    return Layer(target, file_digest(target))


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(content), EPOCH
    archive.addfile(entry, io.BytesIO(content))


def write_archive(target: Path, image: Image) -> None:
    """Write an image as an OCI layout in one tar file, as `ctr images import` and buildah read it."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        _add_bytes(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add_bytes(archive, "index.json", image.index())
        for blob in (image.config(), image.manifest()):
            _add_bytes(archive, _blob(_digest(blob)), blob)
        for layer in {layer.digest: layer for layer in image.layers}.values():
            entry = tarfile.TarInfo(_blob(layer.digest))
            entry.size, entry.mtime = layer.size, EPOCH
            with layer.path.open("rb") as content:
                archive.addfile(entry, content)


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")
