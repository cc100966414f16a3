"""Ganeti's remote API, spoken inside the master node."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.cluster.lab import Cluster

_CLIENT = r"""
import base64, ssl, sys, urllib.error, urllib.request
method, path, body = sys.argv[1:]
request = urllib.request.Request("https://127.0.0.1:5080" + path, body.encode() or None)
request.method = method
request.add_header("Content-Type", "application/json")
request.add_header("Authorization", "Basic " + base64.b64encode(b"lab:secret").decode())
try:
    print(urllib.request.urlopen(request, context=ssl._create_unverified_context()).read().decode())
except urllib.error.HTTPError as err:
    sys.exit(f"{err.code} {err.read().decode()}")
"""


class Rapi:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        users = "mkdir -p /var/lib/ganeti/rapi; echo 'lab secret write' >/var/lib/ganeti/rapi/users"
        cluster.master.run("sh", "-c", users)
        deadline = time.monotonic() + 20
        while True:  # until the daemon has seen the file
            try:
                self.call("GET", "/2/info")
                return
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        text = "" if body is None else json.dumps(body)
        out = self.cluster.master.run("python3", "-", method, path, text, stdin=_CLIENT).stdout
        return json.loads(out)

    def job(self, method: str, path: str, body: Any) -> str:
        """Submit, wait, and return the error's text, empty if there is none."""
        number = self.call(method, path, body)
        for _ in range(120):
            job = self.call("GET", f"/2/jobs/{number}")
            if job["status"] in ("success", "error", "canceled"):
                return "" if job["status"] == "success" else str(job["opresult"])
            time.sleep(0.5)
        raise TimeoutError(f"job {number}")
