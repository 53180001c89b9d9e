"""Two operators and one lease: no write by two leaders, whatever happens to the one that leads."""

import asyncio
import json
import signal

import faults
from case import Case, until


def holder_of(lease):
    return (lease or {}).get("spec", {}).get("holderIdentity", "")


class Leaders(Case):
    """Each operator has a proxy of its own, which signs what it forwards: the API server's audit log says who wrote what and when."""

    async def _pair(self, word):
        """(namespace, first, second): the first leads, the second stands by, and a user changes things all the time."""
        namespace = await self.namespace(word)
        pair = []
        for name in ("first", "second"):
            proxy = await self.proxy()
            proxy.agent = f"{namespace}-{name}"
            pair.append(await self.operator(proxy, namespace, leader=True))
            if name == "first":
                await until("the first to lead", self._leads(pair[0]))
        await self.serve(namespace)
        await self.served(namespace)
        self.assertEqual(self._objects(pair[1].proxy), [], "who stands by writes nothing")
        self._rest = asyncio.Event()
        self._restless = asyncio.create_task(self._change(namespace))
        return namespace, *pair

    def _leads(self, operator):
        async def probe():
            lease = await self.world.api.get(operator.namespace, "leases", "reprise-operator")
            return holder_of(lease) and [r for r in operator.proxy.writes() if r.resource == "leases" and r.status < 300 and holder_of(lease) in r.body.decode()]

        return probe

    @staticmethod
    def _objects(proxy):
        return [r for r in proxy.writes() if r.resource != "leases"]

    async def _change(self, namespace):
        """So that whoever believes to lead has something to write."""
        replicas = 1
        while not self._rest.is_set():
            replicas = 3 - replicas
            await self.scale(namespace, replicas)
            await asyncio.sleep(0.25)

    async def _calm(self, namespace):
        # Not cancelled: a patch that is under way would come after the next one, and undo it.
        self._rest.set()
        await asyncio.wait({self._restless})
        await self.lives(namespace, 3)

    def _handed_over_once(self, namespace):
        """In the audit log: the first wrote, then the second, and never the first again."""
        writers = self._audited(namespace)
        order = [name for i, name in enumerate(writers) if i == 0 or writers[i - 1] != name]
        self.assertEqual(order, ["first", "second"])

    def _audited(self, namespace):
        """Who made each write of the namespace, in the API server's order."""
        rows = []
        for line in (self.world.folder / "audit.log").read_text().splitlines():
            row = json.loads(line)
            name = row.get("userAgent", "")
            taken = row.get("responseStatus", {}).get("code", 500) < 300
            if name.startswith(f"{namespace}-") and row["objectRef"]["resource"] != "leases" and taken:
                rows.append((row["requestReceivedTimestamp"], name.removeprefix(f"{namespace}-")))
        return [name for _, name in sorted(rows)]

    async def _audit_is_written(self, namespace, count):
        async def probe():
            return len(self._audited(namespace)) >= count

        await until("the audit log", probe)

    async def _taken_over(self, namespace, second):
        await until("the second to lead", self._leads(second))
        await second.proxy.until(lambda: self._objects(second.proxy))
        await self._calm(namespace)

    async def _check(self, namespace, first, second):
        sent = sum(1 for operator in (first, second) for r in self._objects(operator.proxy) if 200 <= r.status < 300)
        await self._audit_is_written(namespace, sent)
        self._handed_over_once(namespace)

    def tearDown(self):
        task = getattr(self, "_restless", None)
        if task:
            task.get_loop().call_soon_threadsafe(task.cancel)

    def test_kill_9_of_the_leader(self):
        async def scenario():
            namespace, first, second = await self._pair("lead-kill")
            await first.kill()
            await self._taken_over(namespace, second)
            await self._check(namespace, first, second)

        self.play(scenario)

    def test_a_leader_that_slept_longer_than_its_lease_ends_without_a_write(self):
        async def scenario():
            namespace, first, second = await self._pair("lead-stop")
            first.signal(signal.SIGSTOP)
            await until("the second to lead", self._leads(second))
            await second.proxy.until(lambda: self._objects(second.proxy))
            seen = len(self._objects(first.proxy))
            first.signal(signal.SIGCONT)
            self.assertNotEqual(await first.ended(), 0)
            self.assertEqual(len(self._objects(first.proxy)), seen, "it woke up and wrote")
            await self._calm(namespace)
            await self._check(namespace, first, second)

        self.play(scenario)

    def test_a_leader_that_is_cut_off_ends_before_another_leads(self):
        async def scenario():
            namespace, first, second = await self._pair("lead-cut")
            first.proxy.arm(lambda _: True, faults.half_open)
            first.proxy.cut()
            self.assertNotEqual(await first.ended(), 0)
            lease = await self.world.api.get(namespace, "leases", "reprise-operator")
            mine = [r for r in second.proxy.writes() if r.resource == "leases" and r.status < 300]
            self.assertEqual(mine, [], f"it ended after another had taken over: {holder_of(lease)}")
            await self._taken_over(namespace, second)
            await self._check(namespace, first, second)

        self.play(scenario)

    def test_both_cut_off_for_longer_than_the_lease(self):
        async def scenario():
            namespace, first, second = await self._pair("lead-both")
            walls = [(one.proxy, one.proxy.arm(lambda _: True, faults.half_open)) for one in (first, second)]
            for proxy, _ in walls:
                proxy.cut()
            self.assertNotEqual(await first.ended(), 0)
            await asyncio.sleep(16)  # longer than the lease
            for proxy, wall in walls:
                proxy.disarm(wall)
                proxy.cut()
            await self._taken_over(namespace, second)
            await self._check(namespace, first, second)

        self.play(scenario)

    def test_an_orderly_end_hands_over_at_once(self):
        async def scenario():
            namespace, first, second = await self._pair("lead-end")
            first.signal(signal.SIGTERM)
            self.assertEqual(await first.ended(), 0)
            lease = await self.world.api.get(namespace, "leases", "reprise-operator")
            self.assertNotIn("first", holder_of(lease))
            await self._taken_over(namespace, second)
            await self._check(namespace, first, second)

        self.play(scenario)
