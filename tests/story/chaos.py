"""Kills the operator's Pod, at the phases' boundaries and at random moments in them."""

import random
import threading

import kube
from kube import StoryError


class Chaos:
    def __init__(self, enabled, seed=0):
        self.enabled, self.kills = enabled, 0
        self._random, self._end, self._thread = random.Random(seed), threading.Event(), None

    def __enter__(self):
        if self.enabled:
            self._thread = threading.Thread(target=self._run)
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        if self._thread:
            self._thread.join()

    def _run(self):
        while not self._end.wait(self._random.uniform(8, 25)):
            self.kill("at a random moment")

    def kill(self, when):
        if not self.enabled:
            return
        try:
            out = kube.kubectl("delete", "pod", "-n", kube.SYSTEM, "-l", kube.OPERATOR, "--force", "--grace-period=0", "--wait=false")
        except StoryError as error:
            kube.say(f"  the operator could not be killed: {error}")
            return
        killed = sum("deleted" in line for line in out.splitlines())
        self.kills += killed
        kube.say(f"  killed the operator {when} ({killed} Pod)")
