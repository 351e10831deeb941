"""The leases of a worker: they are extended in time, and the server says which jobs to stop."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Dict, List

from ._held import Held
from ._transport import Transport, backoff_s, is_passing
from .errors import HastyError

log = logging.getLogger("hasty")

CALL_MAX = 100
PROGRESS_EVERY_S = 1.0
#: The server waits two seconds after the end of a lease before another worker gets the job.
LEASE_SLACK_S = 1.0


class Leases:
    """All jobs that a worker holds. `cond` guards them, and is notified of every change."""

    def __init__(self, transport: Transport, worker_id: str, lease_s: int) -> None:
        self.cond = threading.Condition()
        #: By lease, from the claim until the end is confirmed.
        self.held: Dict[str, Held] = {}
        self.beat_now = False
        self.is_closed = False
        self._transport = transport
        self._worker_id = worker_id
        self._lease_s = lease_s

    def loop(self) -> None:
        third = self._lease_s / 3
        last = time.monotonic()
        progress_at = 0.0
        tries = 0
        while True:
            with self.cond:
                while not self.is_closed:
                    now = time.monotonic()
                    self._watch_clocks(now)
                    live = [held for held in self.held.values() if not held.context.cancelled.is_set()]
                    last = last if live else now
                    # The server moves a lease of which little is left: a third is enough for some lost calls.
                    soonest = min((held.lease_ends_at for held in live), default=now + third) - 0.9 * third
                    due = max(last + third / 4, min(last + third, soonest))
                    if tries:
                        due = last + min(backoff_s(tries), third)
                    elif any(held.context.unsent_progress is not None for held in live):
                        due = min(due, max(progress_at, last))
                    if live and (self.beat_now or due <= now):
                        break
                    ends = [min(held.ends_at, held.lease_ends_at + LEASE_SLACK_S) for held in live]
                    self.cond.wait(max(0.0, min([due if live else now + third, *ends]) - now))
                if self.is_closed:
                    return
                self.beat_now = False
                beats = [(held, held.context.unsent_progress) for held in live]
                for held, _ in beats:
                    held.context.unsent_progress = None
            last = time.monotonic()
            if any(progress is not None for _, progress in beats):
                progress_at = last + PROGRESS_EVERY_S
            is_done = True
            for n in range(0, len(beats), CALL_MAX):
                is_done = self._extend(beats[n : n + CALL_MAX], third) and is_done
            tries = 0 if is_done else tries + 1

    def _watch_clocks(self, now: float) -> None:
        """Called with the lock held."""
        for held in self.held.values():
            if now >= held.ends_at:
                held.cancel("timeout")
            elif now >= held.lease_ends_at + LEASE_SLACK_S:
                held.cancel("lease-lost")

    def _extend(self, beats: List[Any], third: float) -> bool:
        """Returns whether the server was reached."""
        leases = [
            {"lease": held.lease} if progress is None else {"lease": held.lease, "progress": progress}
            for held, progress in beats
        ]
        body = {"worker_id": self._worker_id, "lease_s": self._lease_s, "leases": leases}
        asked_at = time.monotonic()
        try:
            answer = self._transport.exchange("POST", "/v1/work/extend", body, {}, max(third, 2.0)).json()
        except HastyError as error:
            log.warning("extend: %s", error)
            if not is_passing(error):
                # The progress of one job must not cost all others their leases.
                return len(leases) == sum(map(len, leases)) or self._extend([(held, None) for held, _ in beats], third)
            with self.cond:
                for held, progress in beats:
                    # A newer one may have come meanwhile.
                    held.context.unsent_progress = held.context.unsent_progress or progress
            return False
        with self.cond:
            for (held, _), extended in zip(beats, answer["leases"]):
                status = extended["status"]
                if status == "ok":
                    held.extended(extended["lease_until"], asked_at, self._lease_s)
                elif held.lease in self.held:
                    held.cancel(extended.get("reason", "requested") if status == "cancel" else status)
        return True
