import unittest

import count


def junit(*cases):
    return '<testsuite name="x">' + "".join(cases) + "</testsuite>"


def case(name, status, out="", more=""):
    return f'<testcase name="{name}" classname="{name}" time="0" status="{status}">{more}<system-out>{out}</system-out></testcase>'


GTEST = """[==========] Running 4 tests from 1 test suite.
[ RUN      ] A.b
[  FAILED  ] A.b (0 ms)
[==========] 4 tests from 1 test suite ran. (0 ms total)
[  PASSED  ] 2 tests.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] A.c
[  FAILED  ] 1 test, listed below:
[  FAILED  ] A.b

 1 FAILED TEST
"""


class Ctest(unittest.TestCase):
    def test_counts_what_ran(self):
        found = count.of_ctest(junit(case("a", "run"), case("b", "run"), case("c", "fail", "boom", '<failure message="x"/>')))
        self.assertEqual((found.passed, found.failed, found.names), (2, 1, ["c"]))

    def test_a_program_that_is_not_built_failed(self):
        found = count.of_ctest(junit(case("x_NOT_BUILT", "notrun", "", '<skipped message="Unable to find executable"/>')))
        self.assertEqual((found.passed, found.failed), (0, 1))

    def test_a_whole_gtest_program_counts_as_its_tests(self):
        found = count.of_ctest(junit(case("api", "fail", GTEST)))
        self.assertEqual((found.passed, found.failed, found.skipped, found.names), (2, 1, 1, ["A.b"]))

    def test_a_program_that_dies_after_its_tests_failed(self):
        text = GTEST.replace("FAILED", "OK")
        found = count.of_ctest(junit(case("api", "fail", text)))
        self.assertEqual((found.passed, found.failed, found.names), (2, 1, ["api"]))

    def test_a_program_that_dies_in_a_test_failed(self):
        found = count.of_ctest(junit(case("api", "fail", "[==========] Running 4 tests from 1 test suite.\n[ RUN      ] A.b\n")))
        self.assertEqual((found.passed, found.failed), (0, 1))

    def test_a_skipped_test_is_neither(self):
        found = count.of_ctest(junit(case("a", "notrun", "[  SKIPPED ] A.c", '<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>')))
        self.assertEqual((found.passed, found.failed, found.skipped), (0, 0, 1))


class Unittest(unittest.TestCase):
    def test_counts(self):
        found = count.of_unittest("...\n-----\nRan 3 tests in 0.1s\n\nOK\n")
        self.assertEqual((found.passed, found.failed), (3, 0))

    def test_counts_failures_errors_and_skips(self):
        found = count.of_unittest("FAIL: test_a (x.Y.test_a)\nRan 9 tests in 1.000s\n\nFAILED (failures=1, errors=2, skipped=3)\n")
        self.assertEqual((found.passed, found.failed, found.skipped, found.names), (3, 3, 3, ["test_a"]))


class Fuzz(unittest.TestCase):
    def test_one_that_tried_nothing_or_is_not_named_failed(self):
        found = count.of_fuzz(["a", "b", "c", "d"], "a: 12 executions\nb: FAILED\nc:  executions\n")
        self.assertEqual((found.passed, found.failed, found.names), (1, 3, ["b", "c", "d"]))


class Judged(unittest.TestCase):
    def test_no_test_is_a_failure(self):
        self.assertEqual(count.Count().judged(0).failed, 1)

    def test_a_bad_end_without_a_failed_test_is_a_failure(self):
        self.assertEqual(count.Count(passed=5).judged(1).failed, 1)

    def test_failed_tests_are_not_counted_twice(self):
        self.assertEqual(count.Count(passed=5, failed=2).judged(1).failed, 2)


class Story(unittest.TestCase):
    RESULT = {
        "first": {"version": "fuel-1"},
        "phases": [{"phase": "A first"}, {"phase": "B first"}],
        "baselineFirst": {"version": "fuel-1"},
        "baseline": [{"phase": "A first"}],
        "errors": [],
    }

    def test_each_phase_and_first_version_is_a_test(self):
        found = count.of_story(self.RESULT)
        self.assertEqual((found.passed, found.failed), (5, 0))

    def test_a_phase_fails_once_whatever_is_wrong_in_it(self):
        wrong = ["with switch, B first: trained: [], it must be ['fuel-2']", "with switch, B first: served by: 'x', it must be 'fuel-2'"]
        found = count.of_story(self.RESULT | {"errors": wrong})
        self.assertEqual((found.passed, found.failed, found.names), (4, 1, ["with switch, B first"]))

    def test_a_phase_that_was_not_played_fails(self):
        found = count.of_story(self.RESULT | {"errors": ["with switch, B again: the phase was not played"]})
        self.assertEqual((found.passed, found.failed), (5, 1))

    def test_a_first_version_that_is_not_as_it_must_be_fails(self):
        found = count.of_story(self.RESULT | {"errors": ["fuel-1: spec.profile is empty"]})
        self.assertEqual((found.passed, found.failed), (4, 1))


if __name__ == "__main__":
    unittest.main()
