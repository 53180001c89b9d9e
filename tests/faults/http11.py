"""HTTP/1.1 as the API server and the operator speak it: heads, bodies by length or in chunks, and a keep-alive client."""

import asyncio
import dataclasses
import json
import time
import urllib.parse

LIMIT = 1 << 24  # of a head or a chunk line; asyncio's own is too small for nothing that we read


class Gone(Exception):
    """The other side closed or broke the connection."""


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: dict  # names in lower case
    body: bytes = b""
    number: int = 0  # in its proxy's log, from 1
    time: float = 0.0  # time.monotonic() when its last byte came
    status: int = 0  # of the answer that the server gave; 0: it gave none
    fault: str = ""  # what the proxy did to it
    answered: float = 0.0  # time.monotonic() when the server's answer began

    @property
    def path(self):
        return urllib.parse.urlsplit(self.target).path

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.target).query, keep_blank_values=True))

    @property
    def watch(self):
        return self.method == "GET" and self.query.get("watch") == "true"

    @property
    def writes(self):
        return self.method not in ("GET", "HEAD", "OPTIONS")

    @property
    def resource(self):
        """modeldeployments, jobs, …; "" of a path that is no resource's."""
        parts = self._parts()
        return parts[0] if parts else ""

    def _parts(self):
        """[resource, name, subresource] as far as the path goes."""
        parts = [part for part in self.path.split("/") if part]
        if parts[:1] == ["api"]:
            parts = parts[2:]
        elif parts[:1] == ["apis"]:
            parts = parts[3:]
        else:
            return []
        return parts[2:] if parts[:1] == ["namespaces"] and len(parts) > 2 else parts

    @property
    def key(self):
        """What is asked of which object: the same in each namespace, and for each event about the same."""
        parts = self._parts()
        if self.method == "POST" and self.body:
            made = json.loads(self.body)
            if self.resource == "events":
                return f"POST events {made['involvedObject']['name']} {made['reason']}"
            parts = [*parts, made["metadata"]["name"]]
        if self.resource == "events":
            return f"{self.method} events"
        return f"{self.method} {'/'.join(parts)}"


@dataclasses.dataclass
class Response:
    status: int
    headers: dict
    pieces: object  # async iterator of bytes, to be read to its end before the connection is used again

    async def read(self):
        return b"".join([piece async for piece in self.pieces])


async def read_head(reader):
    """(first line, headers), or None where the other side closed in order."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Gone("closed in the middle of a head") from error
        return None
    except (OSError, asyncio.LimitOverrunError) as error:
        raise Gone(str(error)) from error
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return first, headers


async def read_pieces(reader, headers, until_close):
    """The body as it comes: each chunk of its own, or what the socket gave."""
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while True:
                size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
                piece = await reader.readexactly(size) if size else b""
                await reader.readexactly(2)
                if not size:
                    return
                yield piece
        elif "content-length" in headers:
            left = int(headers["content-length"])
            while left:
                piece = await reader.read(min(left, 65536))
                if not piece:
                    raise Gone("closed in the middle of a body")
                left -= len(piece)
                yield piece
        elif until_close:
            while piece := await reader.read(65536):
                yield piece
    except (asyncio.IncompleteReadError, OSError, ValueError) as error:
        raise Gone(f"broken off in a body: {error}") from error


async def read_request(reader):
    head = await read_head(reader)
    if head is None:
        return None
    first, headers = head
    method, target, _ = first.split(" ", 2)
    body = b"".join([piece async for piece in read_pieces(reader, headers, until_close=False)])
    return Request(method, target, headers, body, time=time.monotonic())


class Connection:
    """One keep-alive connection to the API server; one request at a time."""

    def __init__(self, port, context):
        self._port, self._context = port, context
        self._reader = self._writer = None

    async def send(self, method, target, headers, body):
        """The answer's head; its pieces are still to be read. Gone where there is none."""
        if self._writer and (self._reader.at_eof() or self._writer.transport.is_closing()):
            self.close()  # it was idle for too long for the server
        for fresh in (self._writer is None, True):
            try:
                if self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._context, limit=LIMIT)
                lines = [f"{method} {target} HTTP/1.1", f"host: 127.0.0.1:{self._port}", *[f"{name}: {value}" for name, value in headers.items()]]
                if body or method in ("POST", "PUT", "PATCH"):
                    lines.append(f"content-length: {len(body)}")
                self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
                await self._writer.drain()
                head = await read_head(self._reader)
                if head is not None:
                    break
                raise Gone("closed before an answer")
            except (OSError, Gone) as error:
                self.close()
                # A connection that had been idle may be closed by the server: a read is asked again, a write is not.
                if fresh or method != "GET":
                    raise Gone(str(error)) from error
        first, answer = head
        status = int(first.split(" ", 2)[1])
        bodiless = method == "HEAD" or status in (204, 304)
        return Response(status, answer, self._nothing() if bodiless else self._pieces(answer))

    async def _pieces(self, headers):
        whole = False
        try:
            async for piece in read_pieces(self._reader, headers, until_close=True):
                yield piece
            whole = True
        finally:
            framed = "content-length" in headers or "transfer-encoding" in headers
            if not whole or not framed or headers.get("connection", "").lower() == "close":
                self.close()

    async def _nothing(self):
        return
        yield

    def close(self):
        if self._writer:
            self._writer.transport.abort()
        self._reader = self._writer = None
