"""An HTTPS proxy between an operator and the API server that does to requests what it is told to.

A rule is a pair (predicate on Request, fault). A fault is a coroutine function of an Exchange, which may forward the request, relay
the answer, answer by itself, reset the connection, or do nothing for ever: see faults.py. Each request is in `log`.
"""

import asyncio
import dataclasses
import json
import socket
import ssl
import struct
import time

from http11 import LIMIT, Connection, Gone, read_request

HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "host", "authorization", "keep-alive")


class Reset(Exception):
    """The client's connection is to be broken."""


@dataclasses.dataclass
class Rule:
    wants: object
    fault: object
    left: int  # how often it still applies
    hits: list = dataclasses.field(default_factory=list)  # the requests that it met


class Exchange:
    """One request on its way."""

    def __init__(self, proxy, request, client, upstream):
        self.proxy, self.request, self.upstream = proxy, request, upstream
        self._reader, self._writer = client
        self.response = None

    async def forward(self):
        """Sends the request to the API server and reads the head of its answer."""
        headers = {name: value for name, value in self.request.headers.items() if name not in HOP_BY_HOP}
        if self.proxy.agent:
            headers["user-agent"] = self.proxy.agent
        try:
            self.response = await self.upstream.send(self.request.method, self.request.target, headers, self.request.body)
        except Gone as error:
            raise Reset from error
        self.request.status = self.response.status
        self.request.answered = time.monotonic()
        return self.response

    async def pieces(self):
        """Of the answer, until its end or until the client has gone."""
        source = self.response.pieces.__aiter__()
        while True:
            task = asyncio.ensure_future(source.__anext__())
            try:
                while not (await asyncio.wait({task}, timeout=1))[0]:
                    if self.client_gone():
                        raise Reset
                yield task.result()
            except StopAsyncIteration:
                return
            except Gone as error:
                raise Reset from error
            finally:
                if not task.done():
                    task.cancel()
                    await asyncio.wait({task})
                    self.upstream.close()

    async def lines(self):
        """The events of a watch."""
        rest = b""
        async for piece in self.pieces():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line + b"\n"
        if rest:
            yield rest

    async def begin(self, status, headers):
        """The head of an answer in chunks."""
        kept = [f"{name}: {value}" for name, value in headers.items() if name not in HOP_BY_HOP]
        await self._write("\r\n".join([f"HTTP/1.1 {status} Answer", *kept, "transfer-encoding: chunked", "", ""]).encode("latin-1"))

    async def chunk(self, data):
        await self._write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def raw(self, data):
        await self._write(data)

    async def end(self):
        await self._write(b"0\r\n\r\n")

    async def relay(self):
        """The answer as it comes."""
        await self.begin(self.response.status, self.response.headers)
        async for piece in self.lines() if self.request.watch else self.pieces():
            await self.chunk(piece)
        await self.end()

    async def answer(self, status, body, headers=None):
        """An answer of our own: bytes, or an object for JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"content-type": "application/json", "content-length": len(data), **(headers or {})}
        await self._write("\r\n".join([f"HTTP/1.1 {status} Answer", *[f"{k}: {v}" for k, v in head.items()], "", ""]).encode() + data)

    def reset(self):
        raise Reset

    async def hang(self):
        """Says nothing any more, and never closes: until the client does, or the proxy ends."""
        while not self.client_gone():
            await asyncio.sleep(0.2)
        raise Reset

    def client_gone(self):
        return self._reader.at_eof() or self._writer.transport.is_closing()

    async def _write(self, data):
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise Reset from error


async def passes(exchange):
    await exchange.forward()
    await exchange.relay()


class Proxy:
    """Listens on a loopback port. `upstream` is (port, SSLContext) of the API server, with a client certificate that may do all."""

    def __init__(self, upstream, certificate):
        self._upstream = upstream
        self._context = self._serving(certificate)
        self._server, self.port = None, 0
        self._clients = {}  # writer -> its task
        self._watching = set()  # those of them that are in a watch
        self.log, self.rules = [], []
        self.handshakes_failed = 0
        self.agent = ""  # the User-Agent that the API server is told, for its audit log
        self.token = None  # the only bearer token that is let through; None: nobody is asked

    @staticmethod
    def _serving(certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        return context

    async def start(self):
        # TLS begins in _client, so that a handshake that the operator breaks off is counted
        self._server = await asyncio.start_server(self._client, "127.0.0.1", self.port, limit=LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self._server.close()
        self.cut()
        if self._clients:
            await asyncio.wait(list(self._clients.values()), timeout=10)

    def present(self, certificate):
        """Another certificate, for connections from now on."""
        self._context = self._serving(certificate)

    def cut(self, watches_only=False):
        """Breaks every connection that there is."""
        for writer in list(self._watching if watches_only else self._clients):
            writer.transport.abort()

    def arm(self, wants, fault, times=1 << 60):
        rule = Rule(wants, fault, times)
        self.rules.insert(0, rule)
        return rule

    def disarm(self, rule):
        if rule in self.rules:
            self.rules.remove(rule)

    def writes(self):
        return [request for request in self.log if request.writes]

    async def until(self, probe, limit=120):
        """Waits for probe() to be true, of the log or of what rules met."""
        async with asyncio.timeout(limit):
            while not probe():
                await asyncio.sleep(0.03)

    async def _client(self, reader, writer):
        self._clients[writer] = asyncio.current_task()
        upstream = Connection(*self._upstream)
        raw = writer
        try:
            try:
                await writer.start_tls(self._context, ssl_handshake_timeout=20)
            except (OSError, ssl.SSLError):
                self.handshakes_failed += 1
                return
            while request := await read_request(reader):
                if request.watch:
                    self._watching.add(raw)
                await self._serve(request, (reader, writer), upstream)
                self._watching.discard(raw)
        except (Reset, Gone):
            self._break(raw)
        except asyncio.CancelledError:
            pass
        finally:
            upstream.close()
            writer.transport.abort()
            self._clients.pop(raw, None)
            self._watching.discard(raw)

    async def _serve(self, request, client, upstream):
        request.number = len(self.log) + 1
        self.log.append(request)
        exchange = Exchange(self, request, client, upstream)
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            request.fault = "token refused"
            await exchange.answer(401, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "message": "Unauthorized", "code": 401})
            return
        for rule in self.rules:
            if rule.left > 0 and rule.wants(request):
                rule.left -= 1
                rule.hits.append(request)
                request.fault = rule.fault.__name__
                await rule.fault(exchange)
                return
        await passes(exchange)

    @staticmethod
    def _break(writer):
        """A reset, not an orderly close."""
        sock = writer.get_extra_info("socket")
        if sock is not None:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        writer.transport.abort()
