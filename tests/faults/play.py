"""The story behind a proxy, with an operator that is started again where it is killed."""

import asyncio
import collections

from story import Story


def creations(proxy):
    """What came to be, and how often. An event may be lost or told twice; nothing else may."""
    return collections.Counter(r.key for r in proxy.log if r.writes and r.status == 201 and r.resource != "events")


def per_object(proxy):
    """How often each object was written. Events are not objects of the story."""
    return collections.Counter(r.key for r in proxy.writes() if r.resource != "events" and 200 <= r.status < 300)


class Play:
    """The story behind a proxy, with an operator that is started again where it is killed."""

    def __init__(self, world):
        self.world, self.proxy, self.operator, self.story = world, None, None, None
        self._guard = None

    async def begin(self, word):
        self.namespace = await self.world.namespace(word)
        self.proxy = await self.world.proxy()
        self.story = Story(self.world, self.namespace)
        return self

    async def run(self):
        self.operator = await self.world.run(self.proxy, self.namespace)
        self._guard = asyncio.create_task(self._restart())
        await self.story.play()
        return self

    async def _restart(self):
        while True:
            await self.operator.ended(10_000)
            await self.operator.start()

    def stop_restarting(self):
        if self._guard:
            self._guard.cancel()

    async def end(self):
        self.stop_restarting()
        if self.story:
            await self.story.end()
        if self.operator:
            await self.operator.stop()
        if self.proxy:
            await self.proxy.stop()
        if self.world:
            await self.world.api.call("DELETE", f"/api/v1/namespaces/{self.namespace}")
