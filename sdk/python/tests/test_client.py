from __future__ import annotations

import asyncio
import unittest
from typing import Any, List

import hasty
from hasty._events import parse_stream
from tests.fake_server import CUT, FakeServer, Reply, problem


def job(status: str, **members: Any) -> Reply:
    return Reply(body={"job_id": "j-1", "status": status, "reason": None, "error": None, "result": None, **members})


class ClientTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = FakeServer().__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.client = hasty.Hasty(self.server.url, token="t-1", retry_for_s=5)
        self.addCleanup(self.client.close)

    def test_a_post_is_repeated_with_one_key_until_it_is_answered(self) -> None:
        self.server.next["/v1/jobs"] = [CUT, problem(503, "unavailable"), job("processing"), job("finished", result=6)]
        self.assertEqual(self.client.run("add", {"numbers": [1, 2, 3]}), 6)
        posts = [call for call in self.server.calls if call.method == "POST"]
        self.assertEqual(len(posts), 3)
        keys = {call.headers["idempotency-key"] for call in posts}
        self.assertEqual(len(keys), 1)
        self.assertTrue(keys.pop().startswith("once-"))
        self.assertEqual(posts[0].headers["authorization"], "Bearer t-1")

    def test_a_refusal_is_an_error_with_its_members(self) -> None:
        self.server.next["/v1/jobs"] = [problem(400, "unknown-type")]
        with self.assertRaises(hasty.HastyError) as caught:
            self.client.create("nope")
        error = caught.exception
        self.assertEqual((error.status, error.code, error.request_id), (400, "unknown-type", "r-1"))
        self.assertEqual(len(self.server.calls), 1)

    def test_run_raises_what_became_of_the_job(self) -> None:
        for status, expected in (("failed", hasty.JobFailed), ("cancelled", hasty.JobCancelled)):
            self.server.next["/v1/jobs"] = [job("processing"), job(status, error={"message": "no luck"})]
            with self.assertRaisesRegex(expected, "no luck"):
                self.client.run("add")

    def test_a_wait_ends_in_time(self) -> None:
        self.server.next["/v1/jobs"] = [job("processing")] * 100
        with self.assertRaises(hasty.WaitTimeout) as caught:
            self.client.wait("j-1", wait_s=0.3)
        self.assertEqual(caught.exception.seen["status"], "processing")

    def test_a_cancel_of_a_cancelled_job_is_no_error(self) -> None:
        refusal = problem(409, "wrong-state")
        refusal.body["job"] = {"status": "cancelled", "reason": "requested"}
        self.server.next["/v1/jobs"] = [refusal, job("cancelled")]
        self.assertEqual(self.client.cancel("j-1")["status"], "cancelled")

    def test_a_list_has_the_items_of_all_pages(self) -> None:
        self.server.next["/v1/jobs"] = [
            Reply(body={"items": [{"job_id": "a"}], "next_cursor": "c 1"}),
            Reply(body={"items": [{"job_id": "b"}], "next_cursor": None}),
        ]
        found = [item["job_id"] for item in self.client.list(status=["failed", "timeout"], type="add")]
        self.assertEqual(found, ["a", "b"])
        self.assertEqual(self.server.calls[1].path, "/v1/jobs?status=failed%2Ctimeout&type=add&cursor=c+1")

    def test_a_batch_gives_each_job_an_object_id(self) -> None:
        self.server.next["/v1/jobs/batch"] = [Reply(body={"accepted": 2, "failed": 0, "items": []})]
        self.client.batch([{"type": "add"}, {"type": "add", "object_id": "mine"}], atomic=True, idempotency_key="k")
        call = self.server.calls[0]
        self.assertEqual(call.path, "/v1/jobs/batch?atomic=true")
        self.assertEqual([one["object_id"] for one in call.body], ["k-0", "mine"])

    def test_events_go_on_after_the_last_one_that_was_seen(self) -> None:
        def stream(text: str) -> Reply:
            return Reply(body=text.encode(), headers={"Content-Type": "text/event-stream"})

        one = 'id: 4\nevent: job:created\ndata: {"job_id": "j"}\n\nid: 5\n\n'
        two = 'id: 5\nevent: job:created\ndata: {}\n\n: alive\n\nid: 9\nevent: job:finished\ndata: {"result": 1}\n\n'
        self.server.next["/v1/jobs"] = [stream(one), stream(two), Reply(204, b"")]
        events = list(self.client.events("j-1"))
        found = [(event["seq"], event["event"]) for event in events]
        self.assertEqual(found, [(4, "job:created"), (9, "job:finished")])
        sent = [call.headers.get("last-event-id") for call in self.server.calls]
        self.assertEqual(sent, [None, "5", "9"])

    def test_a_client_with_credentials_fetches_one_token(self) -> None:
        def token(call: Any) -> Reply:
            self.assertEqual(call.body, "grant_type=client_credentials")
            self.assertTrue(call.headers["authorization"].startswith("Basic "))
            return Reply(body={"access_token": "fresh", "expires_in": 600})

        self.server.next["/token"] = [token]
        self.server.next["/v1/stats"] = [Reply(body={}), Reply(body={})]
        client = hasty.Hasty(self.server.url, client_id="billing", client_secret="s")
        client.stats()
        client.stats()
        self.assertEqual([call.path for call in self.server.calls], ["/token", "/v1/stats", "/v1/stats"])
        self.assertEqual(self.server.calls[2].headers["authorization"], "Bearer fresh")

    def test_the_client_for_asyncio_does_the_same(self) -> None:
        async def main() -> List[str]:
            async with hasty.AsyncHasty(self.server.url) as client:
                self.assertEqual(await client.run("add"), 6)
                return [item["job_id"] async for item in client.list()]

        page = Reply(body={"items": [{"job_id": "a"}], "next_cursor": None})
        self.server.next["/v1/jobs"] = [job("processing"), job("finished", result=6), page]
        self.assertEqual(asyncio.run(main()), ["a"])


class ParseTest(unittest.TestCase):
    def test_events_have_the_last_id_their_name_and_all_lines_of_data(self) -> None:
        text = b": hello\n\nid: 1\nevent: a\ndata: x\ndata: y\n\ndata: z\r\n\r\nid: 2\n\n"
        found = list(parse_stream(iter(text.splitlines(keepends=True))))
        self.assertEqual(found, [("1", "a", "x\ny"), ("1", "message", "z"), ("2", "message", None)])


if __name__ == "__main__":
    unittest.main()
