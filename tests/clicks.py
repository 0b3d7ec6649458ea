"""A visitor without a browser: sends what the page's scripts send, and whatever else one might think of."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx


class Visitor:
    """One session with the page at an address."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, secrets.token_hex(6)
        self.line = httpx.Client(base_url=url, timeout=60)
        self.config = self.line.get("config").json()
        self.parts = {c["props"].get("elem_id"): c for c in self.config["components"] if c["props"].get("elem_id")}

    def upload(self, name: str, content: bytes) -> str:
        (path,) = self.line.post("gradio_api/upload", files={"files": (name, content)}).json()
        return path

    def click(self, part: str, event: str, data: object) -> str:
        """What the page answers, as JSON text. part: elem_id of the component; data: as its script sends it."""
        target = self.parts[part]["id"]
        step = next(d for d in self.config["dependencies"] if [target, event] in [list(t) for t in d["targets"]])
        known = {c["id"]: c for c in self.config["components"]}
        values = [known[i]["props"].get("value") if known[i]["type"] != "state" else None for i in step["inputs"]]
        return self.join({"data": values, "event_data": data, "fn_index": step["id"], "trigger_id": target})

    def join(self, body: dict[str, Any]) -> str:
        """Everything that comes of an event, until it is over."""
        answer = self.line.post("gradio_api/queue/join", json={"session_hash": self.session, **body})
        if answer.status_code != 200:
            return answer.text
        told = []
        with self.line.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for row in stream.iter_lines():
                if row.startswith("data: "):
                    message = json.loads(row[6:])
                    told.append(message)
                    if message["msg"] in ("close_stream", "process_completed", "unexpected_error"):
                        break
        return json.dumps(told)

    def read(self, path: str) -> httpx.Response:
        """A file as the page would show it."""
        return self.line.get("gradio_api/file=" + path)
