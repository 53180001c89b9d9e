"""What the operator sees of the past, and how often it writes: events that were lost, older snapshots, resyncs."""

import asyncio
import collections
import os

import faults
from case import Case, say, until
from play import Play, creations, per_object
from request_faults import KINDS, once_each, picture, pictures, resumes
from story import differences
from world import RESOURCES

OURS = "app.kubernetes.io%2Fmanaged-by%3Dreprise"  # the selector of what the operator made
USERS = ("trainingpipelines", "modelversions", "modeldeployments")
CHILDREN = ("jobs", "pods", "deployments", "services", "serviceaccounts", "rolebindings")


class Snapshot:
    """What an API server that has fallen behind would answer: a list of each kind, as it was at one moment."""

    def __init__(self, lists):
        self.lists = lists  # resource -> body of a list

    @classmethod
    async def taken(cls, api, namespace):
        lists = {}
        for resource in USERS + CHILDREN:
            selector = "" if resource in USERS else f"&labelSelector={OURS}"
            lists[resource] = await api.call("GET", f"{RESOURCES[resource]}/namespaces/{namespace}/{resource}?limit=500{selector}")
        return cls(lists)

    def versions(self):
        """Of what is in it: two snapshots of the same state have the same."""
        return {resource: sorted(item["metadata"]["resourceVersion"] for item in body["items"]) for resource, body in self.lists.items()}

    def serve(self, proxy):
        """Lists are this one, until the returned event is set watches of it say nothing."""
        caught_up = asyncio.Event()

        async def stale_list(exchange):
            await exchange.answer(200, self.lists[exchange.request.resource])

        async def held_back(exchange):
            while not caught_up.is_set():
                if exchange.client_gone():
                    exchange.reset()
                await asyncio.sleep(0.05)
            await faults.passes(exchange)

        def behind(request):
            return not caught_up.is_set() and request.resource in self.lists

        proxy.arm(lambda r: behind(r) and resumes(r), held_back)
        proxy.arm(lambda r: behind(r) and picture(r) and not r.watch, stale_list)
        proxy.arm(lambda r: r.query.get("sendInitialEvents") == "true", faults.answers(422))
        return caught_up


