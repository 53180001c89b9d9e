"""etcd and kube-apiserver killed, restarted, and put back to an older state."""

import asyncio
import shutil

from case import Case, Shared, until
from story import Story
from world import World, default_operator, path


class Storage(Case):
    """On a control plane of its own: nobody else is disturbed."""

    _own = None

    @classmethod
    def setUpClass(cls):
        cls._own = Shared.begun(World(default_operator()))

    @classmethod
    def tearDownClass(cls):
        Shared.end(cls._own)

    def play(self, work, *arguments):
        self.play_on(self._own, work, *arguments)

    async def _restarted(self, word, *names):
        namespace, proxy, operator = await self.serving(word)
        commands = {name: await self.world.kill(name) for name in names}
        await self.pause()
        self.assertTrue(operator.running)
        for name in reversed(names):  # etcd first
            await self.world.launch(name, commands[name])
        await self.world.answering()
        await self.lives(namespace, 2)
        self.assertEqual(operator.starts, 1)
        self.assertTrue(operator.running)

    def test_kube_apiserver_is_killed_and_comes_back(self):
        self.play(self._restarted, "api-killed", "kube-apiserver")

    def test_etcd_is_killed_and_comes_back(self):
        self.play(self._restarted, "etcd-killed", "etcd")

    def test_both_are_killed_and_come_back(self):
        self.play(self._restarted, "both-killed", "kube-apiserver", "etcd")

    def test_the_story_goes_on_over_a_restart_of_both(self):
        async def scenario():
            namespace, proxy = await self.namespace("story"), await self.proxy()
            story = Story(self.world, namespace)
            operator = await self.operator(proxy, namespace)
            playing = asyncio.create_task(story.play())
            try:
                await proxy.until(lambda: any(r.key == "POST jobs/fuel-2" for r in proxy.log))
                commands = {name: await self.world.kill(name) for name in ("kube-apiserver", "etcd")}
                for name in ("etcd", "kube-apiserver"):
                    await self.world.launch(name, commands[name])
                await playing
                jobs = sorted(job["metadata"]["name"] for job in await self.world.api.list(namespace, "jobs"))
                self.assertEqual(jobs, ["fuel-1", "fuel-2", "fuel-3"])
                self.assertEqual(story.kubelet.job_pods.keys(), set(jobs))
                self.assertEqual({len(pods) for pods in story.kubelet.job_pods.values()}, {1})
                self.assertEqual(operator.starts, 1)
            finally:
                playing.cancel()
                await asyncio.wait({playing})
                await story.end()

        self.play(scenario)

    def test_etcd_is_restored_from_an_older_state(self):
        """Versions go back: what the operator saw since never was. It finds what is there now, and acts on it."""

        async def scenario():
            namespace, proxy, operator = await self.serving("restored")
            await self.quiet(proxy)
            api, etcd = await self.world.kill("kube-apiserver"), await self.world.kill("etcd")
            data = self.world.folder / "etcd"
            shutil.copytree(data, self.world.folder / "etcd.old")
            await self.world.launch("etcd", etcd)
            await self.world.launch("kube-apiserver", api)
            await self.world.answering()
            for replicas in (2, 3, 2):  # versions go on
                await self.lives(namespace, replicas)
            high = int((await self.world.api.call("GET", path(namespace, "modeldeployments")))["metadata"]["resourceVersion"])
            await self.world.kill("kube-apiserver")
            await self.world.kill("etcd")
            shutil.rmtree(data)
            shutil.move(self.world.folder / "etcd.old", data)
            await self.world.launch("etcd", etcd)
            await self.world.launch("kube-apiserver", api)
            await self.world.answering()

            async def read():
                return await self.world.api.call("GET", path(namespace, "modeldeployments"))

            listed = await until("the list", read)
            self.assertLess(int(listed["metadata"]["resourceVersion"]), high)
            self.assertEqual(listed["items"][0]["spec"]["replicas"], 1)
            await self.scale(namespace, 4)
            await until("the operator to see what is there now", self._child(namespace, 4))
            self.assertTrue(operator.running)
            self.assertEqual(operator.starts, 1)
            # As etcd's guide to a restore asks for: unlike the operator it may wait for versions of the future, in
            # silence, and the tests that follow need it.
            await self.world.launch("kube-controller-manager", await self.world.kill("kube-controller-manager"))

        self.play(scenario)

    def _child(self, namespace, replicas):
        async def probe():
            child = await self.world.api.get(namespace, "deployments", "fuel-fuel-1")
            return child and child["spec"]["replicas"] == replicas

        return probe
