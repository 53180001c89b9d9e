"""What the test cases share: one event loop in a thread of its own, one control plane, and an operator that serves a version."""

import asyncio
import json
import sys
import threading
import unittest

import world as worlds
from story import DEPLOYMENT, IMAGE, PIPELINE
from kubelet import Kubelet
from world import World, stopped, until

AUDIT = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- {level: Request, verbs: [create, update], resources: [{group: coordination.k8s.io, resources: [leases]}]}
- {level: Metadata, verbs: [create, update, patch, delete]}
- {level: None}
"""


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


class Shared:
    """Begun when it is first asked for."""

    _loop = _world = None
    _worlds = []  # each that was begun: ended at the latest when the program does

    @classmethod
    def run(cls, work, limit=900):
        """The result of a coroutine."""
        if cls._loop is None:
            cls._loop = asyncio.new_event_loop()
            threading.Thread(target=cls._loop.run_forever, daemon=True).start()
        waiting = asyncio.run_coroutine_threadsafe(work, cls._loop)
        try:
            return waiting.result(limit)
        except BaseException:
            waiting.cancel()
            raise

    @classmethod
    def world(cls):
        if cls._world is None:
            made = World(worlds.default_operator(), "--audit-policy-file=@/audit.yaml --audit-log-path=@/audit.log --audit-log-mode=batch")
            (made.folder / "audit.yaml").write_text(AUDIT)
            cls._world = cls.begun(made)
        return cls._world

    @classmethod
    def begun(cls, made):
        cls._worlds.append(made)
        cls.run(made.start(), 180)
        return made

    @classmethod
    def end(cls, one=None):
        """That world, or all."""
        for made in [one] if one else list(cls._worlds):
            cls._worlds.remove(made)
            cls.run(made.stop(), 120)


class Case(unittest.TestCase):
    """A test whose `async def scenario` methods run on the shared loop: def test_x(self): self.play(self._x)."""

    limit = 600

    def play(self, work, *arguments):
        self.play_on(Shared.world(), work, *arguments)

    def play_on(self, world, work, *arguments):
        self.world, self._closing = world, []
        try:
            Shared.run(work(*arguments), self.limit)
        except BaseException:
            self._tell_logs()
            raise
        finally:
            Shared.run(self._close(), 120)

    def _tell_logs(self):
        """What the operators of this test said last: with it a failure that comes once in a hundred runs can be understood."""
        for thing in self._closing:
            if isinstance(thing, worlds.Operator):
                state = "runs" if thing.running else f"ended with {thing.status}"
                say(f"the operator of {thing.namespace} {state}; it said last:\n{thing.log()[-4000:]}")

    async def _close(self):
        await stopped(self._closing)

    def later(self, thing):
        """Stopped when the test ends."""
        self._closing.append(thing)
        return thing

    async def namespace(self, word):
        return await self.world.namespace(word)

    async def proxy(self, certificate=None):
        return self.later(await self.world.proxy(certificate))

    async def operator(self, proxy, namespace, **settings):
        return self.later(await self.world.run(proxy, namespace, **settings))

    async def serving(self, word, **settings):
        """(namespace, proxy, operator) where fuel-1 serves."""
        namespace, proxy = await self.namespace(word), await self.proxy()
        await self.serve(namespace)
        operator = await self.operator(proxy, namespace, **settings)
        await self.served(namespace)
        return namespace, proxy, operator

    async def serve(self, namespace):
        """What a user and an earlier run have left there."""
        kubelet = Kubelet(self.world.api, namespace)
        self.later(kubelet)
        kubelet.start()
        await self.world.api.create(namespace, "modelversions", version("fuel-1"))
        await self.world.api.create(namespace, "modeldeployments", DEPLOYMENT)

    async def served(self, namespace, replicas=1):
        """Until fuel-1 serves on so many Pods, and the status says so."""

        async def probe():
            child = await self.world.api.get(namespace, "deployments", "fuel-fuel-1")
            thing = await self.world.api.get(namespace, "modeldeployments", "fuel")
            status = thing.get("status", {})
            observed = status.get("observedGeneration") == thing["metadata"]["generation"]
            return child and child["spec"]["replicas"] == replicas and observed and status.get("active") == "fuel-1" and status.get("replicas") == replicas

        try:
            await until(f"fuel-1 on {replicas} Pods in {namespace}", probe)
        except AssertionError as error:
            raise AssertionError(f"{error}; there is {await self._picture(namespace)}") from None

    async def _picture(self, namespace):
        """Spec and status of what fuel-1 needs to serve."""
        there = {kind: await self.world.api.list(namespace, kind) for kind in ("modeldeployments", "deployments", "replicasets", "pods")}
        return json.dumps({kind: [{part: one.get(part, {}) for part in ("spec", "status")} | {"name": one["metadata"]["name"]} for one in ones] for kind, ones in there.items()})

    async def scale(self, namespace, replicas):
        await self.world.api.patch(namespace, "modeldeployments", "fuel", {"spec": {"replicas": replicas}})

    async def lives(self, namespace, replicas):
        """It still sees what a user does, and does it."""
        await self.scale(namespace, replicas)
        await self.served(namespace, replicas)

    async def pause(self):
        """Between two looks."""
        await asyncio.sleep(0.1)

    async def quiet(self, proxy, seconds=1.5):
        """Until no write came for that long."""
        seen = -1
        while seen != len(proxy.writes()):
            seen = len(proxy.writes())
            await asyncio.sleep(seconds)


def version(name, model="fuel"):
    digest = name.encode().hex().ljust(64, "0")
    return {
        "apiVersion": "reprise.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": name, "labels": {"reprise.dev/model": model}},
        "spec": {
            "model": model,
            "artifact": {"uri": f"pvc://models/sha256/{digest}", "sha256": digest, "bytes": 1},
            "environment": {"image": IMAGE, "python": "3.11.2"},
            "metrics": {"accuracy": "0.9"},
            "lineage": {"pipeline": "fuel", "run": name},
        },
    }
