import unittest

import verdict

MESSAGE = "changed: numpy 2.0.2 → 2.2.6, python 3.11.2 → 3.13.5; failed: StepFailed: train exited 1: No module named 'distutils'"


def row(name, served, trained=(), checks=0, **more):
    base = {"phase": name, "served": served, "trainJobs": list(trained), "checkJobs": ["c"] * checks}
    return base | {"blindEnded": True, "failed": 0, "requests": 100} | more


def good():
    return [
        row("A first", "fuel-1"),
        row("B first", "fuel-2", ["fuel-2"]),
        row("A again", "fuel-1"),
        row("B again", "fuel-2"),
        row("numpy moves", "fuel-3", ["fuel-3"], 1),
        row("python moves", "fuel-3", [], 1, message=MESSAGE, imageBefore="i", imageAfter="i"),
    ]


FIRST = {"version": "fuel-1", "trainJobs": ["fuel-1"], "checkJobs": []}


class Main(unittest.TestCase):
    def errors(self, index, **changed):
        rows = good()
        rows[index] |= changed
        return verdict.of_main(FIRST, rows)

    def test_a_good_story_has_no_errors(self):
        self.assertEqual(verdict.of_main(FIRST, good()), [])

    def test_a_training_when_known_data_returns_is_wrong(self):
        self.assertIn("A again: trained", self.errors(2, trainJobs=["fuel-3"])[0])

    def test_the_wrong_version_is_wrong(self):
        self.assertIn("served by", self.errors(2, served="fuel-2")[0])

    def test_a_change_without_a_check_is_wrong(self):
        self.assertIn("number of checks", self.errors(4, checkJobs=[])[0])

    def test_adopting_a_refused_image_is_wrong(self):
        self.assertIn("in force", self.errors(5, imageAfter="j")[0])

    def test_a_refusal_has_to_name_the_pythons(self):
        self.assertIn("both Pythons", self.errors(5, message="train failed: distutils, numpy 2.0.2 → 2.2.6")[0])

    def test_requests_that_fail_are_wrong(self):
        self.assertIn("requests failed", self.errors(1, failed=2)[0])

    def test_a_phase_that_is_missing_is_wrong(self):
        self.assertIn("was not played", verdict.of_main(FIRST, good()[:3])[0])


class Baseline(unittest.TestCase):
    def test_each_change_of_data_is_answered_by_a_training(self):
        rows = [row("A first", "fuel-1")] + [row(p, f"fuel-{n}", [f"fuel-{n}"]) for p, n in (("B first", 2), ("A again", 3), ("B again", 4))]
        self.assertEqual(verdict.of_baseline(FIRST, rows), [])
        rows[2]["trainJobs"] = []
        self.assertEqual(len(verdict.of_baseline(FIRST, rows)), 1)


class Version(unittest.TestCase):
    def test_says_which_field_is_missing(self):
        spec = {
            "artifact": {"sha256": "0" * 64},
            "environment": {"image": "r/fuel@sha256:1", "python": "3.11.2", "packages": {"numpy": "1.26.4"}},
            "metrics": {"accuracy": "0.88"},
            "lineage": {"pipeline": "fuel"},
            "profile": {"apiVersion": 1},
        }
        version = {"metadata": {"name": "fuel-1"}, "spec": spec}
        self.assertEqual(verdict.of_version(version, "sha256:1"), [])
        spec["profile"] = None
        spec["environment"]["image"] = "r/fuel:stable"
        self.assertEqual(len(verdict.of_version(version, "sha256:1")), 2)


if __name__ == "__main__":
    unittest.main()
