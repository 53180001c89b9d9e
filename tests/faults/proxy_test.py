"""The proxy between a client and a server that both are this test."""

import asyncio
import pathlib
import ssl
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import certificates  # noqa: E402
import faults  # noqa: E402
from http11 import Connection, Gone, Request, read_request  # noqa: E402
from play import per_object  # noqa: E402
from proxy import Proxy  # noqa: E402
from story import differences, normal  # noqa: E402


class Requests(unittest.TestCase):
    def key(self, method, target, body=b""):
        return Request(method, target, {}, body).key

    def test_are_named_by_what_they_do_to_which_object(self):
        group = "/apis/reprise.dev/v1alpha1/namespaces/some-ns"
        self.assertEqual(self.key("PATCH", f"{group}/modeldeployments/fuel/status?fieldManager=reprise"), "PATCH modeldeployments/fuel/status")
        self.assertEqual(self.key("POST", "/apis/batch/v1/namespaces/n/jobs", b'{"metadata":{"name":"fuel-1"}}'), "POST jobs/fuel-1")
        event = b'{"metadata":{"name":"fuel.17f"},"involvedObject":{"name":"fuel"},"reason":"RunDecided"}'
        self.assertEqual(self.key("POST", "/api/v1/namespaces/n/events", event), "POST events fuel RunDecided")
        self.assertEqual(self.key("DELETE", "/apis/apps/v1/namespaces/n/deployments/fuel-1"), "DELETE deployments/fuel-1")

    def test_of_watches_are_told_from_lists(self):
        self.assertTrue(Request("GET", "/api/v1/namespaces/n/pods?watch=true", {}).watch)
        self.assertFalse(Request("GET", "/api/v1/namespaces/n/pods?limit=500", {}).watch)
        self.assertEqual(Request("GET", "/api/v1/namespaces/n/pods?limit=500", {}).resource, "pods")


class States(unittest.TestCase):
    def test_are_compared_without_what_the_server_draws(self):
        one = {"metadata": {"uid": "a", "namespace": "ns-1"}, "status": {"at": "2026-01-01T00:00:00Z", "phase": "Succeeded"}}
        two = {"metadata": {"uid": "b", "namespace": "ns-2"}, "status": {"at": "2026-02-02T00:00:00Z", "phase": "Succeeded"}}
        self.assertEqual(differences(normal(one, "ns-1"), normal(two, "ns-2")), [])
        two["status"]["phase"] = "Failed"
        self.assertEqual(differences(normal(one, "ns-1"), normal(two, "ns-2")), ["/status/phase: 'Succeeded' != 'Failed'"])

    def test_differ_where_something_is_missing_or_more(self):
        self.assertEqual(differences({"a": 1}, {"b": 1}), ["/a: only in the reference", "/b: only in the replay"])
        self.assertEqual(len(differences({"a": [1]}, {"a": [1, 2]})), 1)


class Through(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self._temporary.name)
        authority = certificates.authority(folder)
        pair = certificates.certificate(folder, "server")
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(*pair)
        self.context = ssl.create_default_context(cafile=str(authority))
        self.seen = []
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=serving)
        self.proxy = await Proxy((self.server.sockets[0].getsockname()[1], self.context), pair).start()
        self.client = Connection(self.proxy.port, self.context)

    async def asyncTearDown(self):
        self.client.close()
        await self.proxy.stop()
        self.server.close()
        self._temporary.cleanup()

    async def _serve(self, reader, writer):
        while request := await read_request(reader):
            self.seen.append((request.method, request.target, request.body))
            body = [b'{"type":"ADDED"}\n', b'{"type":"MODIFIED"}\n']
            if request.watch:
                chunks = b"".join(f"{len(one):x}\r\n".encode() + one + b"\r\n" for one in body)
                writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 7\r\n\r\n{\"a\":1}")
            await writer.drain()
        writer.close()

    async def ask(self, method="POST", target="/api/v1/namespaces/n/services/a", body=b"{}"):
        response = await self.client.send(method, target, {}, body)
        return response.status, await response.read()

    async def test_what_no_rule_wants_passes(self):
        self.assertEqual(await self.ask(body=b'{"metadata":{"name":"x"}}'), (201, b'{"a":1}'))
        self.assertEqual(await self.ask("GET", "/api/v1/namespaces/n/pods?watch=true", b""), (200, b'{"type":"ADDED"}\n{"type":"MODIFIED"}\n'))
        self.assertEqual([request.status for request in self.proxy.log], [201, 200])
        self.assertEqual(sum(per_object(self.proxy).values()), 1)

    async def test_a_reset_after_the_body_was_done_and_one_before_was_not(self):
        self.proxy.arm(lambda _: True, faults.reset_before, times=1)
        with self.assertRaises(Gone):
            await self.ask()
        self.assertEqual(self.seen, [])
        self.proxy.arm(lambda _: True, faults.reset_after, times=1)
        with self.assertRaises(Gone):
            await self.ask()
        self.assertEqual(len(self.seen), 1)
        self.assertEqual((await self.ask())[0], 201)

    async def test_a_status_comes_with_its_headers(self):
        self.proxy.arm(lambda _: True, faults.answers(429, retry_after=7), times=1)
        response = await self.client.send("GET", "/x", {}, b"")
        await response.read()
        self.assertEqual((response.status, response.headers["retry-after"]), (429, "7"))
        self.assertEqual(self.seen, [])

    async def test_a_stalled_answer_says_something_and_never_ends(self):
        self.proxy.arm(lambda _: True, faults.stall, times=1)
        response = await self.client.send("GET", "/x", {}, b"")
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0.5):
                await response.read()

    async def test_only_the_last_of_many_events_is_told(self):
        self.proxy.arm(lambda _: True, faults.coalesces(60), times=1)
        self.assertEqual((await self.ask("GET", "/api/v1/namespaces/n/pods?watch=true", b""))[0], 200)

    async def test_without_the_token_nothing_passes(self):
        self.proxy.token = "t"
        self.assertEqual((await self.ask())[0], 401)
        self.assertEqual(self.seen, [])
        response = await self.client.send("POST", "/x", {"authorization": "Bearer t"}, b'{"metadata":{"name":"x"}}')
        self.assertEqual(response.status, 201)
        await response.read()

    async def test_a_client_that_trusts_nobody_here_is_counted(self):
        stranger = Connection(self.proxy.port, ssl.create_default_context())
        with self.assertRaises(Gone):
            await stranger.send("GET", "/x", {}, b"")
        await self.proxy.until(lambda: self.proxy.handshakes_failed == 1)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