class Past(Case):
    limit = 2400

    def test_restarted_from_older_snapshots_it_ends_as_the_reference(self):
        self.play(self._older_snapshots)

    async def _older_snapshots(self):
        play = await Play(self.world).begin("past")
        try:
            taken = []

            async def photographed(exchange):
                response = await exchange.forward()
                body = await response.read()
                taken.append(await Snapshot.taken(self.world.api, play.namespace))
                await exchange.answer(response.status, body)

            rule = play.proxy.arm(lambda r: r.writes and r.resource != "events", photographed)
            await play.run()
            await self.quiet(play.proxy)
            play.proxy.disarm(rule)
            reference = await play.story.state()
            play.stop_restarting()
            await play.operator.stop()
            distinct = [one for i, one in enumerate(taken) if i == 0 or one.versions() != taken[i - 1].versions()]
            wanted = int(os.environ.get("REPRISE_FAULT_SNAPSHOTS", "0")) or len(distinct)
            chosen = distinct[:: max(1, len(distinct) // wanted)]
            wrong = []
            for number, snapshot in enumerate(chosen):
                wrong += [f"from snapshot {number} of {len(chosen)}: {line}" for line in await self._from(snapshot, play, reference)]
            say(f"restarted from {len(chosen)} of {len(distinct)} older snapshots; {len(wrong)} differences")
            self.assertEqual(wrong, [])
        finally:
            await play.end()

    async def _from(self, snapshot, play, reference):
        proxy = await self.world.proxy()
        caught_up = snapshot.serve(proxy)
        operator = await self.world.run(proxy, play.namespace)
        try:
            await asyncio.sleep(3)  # it acts on what is long past, and meets conflicts
            caught_up.set()
            await self.live(proxy)
            await self._as_before(play, reference)
            found = differences(reference, await play.story.state())
            jobs = [key for key in creations(proxy) if key.startswith("POST jobs")]
            return found + [f"{key}: a run was started again" for key in jobs]
        finally:
            await operator.stop()
            await proxy.stop()

    async def _as_before(self, play, reference):
        async def same():
            return not differences(reference, await play.story.state())

        try:
            await until("the same state", same, limit=60, step=0.5)
        except AssertionError:
            pass  # its differences are told by who asks

    async def live(self, proxy):
        """Until each watch goes on where the snapshot ended."""
        await proxy.until(lambda: {r.resource for r in proxy.log if resumes(r) and r.status == 200} >= set(USERS + CHILDREN))
        await self.quiet(proxy)

    def test_with_every_intermediate_event_lost_it_ends_as_the_reference(self):
        self.play(self._intermediate_events)

    async def _intermediate_events(self):
        plain, lossy = [await Play(self.world).begin(word) for word in ("whole", "lossy")]
        try:
            lossy.proxy.arm(resumes, faults.coalesces(0.7))
            lossy.proxy.arm(lambda r: r.query.get("sendInitialEvents") == "true", faults.answers(422))
            await asyncio.gather(plain.run(), lossy.run())
            await asyncio.gather(self.quiet(plain.proxy), self.quiet(lossy.proxy))
            self.assertEqual(differences(await plain.story.state(), await lossy.story.state()), [])
            self.assertEqual(creations(plain.proxy), creations(lossy.proxy))
        finally:
            await plain.end()
            await lossy.end()


class Budget(Case):
    limit = 1800

    def test_it_writes_each_object_as_often_as_the_reference_though_watches_are_cut(self):
        self.play(self._writes_each)

    async def _writes_each(self):
        plain, cut = [await Play(self.world).begin(word) for word in ("budget", "budget-cut")]
        try:
            cutting = asyncio.create_task(self._cut_now_and_then(cut.proxy))
            await asyncio.gather(plain.run(), cut.run())
            cutting.cancel()
            await asyncio.gather(self.quiet(plain.proxy), self.quiet(cut.proxy))
            reference, found = per_object(plain.proxy), per_object(cut.proxy)
            say(f"writes of each object: {dict(sorted(reference.items()))}, {sum(reference.values())} altogether; with watches cut {sum(found.values())}")
            children = [{key: count for key, count in one.items() if not key.endswith("/status")} for one in (reference, found)]
            self.assertEqual(children[1], children[0])
            # What is seen together is said together, so the number of statuses is not the same in any two plays.
            more = {key: (count, reference[key]) for key, count in found.items() if count > reference[key] + 2}
            self.assertEqual(more, {}, "statuses were written more often than in the reference: (found, reference)")
        finally:
            await plain.end()
            await cut.end()

    async def _cut_now_and_then(self, proxy):
        """Not so often that back-offs outlast the patience with a cache that has not seen our own write: then writing again is right."""
        for _ in range(3):
            await asyncio.sleep(6)
            proxy.cut(watches_only=True)

    def test_row30_without_the_operator_nothing_is_stuck(self):
        self.play(self._uninstalled)

    async def _uninstalled(self):
        """Finalizers of ours would hold objects for ever that users delete after the operator is gone."""
        play = await Play(self.world).begin("gone")
        try:
            await play.run()
            play.stop_restarting()
            await play.operator.stop()
            namespace, api = play.namespace, self.world.api
            kinds = ("modeldeployments", "trainingpipelines", "modelversions", "jobs", "deployments", "services", "serviceaccounts", "rolebindings")
            made = {kind: [one["metadata"]["name"] for one in await api.list(namespace, kind)] for kind in kinds}
            self.assertTrue(made["modeldeployments"] and made["trainingpipelines"] and made["modelversions"] and made["deployments"])
            for kind in kinds[:3]:
                for name in made[kind]:
                    await api.delete(namespace, kind, name)

            async def gone():
                left = [f"{kind}/{one['metadata']['name']}" for kind in kinds for one in await api.list(namespace, kind)]
                return not [name for name in left if name != "serviceaccounts/default"]

            await until("everything of ours to be collected", gone)
        finally:
            await play.end()

    def test_at_rest_it_writes_nothing_over_resyncs_and_restarts(self):
        self.play(self._at_rest)

    async def _at_rest(self):
        play = await Play(self.world).begin("rest")
        try:
            await play.run()
            await self.quiet(play.proxy, 3)
            before = len(play.proxy.writes())
            rounds = 5
            for _ in range(rounds):
                begun = pictures(play.proxy)
                play.proxy.arm(once_each(resumes), faults.answers(410), times=KINDS)
                play.proxy.cut()
                await play.proxy.until(lambda begun=begun: all(pictures(play.proxy)[resource] > count for resource, count in begun.items()), limit=240)
                await self.quiet(play.proxy)
            restarts = 10
            for _ in range(restarts):
                starts = play.operator.starts
                await play.operator.kill()
                while play.operator.starts == starts:
                    await self.pause()
                await play.operator.ready()
                await self.quiet(play.proxy)
            say(f"{len(play.proxy.writes()) - before} writes at rest over {rounds} fresh pictures of {KINDS} kinds and {restarts} restarts")
            self.assertEqual(collections.Counter(r.key for r in play.proxy.writes()[before:]), {})
        finally:
            await play.end()
