"""A stand-in for the Argo Server at the seam of HTTP: a real server on loopback that keeps workflows in memory.

The service's own tests must run on a developer's machine without a cluster; tests/live/ has the real thing.
"""

import contextlib
import json
import socket
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BASE = "/api/v1/workflows/argo"


class ArgoStub:
    """Workflows by name, every request that came, and what is to go wrong next."""

    def __init__(self):
        self.workflows = {}
        self.archive = {}
        self.requests = []
        self.logs = {}
        self.trouble = {}  # method -> list of troubles, used up one by one
        self.delay = 0.0
        self.connections = set()
        handler = type("Handler", (_Handler,), {"stub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        """Be gone, as after a kill: nothing listens and every open connection is cut."""
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def creates(self):
        return [entry for entry in self.requests if entry[0] == "POST"]

    def finish(self, name, phase="Succeeded", log="hello\n", message=""):
        node = {"id": name, "name": name, "type": "Pod", "phase": phase, "templateName": "main"}
        times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:05Z"}
        self.workflows[name]["status"] = {"phase": phase, "message": message, "nodes": {name: node}, **times}
        self.logs[name] = log

    def running(self, name, log=""):
        node = {"id": name, "name": name, "type": "Pod", "phase": "Running", "templateName": "main"}
        self.workflows[name]["status"] = {
            "phase": "Running",
            "nodes": {name: node},
            "startedAt": "2026-01-01T00:00:00Z",
        }
        self.logs[name] = log


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: ArgoStub

    def setup(self):
        super().setup()
        self.stub.connections.add(self.connection)

    def finish(self):
        self.stub.connections.discard(self.connection)
        super().finish()

    def log_message(self, *_args):
        pass

    def _trouble(self):
        waiting = self.stub.trouble.get(self.command) or []
        return waiting.pop(0) if waiting else None

    def _serve(self):
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        self.stub.requests.append((self.command, parts.path, body, dict(self.headers)))
        trouble = self._trouble()
        if isinstance(trouble, int):
            self._answer(trouble, {"code": 13, "message": f"stub says {trouble}"})
            return
        time.sleep(self.stub.delay)
        if trouble == "drop-before":
            self.close_connection = True
            return
        tail = parts.path.removeprefix(BASE)
        status, document = getattr(self, f"_{self.command.lower()}")(tail, body, parse_qs(parts.query))
        if trouble == "drop-after":
            self.close_connection = True
            return
        self._answer(status, document)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _answer(self, status, document):
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _post(self, _tail, body, _query):
        workflow = body["workflow"]
        name = workflow["metadata"]["name"]
        if name in self.stub.workflows:
            return 409, {"code": 6, "message": f'workflows.argoproj.io "{name}" already exists'}
        workflow["metadata"]["uid"] = str(uuid.uuid4())
        self.stub.workflows[name] = workflow
        return 200, workflow

    def _get(self, tail, _body, query):
        if tail == "":
            selector = dict(part.partition("=")[::2] for part in query["listOptions.labelSelector"][0].split(","))
            return 200, {"items": [w for w in self.stub.workflows.values() if _selected(w, selector)]}
        name, _, rest = tail.strip("/").partition("/")
        workflow = self.stub.workflows.get(name) or self.stub.archive.get(name)
        if workflow is None:
            return 404, {"code": 5, "message": f'workflows.argoproj.io "{name}" not found'}
        if rest == "log":
            lines = self.stub.logs.get(name, "").splitlines()
            entries = [json.dumps({"result": {"content": line, "podName": name}}) for line in lines]
            return 200, "\n".join(entries).encode()
        return 200, workflow

    def _put(self, tail, body, _query):
        name = tail.strip("/").partition("/")[0]
        if name not in self.stub.workflows:
            return 404, {"code": 5, "message": "not found"}
        self.stub.finish(
            name, "Failed", self.stub.logs.get(name, ""), "Stopped with strategy 'Stop': " + body["message"]
        )
        return 200, self.stub.workflows[name]

    def _delete(self, tail, _body, _query):
        if self.stub.workflows.pop(tail.strip("/"), None) is None:
            return 404, {"code": 5, "message": "not found"}
        return 200, {}


def _selected(workflow, selector):
    labels = workflow["metadata"].get("labels", {})
    return all(key in labels and value in {"", labels[key]} for key, value in selector.items())
