from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import unittest
from decimal import Decimal
from pathlib import Path
from typing import Any, Iterator

import hasty
from tests.fake_server import CUT, FakeServer, Reply, at, lent, problem

logging.getLogger("hasty").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def running(worker: hasty.Worker) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        worker.stop()
        thread.join(15)
        assert not thread.is_alive(), "the worker did not stop"


class WorkerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = self.enterContext(FakeServer()) if sys.version_info >= (3, 11) else self._enter(FakeServer())

    def _enter(self, manager: Any) -> Any:
        entered = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return entered

    def worker(self, **options: Any) -> hasty.Worker:
        return hasty.Worker(self.server.url, **{"wait_s": 5, "concurrency": 4, **options})

    def test_a_job_runs_and_its_result_is_sent(self) -> None:
        worker = self.worker()
        seen = []

        @worker.job("test")
        def handle(payload: Any, ctx: hasty.Context) -> Any:
            seen.append((payload, ctx.job_id, ctx.attempt, ctx.fencing_token, ctx.traceparent))
            return {"n": payload["n"] * 2}

        self.server.add(lent(7, traceparent="00-a-b-01"))
        with running(worker):
            body = self.server.until(lambda: self.server.end_of("lease-7"))
        self.assertEqual(body, {"complete": {"result": {"n": 14}}})
        self.assertEqual(seen, [({"n": 7}, "job-7", 1, 107, "00-a-b-01")])
        claim = self.server.calls_to("/v1/work")[0].body
        self.assertEqual((claim["types"], claim["max"], claim["lease_s"]), (["test"], 4, 10))

    def test_async_handlers_run_on_one_loop_and_are_cancelled(self) -> None:
        worker = self.worker(lease_s=1)
        loops = set()
        cancelled = threading.Event()

        @worker.job("test")
        async def handle(payload: Any, ctx: hasty.Context) -> Any:
            loops.add(asyncio.get_running_loop())
            if payload["n"] == 3:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    cancelled.set()
                    raise
            return payload["n"]

        self.server.extended["lease-3"] = {"lease": "lease-3", "status": "cancel", "reason": "requested"}
        self.server.add(lent(1), lent(2), lent(3))
        with running(worker):
            self.server.until(lambda: len(self.server.settled()) == 2)
            self.assertTrue(cancelled.wait(5))
        self.assertEqual(len(loops), 1)
        self.assertEqual(sorted(self.server.settled()), [("lease-1", "complete"), ("lease-2", "complete")])

    def test_a_claim_whose_answer_was_lost_is_repeated_with_its_claim_id(self) -> None:
        worker = self.worker()
        ran = []
        worker.register("test", lambda payload, ctx: ran.append(payload["n"]))

        def lose(call: Any) -> Reply:
            self.server.claim(call)
            return CUT

        self.server.next["/v1/work"] = [lose]
        self.server.add(lent(1), lent(2))
        with running(worker):
            self.server.until(lambda: len(self.server.settled()) == 2)
        first, second = (call.body for call in self.server.calls_to("/v1/work")[:2])
        self.assertEqual(first["claim_id"], second["claim_id"])
        self.assertEqual(sorted(ran), [1, 2])
        others = [call.body["claim_id"] for call in self.server.calls_to("/v1/work")[2:] if call.body["max"] > 0]
        self.assertNotIn(first["claim_id"], others)

    def test_jobs_that_come_after_a_long_outage_are_run(self) -> None:
        worker = self.worker(lease_s=1)
        worker.register("test", lambda payload, ctx: ctx.cancelled.wait(1.5))
        self.server.next["/v1/work"] = [Reply(503, {}, {"Retry-After": "3"})]
        self.server.add(lent(1, lease_until=at(4)))
        with running(worker):
            self.server.until(lambda: self.server.settled())
        self.assertEqual(self.server.end_of("lease-1"), {"complete": {"result": False}})
        ids = [call.body["claim_id"] for call in self.server.calls_to("/v1/work")[:2]]
        self.assertEqual(ids[0], ids[1])

    def test_a_503_is_repeated_and_a_429_after_the_time_that_it_asks_for(self) -> None:
        worker = self.worker()
        # It ends while the next claim waits, so that its end goes alone.
        worker.register("test", lambda payload, ctx: time.sleep(0.2))
        self.server.next["/v1/work/job-1/complete"] = [problem(503, "unavailable"), problem(502, "unavailable")]
        self.server.next["/v1/work"] = [problem(429, "rate-limited", Retry_After="1")]
        self.server.add(lent(1))
        began = time.monotonic()
        with running(worker):
            self.server.until(lambda: len(self.server.calls_to("/v1/work/job-1/complete")) == 3)
        self.assertGreaterEqual(time.monotonic() - began, 1)

    def test_409_and_410_are_not_repeated(self) -> None:
        worker = self.worker()
        worker.register("test", lambda payload, ctx: time.sleep(0.2))
        self.server.next["/v1/work/job-1/complete"] = [problem(409, "superseded")]
        self.server.next["/v1/work/job-2/complete"] = [problem(410, "job-ended")]
        with running(worker):
            for n in (1, 2, 3):
                self.server.add(lent(n))
                self.server.until(lambda: (f"lease-{n}", "complete") in self.server.settled())
        ends = self.server.settled()
        self.assertEqual(len(ends), len(set(ends)))

    def test_heartbeats_cancel_and_supersede_and_the_ends_are_thrown_away(self) -> None:
        for answer, reason in (
            ({"status": "cancel", "reason": "requested"}, "requested"),
            ({"status": "superseded"}, "superseded"),
        ):
            with self.subTest(reason):
                worker = self.worker(lease_s=1)
                ended = []

                def handle(payload: Any, ctx: hasty.Context) -> Any:
                    ended.append((ctx.cancelled.wait(10), ctx.cancel_reason))
                    return "too late"

                worker.register("test", handle)
                self.server.calls.clear()
                self.server.extended["lease-1"] = {"lease": "lease-1", **answer}
                self.server.add(lent(1, lease_until=at(1)))
                with running(worker):
                    self.server.until(lambda: ended)
                self.assertEqual(ended, [(True, reason)])
                self.assertEqual(self.server.settled(), [])

    def test_leases_are_extended_while_a_job_runs_with_its_progress(self) -> None:
        worker = self.worker(lease_s=1)

        def handle(payload: Any, ctx: hasty.Context) -> Any:
            ctx.progress(40, "4 of 10", {"done": 4})
            ctx.cancelled.wait(1.2)
            ctx.check()
            return "done"

        worker.register("test", handle)
        self.server.add(lent(1, lease_until=at(1)))
        with running(worker):
            self.server.until(lambda: self.server.settled())
        beats = [call.body["leases"][0] for call in self.server.calls_to("/v1/work/extend")]
        self.assertGreaterEqual(len(beats), 3)
        progress = [beat["progress"] for beat in beats if "progress" in beat]
        self.assertEqual(progress, [{"percent": 40, "message": "4 of 10", "data": {"done": 4}}])

    def test_without_an_extension_the_lease_is_taken_for_lost(self) -> None:
        worker = self.worker(lease_s=1)
        reasons = []

        def handle(payload: Any, ctx: hasty.Context) -> Any:
            ctx.cancelled.wait(10)
            reasons.append(ctx.cancel_reason)
            ctx.check()

        worker.register("test", handle)
        self.server.next["/v1/work/extend"] = [CUT] * 1000
        self.server.add(lent(1, lease_until=at(1)))
        with running(worker):
            self.server.until(lambda: reasons)
        self.assertEqual(reasons, ["lease-lost"])
        self.assertEqual(self.server.settled(), [])

    def test_the_time_limit_ends_an_attempt(self) -> None:
        worker = self.worker()
        reasons = []

        def handle(payload: Any, ctx: hasty.Context) -> Any:
            ctx.cancelled.wait(10)
            reasons.append(ctx.cancel_reason)

        worker.register("test", handle)
        self.server.add(lent(1, timeout_ms=300))
        with running(worker):
            self.server.until(lambda: reasons)
        self.assertEqual((reasons, self.server.settled()), (["timeout"], []))

    def test_what_a_handler_raises_is_told(self) -> None:
        worker = self.worker()
        errors = {
            1: ValueError("bad"),
            2: hasty.Permanent("never", code="no-such-file"),
            3: hasty.RetryLater(1.5, "later"),
        }

        def handle(payload: Any, ctx: hasty.Context) -> Any:
            raise errors[payload["n"]]

        worker.register("test", handle)
        bodies = {}
        with running(worker):
            for n in errors:
                self.server.add(lent(n))
                bodies[n] = self.server.until(lambda: self.server.end_of(f"lease-{n}"))["fail"]
        self.assertIn("ValueError: bad", bodies[1]["error"].pop("stack"))
        self.assertEqual(bodies[1], {"error": {"name": "ValueError", "message": "bad"}})
        self.assertEqual(bodies[2]["retry"], False)
        self.assertEqual(bodies[2]["error"], {"name": "Permanent", "message": "never", "code": "no-such-file"})
        self.assertEqual(bodies[3]["retry"], {"delay_ms": 1500})

    def test_whatever_a_handler_raises_ends_its_own_attempt(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no text")

        class Coded(Exception):
            @property
            def code(self) -> str:
                raise RuntimeError("no code")

        def chained() -> BaseException:
            error = ValueError("outer \udc80")
            error.__cause__ = Mute()
            return error

        named = type("Odd", (Exception,), {"code": "c \ud800"})
        thrown = {
            "surrogate": (ValueError("bad \ud800 x"), {"name": "ValueError", "message": "bad \ufffd x"}),
            "pair": (ValueError("\ud83d\ude00"), {"name": "ValueError", "message": "\U0001f600"}),
            "mute": (Mute(), {"name": "Mute", "message": "Mute"}),
            "coded": (Coded("no code"), {"name": "Coded", "message": "no code"}),
            "code": (named("odd"), {"name": "Odd", "message": "odd", "code": "c \ufffd"}),
            "huge": (type("Huge", (Exception,), {"code": 10**5000})(), {"name": "Huge", "message": ""}),
            "chained": (chained(), {"name": "ValueError", "message": "outer \ufffd"}),
            "never": (hasty.RetryLater(float("inf"), "never"), {"name": "RetryLater", "message": "never"}),
            "no time": (hasty.RetryLater("soon", "later"), {"name": "RetryLater", "message": "later"}),  # type: ignore
            "exit": (SystemExit(1), {"name": "SystemExit", "message": "1", "code": "1"}),
            "interrupt": (KeyboardInterrupt(), {"name": "KeyboardInterrupt", "message": ""}),
            "cancel": (asyncio.CancelledError(), {"name": "CancelledError", "message": ""}),
        }
        worker = self.worker(concurrency=len(thrown) * 2)

        def handle(payload: Any, ctx: hasty.Context) -> Any:
            raise thrown[payload][0]

        async def handle_async(payload: Any, ctx: hasty.Context) -> Any:
            raise thrown[payload][0]

        worker.register("test", handle)
        worker.register("async", handle_async)
        with running(worker):
            for kind in ("test", "async"):
                for name in thrown:
                    self.server.add(lent(0, lease=f"{kind} {name}", type=kind, payload=name))
            for kind in ("test", "async"):
                for name, (_, expected) in thrown.items():
                    with self.subTest(kind, thrown=name):
                        body = self.server.until(lambda: self.server.end_of(f"{kind} {name}"))["fail"]
                        body["error"].pop("stack", None)
                        self.assertEqual(body, {"error": expected})

    def test_an_async_handler_that_cannot_be_called_ends_its_attempt(self) -> None:
        worker = self.worker()

        async def handle(payload: Any) -> Any:
            return payload

        worker.register("test", handle)
        self.server.add(lent(1))
        with running(worker):
            body = self.server.until(lambda: self.server.end_of("lease-1"))
        self.assertEqual(body["fail"]["error"]["name"], "TypeError")

    def test_an_error_that_the_server_refuses_is_replaced_once(self) -> None:
        worker = self.worker()

        def handle(payload: Any, ctx: hasty.Context) -> Any:
            raise hasty.RetryLater(1e12, "in the year 33658")

        worker.register("test", handle)

        def refuse(call: Any, *rest: Any) -> Reply:
            if "1000000000000000" in json.dumps(call.body):
                return problem(400, "invalid-request")
            return self.server.usual(call, *rest)

        self.server.usual_answer = refuse
        self.server.add(lent(1))
        with running(worker):
            message = "the error was refused: a invalid-request of the test"
            expected = {"error": {"name": "Error", "message": message, "code": "invalid-request"}}
            self.server.until(lambda: self.server.end_of("lease-1") == {"fail": expected})

    def test_what_a_handler_changes_later_is_sent_as_it_was(self) -> None:
        worker = self.worker(lease_s=1)
        shared: Any = {"n": 1}

        @worker.job("test")
        def handle(payload: Any, ctx: hasty.Context) -> Any:
            ctx.progress(Decimal(40), "half \ud800", shared)
            shared["n"] = object()
            self.server.until(lambda: any(call.body["leases"][0].get("progress") for call in extends()))
            shared["n"] = 2
            return shared

        def extends() -> Any:
            return self.server.calls_to("/v1/work/extend")

        self.server.add(lent(1, lease_until=at(1)))
        with running(worker):
            self.assertEqual(self.server.until(lambda: self.server.end_of("lease-1")), {"complete": {"result": {"n": 2}}})
        sent = next(call.body["leases"][0]["progress"] for call in extends() if "progress" in call.body["leases"][0])
        self.assertEqual(sent, {"percent": 40.0, "message": "half \ufffd", "data": {"n": 1}})

    def test_a_result_as_deep_as_python_can_go_ends_its_own_attempt(self) -> None:
        worker = self.worker(concurrency=1)

        def handle(depth: int, ctx: hasty.Context) -> Any:
            result: Any = 1
            for _ in range(depth):
                result = [result]
            return result

        worker.register("test", handle)
        depths = range(900, 1_000, 4)
        with running(worker):
            for depth in depths:
                self.server.add(lent(depth, payload=depth))
            for depth in depths:
                self.server.until(lambda: self.server.end_of(f"lease-{depth}"))

    def test_a_result_that_cannot_be_sent_fails_the_job(self) -> None:
        worker = self.worker()
        results = {1: object(), 2: float("nan"), 3: "x" * 600_000, 4: 2**60}
        worker.register("test", lambda payload, ctx: results[payload["n"]])

        def refuse(call: Any, *rest: Any) -> Reply:
            if str(2**60) in json.dumps(call.body):
                return problem(400, "number-out-of-range")
            return self.server.usual(call, *rest)

        self.server.usual_answer = refuse
        codes = []
        with running(worker):
            for n in results:
                self.server.add(lent(n))
                body = self.server.until(lambda: (self.server.end_of(f"lease-{n}") or {}).get("fail"))
                codes.append((body["error"]["code"], body["retry"]))
        expected = ["invalid-result", "invalid-result", "result-too-large", "number-out-of-range"]
        self.assertEqual(codes, [(code, False) for code in expected])

    def test_a_busy_worker_settles_with_its_next_claim(self) -> None:
        worker = self.worker(concurrency=2)
        both = threading.Barrier(2)
        worker.register("test", lambda payload, ctx: both.wait(5) and None)
        self.server.add(*(lent(n) for n in range(6)))
        with running(worker):
            self.server.until(lambda: len(self.server.settled()) == 6)
        settling = [call.body for call in self.server.calls_to("/v1/work") if call.body.get("settle")]
        together = {one["lease"] for body in settling for one in body["settle"]}
        # The last ones may end while the worker waits for more.
        self.assertLessEqual({"lease-0", "lease-1", "lease-2", "lease-3"}, together)
        self.assertTrue(all(body.get("wait_s", 0) == 0 for body in settling))

    def test_connections_are_kept(self) -> None:
        worker = self.worker(concurrency=1)
        worker.register("test", lambda payload, ctx: None)
        self.server.add(*(lent(n) for n in range(30)))
        with running(worker):
            self.server.until(lambda: len(self.server.settled()) == 30)
        self.assertLess(self.server.connections, 8)

    def test_a_stop_waits_for_running_jobs_and_claims_nothing_more(self) -> None:
        worker = self.worker(drain_s=10)
        started, go_on = threading.Event(), threading.Event()

        def handle(payload: Any, ctx: hasty.Context) -> Any:
            started.set()
            go_on.wait(10)

        worker.register("test", handle)
        self.server.add(lent(1))
        with running(worker) as thread:
            self.assertTrue(started.wait(5))
            worker.stop()
            time.sleep(0.3)
            self.server.add(lent(2))
            time.sleep(0.1)
            self.assertTrue(thread.is_alive())
            go_on.set()
            thread.join(10)
        self.assertEqual(self.server.settled(), [("lease-1", "complete")])

    def test_what_runs_at_the_end_of_the_drain_is_released(self) -> None:
        worker = self.worker(drain_s=0.2)
        started = threading.Event()

        def handle(payload: Any, ctx: hasty.Context) -> Any:
            started.set()
            if payload["n"] == 1:
                ctx.cancelled.wait(10)
                ctx.check()
            time.sleep(10)

        worker.register("test", handle)
        self.server.add(lent(1), lent(2))
        with running(worker) as thread:
            self.assertTrue(started.wait(5))
            worker.stop()
            thread.join(8)
            self.assertFalse(thread.is_alive())
        self.assertEqual(sorted(self.server.settled()), [("lease-1", "release"), ("lease-2", "release")])

    def test_jobs_of_a_claim_that_was_taken_back_are_released(self) -> None:
        worker = self.worker()
        worker.register("test", lambda payload, ctx: None)

        def answer_too_late(call: Any) -> Reply:
            self.server.claim(call)
            worker.stop()
            time.sleep(0.3)
            return CUT

        self.server.next["/v1/work"] = [answer_too_late]
        self.server.add(lent(1))
        with running(worker) as thread:
            thread.join(10)
        self.assertEqual(self.server.settled(), [("lease-1", "release")])

    def test_a_refused_worker_ends_with_the_error(self) -> None:
        worker = self.worker()
        worker.register("test", lambda payload, ctx: None)
        self.server.next["/v1/work"] = [problem(409, "wrong-runner")]
        with self.assertRaises(hasty.HastyError) as caught:
            worker.run()
        self.assertEqual((caught.exception.code, caught.exception.request_id), ("wrong-runner", "r-1"))

    def test_run_async_runs_handlers_on_the_callers_loop(self) -> None:
        worker = self.worker()

        async def main() -> None:
            async def handle(payload: Any, ctx: hasty.Context) -> Any:
                self.assertIs(asyncio.get_running_loop(), loop)
                return payload["n"]

            loop = asyncio.get_running_loop()
            worker.register("test", handle)
            work = asyncio.ensure_future(worker.run_async())
            await asyncio.to_thread(self.server.until, lambda: self.server.settled())
            worker.stop()
            await work

        self.server.add(lent(1))
        asyncio.run(main())
        self.assertEqual(self.server.settled(), [("lease-1", "complete")])

    @unittest.skipIf(os.name == "nt", "signals of Unix")
    def test_sigterm_ends_the_process_with_0(self) -> None:
        program = f"""
            import hasty, time
            worker = hasty.Worker({self.server.url!r}, drain_s=5)
            worker.register("test", lambda payload, ctx: time.sleep(0.5))
            worker.run()
        """
        self.server.add(lent(1))
        folder = Path(__file__).parent.parent
        with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=folder) as process:
            self.server.until(lambda: not self.server.jobs)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 0)
        self.assertEqual(self.server.settled(), [("lease-1", "complete")])


if __name__ == "__main__":
    unittest.main()
