"""What a network and an API server do to single requests: watches, lists, writes, the token."""

import collections

import faults
from case import DEPLOYMENT, PIPELINE, Case, until, version
from kubelet import Kubelet

KINDS = 9  # caches of the operator
STATUS, CHILD = "PATCH modeldeployments/fuel/status", "PATCH deployments/fuel-fuel-1"


def picture(request):
    """Whether it begins a full picture of a kind."""
    return request.method == "GET" and (request.query.get("sendInitialEvents") == "true" or (not request.watch and request.query.get("limit", "1") != "1"))


def pictures(proxy):
    return collections.Counter(request.resource for request in proxy.log if picture(request))


def once_each(wants, name=lambda request: request.resource):
    """The first request that it wants of each resource."""
    met = set()

    def wanted(request):
        if not wants(request) or name(request) in met:
            return False
        met.add(name(request))
        return True

    return wanted


def resumes(request):
    return request.watch and "resourceVersion" in request.query


def after(proxy, request):
    """The next request for the same."""
    return next((r for r in proxy.log[request.number :] if r.key == request.key and r.watch == request.watch), None)


class Watches(Case):
    async def _resumed(self, word, fault, *, fresh, retry_after=0):
        """Every watch breaks, and when it is resumed it meets the fault."""
        namespace, proxy, operator = await self.serving(word)
        begun = pictures(proxy)
        rule = proxy.arm(once_each(resumes), fault)
        proxy.cut()
        await proxy.until(lambda: len(rule.hits) == KINDS)
        await self.lives(namespace, 2)
        if fresh:

            async def all_begun():
                return not [resource for resource, count in begun.items() if pictures(proxy)[resource] <= count]

            await until("a fresh picture of each kind", all_begun)
        else:
            self.assertEqual(pictures(proxy), begun, "a resumed watch needs no fresh picture")
        for hit in rule.hits:
            following = after(proxy, hit)
            if following:
                self.assertGreaterEqual(following.time - hit.time, retry_after)
        self.assertEqual(operator.starts, 1)
        self.assertTrue(operator.running)

    def test_410_as_a_status_leads_to_a_fresh_picture(self):
        self.play(lambda: self._resumed("gone", faults.answers(410), fresh=True))

    def test_410_in_the_stream_leads_to_a_fresh_picture(self):
        self.play(lambda: self._resumed("gone-inside", faults.gone_in_stream, fresh=True))

    def test_429_is_resumed_after_what_the_server_asks_for(self):
        self.play(lambda: self._resumed("busy", faults.answers(429, retry_after=3), fresh=False, retry_after=3))

    def test_503_is_resumed_after_what_the_server_asks_for(self):
        self.play(lambda: self._resumed("away", faults.answers(503, retry_after=3), fresh=False, retry_after=3))

    def test_a_reset_is_resumed(self):
        self.play(lambda: self._resumed("reset", faults.reset_before, fresh=False))

    def test_a_line_that_is_cut_leads_to_a_fresh_picture(self):
        self.play(self._broken_event, "cut-line", faults.truncated)

    def test_a_line_that_is_too_long_leads_on(self):
        self.play(self._broken_event, "long-line", faults.oversized(80 << 20))

    async def _broken_event(self, word, fault):
        namespace, proxy, operator = await self.serving(word)
        rule = proxy.arm(lambda r: resumes(r) and r.resource == "modeldeployments", fault, times=1)
        proxy.cut()
        await proxy.until(lambda: len(rule.hits) == 1)
        await self.lives(namespace, 2)
        self.assertTrue(operator.running)

    def test_the_change_that_a_broken_event_told_of_is_not_lost(self):
        async def scenario():
            namespace, proxy, _ = await self.serving("broken-change")
            rule = proxy.arm(lambda r: resumes(r) and r.resource == "modeldeployments", faults.stall_then_reset, times=1)
            proxy.cut()
            await proxy.until(lambda: len(rule.hits) == 1)
            await self.lives(namespace, 3)

        self.play(scenario)

    def test_a_delete_missed_in_a_gap_wakes_the_owner(self):
        async def scenario():
            namespace, proxy, _ = await self.serving("gap")
            wall = proxy.arm(lambda r: r.resource == "deployments" and r.method == "GET", faults.reset_before)
            proxy.cut()
            await proxy.until(lambda: len(wall.hits) >= 1)
            old = (await self.world.api.get(namespace, "deployments", "fuel-fuel-1"))["metadata"]["uid"]
            await self.world.api.delete(namespace, "deployments", "fuel-fuel-1")
            proxy.arm(lambda r: r.resource == "deployments" and resumes(r), faults.answers(410), times=1)
            proxy.disarm(wall)

            async def made_anew():
                child = await self.world.api.get(namespace, "deployments", "fuel-fuel-1")
                return child and child["metadata"]["uid"] != old

            await until("the child to be made anew", made_anew)

        self.play(scenario)


