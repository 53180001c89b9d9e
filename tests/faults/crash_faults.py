"""kill -9 before and after each write of the operator."""

import asyncio
import collections
import os

from case import Case, say
from play import Play, creations
from story import differences

# Replays that run side by side: each waits most of the time.
SIDE_BY_SIDE = int(os.environ.get("REPRISE_FAULTS_SIDE_BY_SIDE", "24"))


class Point:
    """A write of the reference, and on which side of it the operator dies."""

    def __init__(self, number, key, occurrence, side):
        self.number, self.key, self.occurrence, self.side = number, key, occurrence, side

    def __str__(self):
        return f"{self.side} write {self.number}, {self.key} ({self.occurrence}.)"

    def arm(self, play, by_name):
        """The rule that kills. By name, or by number where the replay did not make that write so often."""
        seen = collections.Counter()

        def wants(request):
            if not request.writes:
                return False
            seen[request.key] += 1
            seen["all"] += 1
            return (request.key == self.key and seen[self.key] == self.occurrence) if by_name else seen["all"] == self.number

        async def kill_before(exchange):
            await play.operator.kill()
            exchange.reset()

        async def kill_after(exchange):
            response = await exchange.forward()
            await response.read()
            await play.operator.kill()
            exchange.reset()

        return play.proxy.arm(wants, kill_before if self.side == "before" else kill_after, times=1)


def points_of(proxy):
    out, seen = [], collections.Counter()
    for number, request in enumerate(proxy.writes(), 1):
        seen[request.key] += 1
        out += [Point(number, request.key, seen[request.key], side) for side in ("before", "after")]
    return out


def spread(points, wanted):
    """That many of them, evenly; all, if 0 are wanted."""
    if not wanted or wanted >= len(points):
        return points
    return [points[round(i * (len(points) - 1) / max(1, wanted - 1))] for i in range(wanted)]


class Crashes(Case):
    limit = 3600

    def test_killed_before_and_after_each_write_it_ends_as_the_reference(self):
        self.play(self._each_write)

    async def _each_write(self):
        play = await Play(self.world).begin("reference")
        try:
            await play.run()
            await self.quiet(play.proxy)
            reference, made = await play.story.state(), creations(play.proxy)
            points = points_of(play.proxy)
            say(f"the reference: {len(play.proxy.writes())} writes, {len(points)} points, steps {play.story.steps}")
            await play.story.delete()
        finally:
            await play.end()
        chosen = spread(points, int(os.environ.get("REPRISE_FAULT_POINTS", "0")))
        gate, wrong, by_number = asyncio.Semaphore(SIDE_BY_SIDE), [], []

        async def one(point):
            async with gate:
                for by_name in (True, False):
                    hit, found = await self._replay(point, by_name, reference, made)
                    if hit:
                        break
                    by_number.append(point)
                if not hit:
                    found.append("no write of that number was made")
                wrong.extend(f"killed {point}: {line}" for line in found[:6])

        await asyncio.gather(*(one(point) for point in chosen))
        say(f"killed at {len(chosen)} of {len(points)} points, {len(by_number)} of them by their number; {len(wrong)} differences")
        self.assertEqual(wrong, [])

    async def _replay(self, point, by_name, reference, made):
        play = await Play(self.world).begin("crash")
        try:
            rule = point.arm(play, by_name)
            await play.run()
            if rule.hits and play.operator.starts < 2:
                return True, ["the operator was not started again"]
            await play.operator.ready()
            await self.quiet(play.proxy)
            found = differences(reference, await play.story.state())
            found += differences(dict(made), dict(creations(play.proxy)), "times that it was made: ")
            return bool(rule.hits), found
        except AssertionError as error:
            return True, [f"{error}; its log: {play.operator.log()[-1500:] if play.operator else ''}"]
        finally:
            await play.end()
