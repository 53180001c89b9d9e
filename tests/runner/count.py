"""From what a test tool printed to how many tests passed and failed. Pure."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    names: list = field(default_factory=list)  # of those that failed

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.names += other.names
        return self

    def fail(self, name):
        self.failed += 1
        self.names.append(name)
        return self

    def judged(self, status):
        """With what the exit status says beside the numbers: a tool may break down after its last test, or run none."""
        if status != 0 and self.failed == 0:
            return self.fail(f"it ended with status {status}, though no test failed")
        if self.passed + self.failed == 0:
            return self.fail("no test ran")
        return self


def _number(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def of_gtest(text):
    """Of a whole GoogleTest program; None if the text is not of one that came to its end."""
    if not re.search(r"^\[==========\] \d+ tests? from .* ran\.", text, re.MULTILINE):
        return None
    names = re.findall(r"^\[  FAILED  \] ([^\s,]+)(?:, where .*)?$", text, re.MULTILINE)
    return Count(
        _number(r"\[  PASSED  \] (\d+) test", text),
        _number(r"\[  FAILED  \] (\d+) test", text),
        _number(r"\[  SKIPPED \] (\d+) test", text),
        sorted(set(names)),
    )


def of_ctest(junit):
    """Of the XML that `ctest --output-junit` writes. A test that is a whole GoogleTest program counts as its tests."""
    total = Count()
    for case in ElementTree.fromstring(junit).iter("testcase"):
        name, status = case.get("name"), case.get("status")
        inner = of_gtest(case.findtext("system-out") or "") or Count()
        if status == "run":
            total += inner if inner.passed + inner.failed + inner.skipped else Count(passed=1)
        elif status == "fail":
            total += inner if inner.failed else inner.fail(name)
        elif status == "disabled" or (case.find("skipped") is not None and case.find("skipped").get("message", "").startswith("SKIP_")):
            total += Count(skipped=1)
        else:  # not built, not found, a fixture that failed: it was to run and did not
            total += Count().fail(f"{name} ({status})")
    return total


def of_unittest(text):
    """Of what `python3 -m unittest` prints."""
    bad = _number(r"failures=(\d+)", text) + _number(r"errors=(\d+)", text) + _number(r"unexpected successes=(\d+)", text)
    skipped = _number(r"skipped=(\d+)", text)
    names = re.findall(r"^(?:FAIL|ERROR): (\S+)", text, re.MULTILINE)
    return Count(max(0, _number(r"^Ran (\d+) tests? in" if text.startswith("Ran") else r"\nRan (\d+) tests? in", text) - bad - skipped), bad, skipped, names)


def of_fuzz(names, text):
    """Of what tests/fuzz/run prints: a fuzzer passed if it says that it tried inputs."""
    total = Count()
    for name in sorted(names):
        if _number(rf"(?m)^{re.escape(name)}: (\d+) executions$", text) > 0:
            total.passed += 1
        else:
            total.fail(name)
    return total


def of_story(result):
    """Of the story.json that tests/story/run writes: each phase that was played, and each first version, is a test."""
    total = Count()
    left = list(result["errors"])
    for where, first, rows in (("with switch", "first", "phases"), ("retrain only", "baselineFirst", "baseline"), ("labels", "", "labels"), ("routing", "", "routing")):
        for row in result.get(rows, []):
            mine = [error for error in left if error.startswith(f"{where}, {row['phase']}:") or error.startswith(f"{row['phase']}:")]
            left = [error for error in left if error not in mine]
            if mine:
                total.fail(f"{where}, {row['phase']}")
            else:
                total.passed += 1
        if result.get(first):
            total.passed += 1
    for error in left:  # of a first version or its record, of a phase that was not played, of the refusal
        total.fail(error)
    total.passed -= min(total.passed, sum(re.search(r"first version|^[a-z]+-1: spec", error) is not None for error in left))
    return total
