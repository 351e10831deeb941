"""The worker of sdk/conformance/scenarios.json: its handler does what the payload says.

HASTY_URL=http://localhost:8080 python3 sdk/python/conformance_worker.py
"""

import logging
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import hasty  # noqa: E402

logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"))

worker = hasty.Worker(
    os.environ.get("HASTY_URL", "http://localhost:8080"),
    token=os.environ.get("HASTY_TOKEN"),
    concurrency=int(os.environ.get("CONCURRENCY", "8")),
    lease_s=int(os.environ.get("LEASE_S", "5")),
    wait_s=int(os.environ.get("WAIT_S", "10")),
    drain_s=float(os.environ.get("DRAIN_S", "10")),
)


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels > 0 else 1


@worker.job(os.environ.get("HASTY_TYPE", "conformance"))
def handle(payload: Any, ctx: hasty.Context) -> Any:
    attempts = payload["attempts"]
    todo = attempts[min(ctx.attempt, len(attempts)) - 1]
    what = todo["do"]
    if what == "fail":
        raise RuntimeError(todo["message"])
    if what == "fail_unsendable":
        raise RuntimeError("bad \ud800 x")
    if what == "complete_nested":
        return nested(todo["levels"])
    if what == "fail_permanently":
        raise hasty.Permanent(todo["message"], todo.get("code"))
    if what == "retry_later":
        raise hasty.RetryLater(todo["delay_ms"] / 1000, todo["message"])
    if what == "tell":
        return {
            "attempt": ctx.attempt,
            "max_attempts": ctx.max_attempts,
            "has_fencing_token": ctx.fencing_token > 0,
            "has_deadline": ctx.deadline is not None,
        }
    if what == "progress":
        ctx.progress(todo["percent"], todo.get("message"), todo.get("data"))
    if what in ("progress", "sleep"):
        ctx.cancelled.wait(todo["ms"] / 1000)
        ctx.check()
    if what == "never_end":
        ctx.cancelled.wait()
        ctx.check()
    return todo.get("result")


worker.run()
