"""What can happen to a request. Each is a coroutine function of an Exchange; those with arguments make one."""

import asyncio
import json

from proxy import passes  # noqa: F401 - it is one of them

REASONS = {404: "NotFound", 409: "Conflict", 410: "Expired", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


def status_object(code, message):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": REASONS[code], "code": code}


async def reset_before(exchange):
    """The connection breaks before the API server has seen anything."""
    exchange.reset()


async def reset_after(exchange):
    """The API server does it, and the answer is lost."""
    response = await exchange.forward()
    await response.read()
    exchange.reset()


async def half_open(exchange):
    """No answer, and no end of the connection."""
    await exchange.hang()


async def stall(exchange):
    """Half of the answer's first piece, and then nothing more."""
    await exchange.forward()
    await exchange.begin(exchange.response.status, exchange.response.headers)
    async for piece in exchange.pieces():
        await exchange.raw(f"{len(piece):x}\r\n".encode() + piece[: len(piece) // 2])
        break
    await exchange.hang()


async def stall_then_reset(exchange):
    """Half of the first piece, and then the connection breaks."""
    await exchange.forward()
    await exchange.begin(exchange.response.status, exchange.response.headers)
    async for piece in exchange.lines():
        await exchange.raw(f"{len(piece):x}\r\n".encode() + piece[: len(piece) // 2])
        await asyncio.sleep(0.5)
        exchange.reset()


def answers(code, retry_after=None):
    async def refused(exchange):
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        await exchange.answer(code, status_object(code, f"the proxy says {code}"), headers)

    refused.__name__ = f"answers {code}"
    return refused


async def gone_in_stream(exchange):
    """A watch whose only event is ERROR 410."""
    await exchange.begin(200, {"content-type": "application/json"})
    await exchange.chunk(json.dumps({"type": "ERROR", "object": status_object(410, "too old resource version")}).encode() + b"\n")
    await exchange.end()


async def truncated(exchange):
    """Whole as HTTP, but half of the JSON."""
    await exchange.forward()
    if exchange.request.watch:
        await exchange.begin(exchange.response.status, exchange.response.headers)
        async for line in exchange.lines():
            await exchange.chunk(line[: len(line) // 2] + b"\n")
            break
        await exchange.end()
    else:
        body = await exchange.response.read()
        await exchange.answer(exchange.response.status, body[: len(body) // 2])


def oversized(size):
    """A line of a watch, or an answer, that is larger than anybody may send."""

    async def oversized_json(exchange):
        await exchange.begin(200, {"content-type": "application/json"})
        await exchange.chunk(b'{"type":"ADDED","object":{"metadata":{"name":"')
        for _ in range(size // 65536):
            await exchange.chunk(b"x" * 65536)
        await exchange.chunk(b'"}}}\n')
        await exchange.end()

    return oversized_json


def slow(seconds):
    async def delayed(exchange):
        await exchange.forward()
        await asyncio.sleep(seconds)
        await exchange.relay()

    return delayed


def drops(wants):
    """A watch without the events for which wants(event) is true: what comes after them does come."""

    async def drops_events(exchange):
        await exchange.forward()
        await exchange.begin(exchange.response.status, exchange.response.headers)
        async for line in exchange.lines():
            if exchange.response.status != 200 or not wants(json.loads(line)):
                await exchange.chunk(line)
        await exchange.end()

    return drops_events


def cut_after(lines):
    """A watch that ends in order after so many events."""

    async def cut_watch(exchange):
        await exchange.forward()
        await exchange.begin(exchange.response.status, exchange.response.headers)
        seen = 0
        async for line in exchange.lines():
            await exchange.chunk(line)
            seen += 1
            if seen >= lines:
                break
        exchange.upstream.close()
        await exchange.end()

    return cut_watch


def coalesces(seconds):
    """A watch that tells of each object only what it has become after so long: every event in between is lost."""

    async def coalesced(exchange):
        await exchange.forward()
        await exchange.begin(exchange.response.status, exchange.response.headers)
        held = {}

        async def flush():
            lines = list(held.values())
            held.clear()
            for line in lines:
                await exchange.chunk(line)

        async def flush_now_and_then():
            while True:
                await asyncio.sleep(seconds)
                await flush()

        flushing = asyncio.create_task(flush_now_and_then())
        try:
            async for line in exchange.lines():
                event = json.loads(line)
                meta = event.get("object", {}).get("metadata", {})
                key = meta.get("uid") or event.get("type")
                held.pop(key, None)  # it comes in the place of the newest
                held[key] = line
        finally:
            flushing.cancel()
        await flush()
        await exchange.end()

    return coalesced