class FirstLists(Case):
    async def _start(self, word, wants, fault, **more):
        """(namespace, proxy, operator, rule) where an operator meets it at its start."""
        namespace, proxy = await self.namespace(word), await self.proxy()
        await self.serve(namespace)
        rule = proxy.arm(wants, fault, **more)
        return namespace, proxy, await self.operator(proxy, namespace, wait=False), rule

    def test_nothing_is_written_before_the_slowest_list_is_in(self):
        async def scenario():
            seconds = 4
            namespace, proxy, operator, rule = await self._start("slow", lambda r: r.watch and r.resource == "deployments", faults.slow(seconds), times=1)
            await proxy.until(lambda: rule.hits)
            self.assertNotEqual(await operator.health(), 200)
            await operator.ready()
            await self.served(namespace)
            first = proxy.writes()[0]
            self.assertGreaterEqual(first.time, rule.hits[0].answered + seconds)

        self.play(scenario)

    def test_without_streaming_lists_pages_are_read(self):
        async def scenario():
            namespace, proxy, operator, rule = await self._start("pages", lambda r: r.query.get("sendInitialEvents") == "true", faults.answers(422))
            await operator.ready()
            self.assertEqual(len(rule.hits), KINDS)
            await self.served(namespace)
            await self.lives(namespace, 2)

        self.play(scenario)

    async def _listed(self, word, fault):
        """Streaming lists are refused, and the first plain list of each kind meets the fault."""
        namespace, proxy = await self.namespace(word), await self.proxy()
        await self.serve(namespace)
        proxy.arm(lambda r: r.query.get("sendInitialEvents") == "true", faults.answers(422))
        rule = proxy.arm(once_each(lambda r: picture(r) and not r.watch), fault)
        operator = await self.operator(proxy, namespace, wait=False)
        await proxy.until(lambda: len(rule.hits) == KINDS)
        self.assertEqual(proxy.writes(), [])
        await operator.ready()
        await self.served(namespace)

    def test_a_list_that_is_cut_is_read_again(self):
        self.play(self._listed, "cut-list", faults.truncated)

    def test_a_list_that_is_refused_for_now_is_read_again(self):
        self.play(self._listed, "busy-list", faults.answers(503, retry_after=1))

    def test_a_list_that_is_reset_is_read_again(self):
        self.play(self._listed, "reset-list", faults.reset_after)

    def test_a_streaming_list_that_breaks_off_is_begun_anew(self):
        async def scenario():
            namespace, proxy, operator, rule = await self._start("half-stream", once_each(lambda r: r.query.get("sendInitialEvents") == "true"), faults.cut_after(0))
            await operator.ready()
            self.assertEqual(len(rule.hits), KINDS)
            await self.served(namespace)

        self.play(scenario)


