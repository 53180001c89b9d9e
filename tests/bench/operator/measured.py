"""A reprise-operator that is paused, let go on and measured."""

import asyncio
import os
import pathlib
import re
import signal
import time

from world import free_port

TICK = os.sysconf("SC_CLK_TCK")
WRITES = {"create", "apply", "patch", "delete"}


class Measured:
    """`arguments` are added to the command line."""

    def __init__(self, program, kubeconfig, namespace, log, arguments=()):
        self._program, self._log = program, pathlib.Path(log)
        self._arguments = ["--agent-image", "registry.example.com/reprise@sha256:" + "a" * 64, "--kubeconfig", str(kubeconfig)]
        self._arguments += ["--watch-namespace", namespace, "--log-level", "warn", *arguments]
        self._process = None

    async def start(self):
        """Starts it, and returns the seconds until it was ready."""
        self._health, self._metrics = free_port(), free_port()
        ports = ["--health-port", str(self._health), "--metrics-port", str(self._metrics)]
        environment = {name: value for name, value in os.environ.items() if name.lower() not in ("http_proxy", "https_proxy", "all_proxy", "kubeconfig")}
        with self._log.open("ab") as log:
            begun = time.monotonic()
            self._process = await asyncio.create_subprocess_exec(str(self._program), *self._arguments, *ports, stdout=log, stderr=log, env=environment)
        while not (await self._get(self._health, "/readyz")).startswith("HTTP/1.1 200"):
            if self._process.returncode is not None:
                raise RuntimeError(f"the operator ended with {self._process.returncode}: {self._log.read_text()[-2000:]}")
            await asyncio.sleep(0.003)
        return time.monotonic() - begun

    async def stop(self):
        if self._process and self._process.returncode is None:
            self.go_on()
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), 40)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def pause(self):
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def cpu(self):
        """Seconds since its start."""
        fields = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self):
        """(resident now, resident at most), in MiB."""
        text = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        return tuple(int(re.search(rf"{name}:\s+(\d+)", text).group(1)) / 1024 for name in ("VmRSS", "VmHWM"))

    @staticmethod
    async def _get(port, target):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            return answer.decode()
        except OSError:
            return ""

    async def counts(self):
        """{"write", "read": requests to the API server that went well; "event": writes of events; "failed"; "reconcile", "cached"}"""
        out = dict.fromkeys(("write", "read", "event", "failed", "reconcile", "cached"), 0)
        for name, labels, value in re.findall(r"^(reprise_\w+)\{(.*)\} (\S+)$", await self._get(self._metrics, "/metrics"), re.MULTILINE):
            if name == "reprise_api_requests_total":
                verb, result = (re.search(rf'{label}="([^"]*)"', labels).group(1) for label in ("verb", "result"))
                kind = "event" if 'resource="events"' in labels else "write" if verb in WRITES else "read"
                out[kind if result == "ok" or (verb == "get" and result == "NotFound") else "failed"] += float(value)
            elif name == "reprise_reconcile_total":
                out["reconcile"] += float(value)
            elif name == "reprise_cache_objects":
                out["cached"] += float(value)
        return out

    async def settled(self, writes, limit=1800, still=3, looks=False):
        """Waits until that many writes were made and no more come: (when the last write was, or the last look, the counts).

        Looks are not waited for unless it is said: with thousands of models whose servers are not ready there is
        always one. Events are, but do not count: they are told by a thread of their own, which nothing waits for.
        """
        watched = ("write", "event", "reconcile") if looks else ("write", "event")
        begun = moved = wrote = time.monotonic()
        last = await self.counts()
        while True:
            await asyncio.sleep(0.1)
            now = await self.counts()
            if any(now[what] != last[what] for what in watched):
                wrote = wrote if now["write"] == last["write"] else time.monotonic()
                moved, last = time.monotonic(), now
            end = moved if looks else wrote
            if now["write"] >= writes and time.monotonic() - moved > still:
                return end, now
            if time.monotonic() - begun > limit or time.monotonic() - end > max(90, still):
                raise RuntimeError(f"{now['write']} of {writes} writes after {time.monotonic() - begun:.0f} s: {now}; {self._log.read_text()[-1500:]}")
