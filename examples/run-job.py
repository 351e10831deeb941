"""Sends a job, waits for its end and prints its result, with Python's own library.

HASTY_URL=http://localhost:8080 HASTY_TOKEN=... python3 examples/run-job.py invoice-42
"""

import json
import os
import sys
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

URL = os.environ.get("HASTY_URL", "http://localhost:8080")
TOKEN = os.environ.get("HASTY_TOKEN")


def call(path, body=None):
    """A POST with a body, else a GET. Ends the program when the answer is an error."""
    # `Prefer: wait` makes the server wait for the end of the job, here up to 30 s.
    headers = {"Content-Type": "application/json", "Prefer": "wait=30"}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(URL + path, data, headers), timeout=60) as response:
            return json.load(response)
    except HTTPError as error:
        sys.exit(explain(json.load(error)))
    except URLError as error:
        sys.exit(f"{URL} did not answer: {error.reason}")


def explain(problem):
    """An error is an object, too (RFC 9457)."""
    return f"{problem['code']}: {problem['detail']}"


object_id = sys.argv[1] if len(sys.argv) > 1 else "invoice-42"
job = call("/v1/jobs", {"object_id": object_id, "type": "add", "payload": {"numbers": [1, 2, 3, 4, 5, 6]}})
while job["status"] == "processing":
    job = call(f"/v1/jobs/{job['job_id']}")

print(f"Job {job['job_id']}: {job['status']}")
if job["status"] != "finished":
    sys.exit(str(job["error"]))
print(f"Result: {json.dumps(job['result'])}")