class Writes(Case):
    async def _written(self, word, fault, *, retry_after=0):
        """The next write of the status and of the child meets the fault."""
        namespace, proxy, operator = await self.serving(word)
        await self.quiet(proxy)
        rule = proxy.arm(once_each(lambda r: r.key in (STATUS, CHILD), lambda r: r.key), fault)
        await self.lives(namespace, 2)
        self.assertEqual({hit.key for hit in rule.hits}, {STATUS, CHILD})
        for hit in rule.hits:
            self.assertGreaterEqual(after(proxy, hit).time - hit.time, retry_after)
        self.assertTrue(operator.running)

    def test_409_is_planned_again(self):
        self.play(self._written, "conflict", faults.answers(409))

    def test_429_waits_as_long_as_the_server_asks_for(self):
        self.play(lambda: self._written("busy-write", faults.answers(429, retry_after=3), retry_after=3))

    def test_503_waits_as_long_as_the_server_asks_for(self):
        self.play(lambda: self._written("away-write", faults.answers(503, retry_after=3), retry_after=3))

    def test_a_reset_before_the_server_saw_it_is_written_again(self):
        self.play(self._written, "reset-before", faults.reset_before)

    def test_an_answer_that_is_cut_does_no_harm(self):
        self.play(self._written, "cut-answer", faults.truncated)

    def test_a_half_open_connection_is_given_up(self):
        self.play(self._written, "half-open", faults.half_open)

    def test_an_answer_that_stalls_is_given_up(self):
        self.play(self._written, "stall", faults.stall)

    def test_a_status_that_somebody_changed_meanwhile_is_not_overwritten(self):
        async def scenario():
            namespace, proxy, _ = await self.serving("changed")
            await self.quiet(proxy)

            async def changed_meanwhile(exchange):
                await self.scale(namespace, 3)
                await faults.passes(exchange)

            rule = proxy.arm(lambda r: r.key == STATUS, changed_meanwhile, times=1)
            await self.scale(namespace, 2)
            await self.served(namespace, 3)
            self.assertEqual([hit.status for hit in rule.hits], [409])

        self.play(scenario)

    def test_a_run_whose_creation_was_not_answered_is_not_started_twice(self):
        async def scenario():
            namespace, proxy = await self.namespace("lost-answer"), await self.proxy()
            kubelet = self.later(Kubelet(self.world.api, namespace))
            kubelet.start()
            rule = proxy.arm(lambda r: r.key == "POST jobs/fuel-1", faults.reset_after, times=1)
            await self.operator(proxy, namespace)
            await self.world.api.create(namespace, "trainingpipelines", PIPELINE)

            async def trained():
                pipeline = await self.world.api.get(namespace, "trainingpipelines", "fuel")
                return [(run["name"], run["phase"]) for run in pipeline.get("status", {}).get("runs", [])] == [("fuel-1", "Succeeded")]

            await until("fuel-1 to succeed", trained)
            self.assertEqual([hit.status for hit in rule.hits], [201])
            self.assertEqual([job["metadata"]["name"] for job in await self.world.api.list(namespace, "jobs")], ["fuel-1"])
            self.assertEqual({job: len(uids) for job, uids in kubelet.job_pods.items()}, {"fuel-1": 1})

        self.play(scenario)

    def test_somebody_elses_object_of_the_same_name_is_left_alone(self):
        async def scenario():
            namespace, proxy = await self.namespace("taken"), await self.proxy()
            theirs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "fuel"}, "spec": {"ports": [{"port": 1234}], "selector": {"app": "theirs"}}}
            await self.world.api.create(namespace, "services", theirs)
            await self.world.api.create(namespace, "modelversions", version("fuel-1"))
            operator = await self.operator(proxy, namespace)
            await self.world.api.create(namespace, "modeldeployments", DEPLOYMENT)
            await operator.says("is not overwritten")
            service = await self.world.api.get(namespace, "services", "fuel")
            self.assertEqual(service["spec"]["selector"], {"app": "theirs"})
            self.assertNotIn("PATCH services/fuel", [r.key for r in proxy.writes()])

        self.play(scenario)


class Tokens(Case):
    def test_a_token_that_was_replaced_is_read_again(self):
        async def scenario():
            namespace, proxy = await self.namespace("token"), await self.proxy()
            file = self.world.folder / f"{namespace}.token"
            file.write_text("first\n")
            proxy.token = "first"
            await self.serve(namespace)
            operator = await self.operator(proxy, namespace, token_file=file)
            await self.served(namespace)
            proxy.token = "second"
            proxy.cut()

            def refused():
                return len([r for r in proxy.log if r.fault == "token refused"])

            await proxy.until(lambda: refused() >= KINDS)
            file.write_text("")  # it is being replaced: an empty file is no token
            begun = refused()
            await proxy.until(lambda: refused() >= begun + KINDS)
            file.write_text("second\n")
            await self.lives(namespace, 2)
            self.assertEqual(operator.starts, 1)

        self.play(scenario)

