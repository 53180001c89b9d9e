"""What runs beside others is waited for, and its ending is told."""

import functools
import pathlib
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import stages  # noqa: E402
import steps  # noqa: E402


def logs_elsewhere(test, module):
    """Until the test ends."""
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    patch = mock.patch.object(module, "LOGS", pathlib.Path(folder.name))
    patch.start()
    test.addCleanup(patch.stop)


class BesideTest(unittest.TestCase):
    def setUp(self):
        logs_elsewhere(self, stages)

    def test_its_status_and_output_are_told(self):
        one = stages.Beside("one", "one", ["sh", "-c", "echo said; exit 3"], yields=True)
        one.start()
        self.assertEqual(one.wait(), (3, "said\n"))

    def test_it_is_started_once(self):
        one = stages.Beside("one", "one", ["sh", "-c", "echo said"])
        one.start()
        one.wait()
        one.start()
        self.assertEqual(one.wait(), (0, "said\n"))

    def test_what_nobody_started_is_not_waited_for(self):
        self.assertEqual(stages.Beside("one", "one", ["false"]).wait(), (0, ""))

    def test_stopped_it_is_ended(self):
        one = stages.Beside("one", "one", ["sleep", "600"])
        one.start()
        one.stop()
        self.assertNotEqual(one.wait()[0], 0)


class TogetherTest(unittest.TestCase):
    def setUp(self):
        logs_elsewhere(self, steps)
        self.steps = steps.Steps("toy")

    def test_results_come_in_the_order_of_the_calls(self):
        calls = [functools.partial(self.steps.run, name, "sh", "-c", f"sleep {wait}; echo {name}") for name, wait in (("a", 0.2), ("b", 0), ("c", 0))]
        self.assertEqual([text for _, text in self.steps.together(calls, at_once=3)], ["a\n", "b\n", "c\n"])

    def test_where_one_breaks_the_others_are_ended(self):
        def broken():
            raise steps.Broken("no")

        begin = time.monotonic()
        with self.assertRaises(steps.Broken):
            self.steps.together([broken, functools.partial(self.steps.run, "long", "sleep", "600")], at_once=2)
        self.assertLess(time.monotonic() - begin, 300)


if __name__ == "__main__":
    unittest.main()
