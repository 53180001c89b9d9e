"""The stages of the test suite, cheapest first. Each is a function from its Steps to a Count."""

import contextlib
import functools
import json
import os
import pathlib
import subprocess
import time

import count
from count import Count
from steps import LOGS, PYTHON, ROOT, Broken, end, say, tail

CLUSTER = ROOT / "tests" / "cluster"


# The build that api and faults use. What is shipped is compiled by the Dockerfile and plays the story.
PRESET = os.environ.get("REPRISE_PRESET", "asan")
# Of the faults, those that are run once more with races checked: two operators and a lease, and requests that go wrong.
RACY_FAULTS = ("leader_faults", "request_faults")
LONG_FAULTS = ("crash_faults", "request_faults", "state_faults")  # begin first


class Beside:
    """A command at work in the background of the stages before the one that needs it. One that `yields` gets only what they leave of the processors."""

    def __init__(self, name, what, command, yields=False):
        self._what, self._command, self._yields = what, command, yields
        self._process, self._log = None, LOGS / f"{name}.log"

    def start(self):
        if self._process:
            return
        LOGS.mkdir(parents=True, exist_ok=True)
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["nice", "-n", "19" if self._yields else "10", *map(str, self._command)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self._yields:
            # Where the kernel shares by session, the niceness within one says nothing to the others.
            with contextlib.suppress(OSError):
                pathlib.Path(f"/proc/{self._process.pid}/autogroup").write_text("19")

    def wait(self):
        """(exit status, output) once it has ended; (0, "") where nobody started it."""
        if not self._process:
            return 0, ""
        begin = beat = time.monotonic()
        while self._process.poll() is None:
            time.sleep(0.2)
            if time.monotonic() - beat >= 20:
                beat = time.monotonic()
                said = self._log.read_text(errors="replace").strip().splitlines()
                say(f"  waiting for {self._what}: {beat - begin:.0f} s, {said[-1][:110] if said else ''}")
        return self._process.returncode, self._log.read_text(errors="replace")

    def stop(self):
        if self._process and self._process.poll() is None:
            end(self._process)


tools = Beside("install-tools", "the test cluster's programs", [CLUSTER / "install-tools"])
fuzzers = Beside("fuzz", "the fuzzers", [ROOT / "tests" / "fuzz" / "run", os.environ.get("REPRISE_FUZZ_SECONDS", "60")], yields=True)
chosen = ()  # the stages of this run, by name


def need_tools():
    """Waits until they are there. Does nothing where a cluster of the user's makes them needless."""
    status, text = tools.wait()
    if status != 0:
        raise Broken(f"tests/cluster/install-tools ended with status {status}\n{tail(text)}")


# --- parts of stages


def unittests(steps, name, folder, env=None):
    status, text = steps.run(name, PYTHON, "-B", "-m", "unittest", "discover", "-v", "-s", folder, "-p", "*_test.py", env=env)
    found = count.of_unittest(text).judged(status)
    if found.failed:
        say(tail(text, 60))
    return found


def build(steps, preset, *targets):
    steps.must("configure", "cmake", "--preset", preset)
    steps.must("build", "cmake", "--build", "--preset", preset, *(["--target", *targets] if targets else []))


def ctest(steps, preset, env=None):
    junit = LOGS / steps.stage / f"{preset}.xml"
    junit.unlink(missing_ok=True)
    size = "10000000"
    status, text = steps.run(
        f"ctest-{preset}", "ctest", "--preset", preset, "--output-junit", junit, "--test-output-size-passed", size, "--test-output-size-failed", size, env=env
    )
    found = (count.of_ctest(junit.read_text(errors="replace")) if junit.exists() else Count()).judged(status)
    if found.failed:
        say(tail(text, 80))
    return found


def built(steps, preset, tests):
    """Builds a preset and runs a test preset of it."""
    build(steps, preset)
    return ctest(steps, tests)


# --- the stages


def repo(steps):
    return unittests(steps, "repo", ROOT / "tests" / "runner")


def unit(steps):
    return built(steps, "release", "unit")


def model(steps):
    """Plans and acts interleaved at random against an API server in memory."""
    return built(steps, "model", "model")


def python(steps):
    """Unit tests of the programs that are written in Python."""
    total = Count()
    folders = sorted({path.parent for top in ("tests", "images") for path in (ROOT / top).rglob("*_test.py")})
    for folder in folders:
        if folder.name not in ("runner", "chart", "faults"):  # stages of their own
            total += unittests(steps, folder.name, folder)
    return total.judged(0)


def environment(preset):
    """What the test preset sets: how a sanitizer looks, above all."""
    for one in json.loads((ROOT / "CMakePresets.json").read_text())["testPresets"]:
        if one["name"] == preset:
            return {name: value.replace("${sourceDir}", str(ROOT)) for name, value in one.get("environment", {}).items()}
    raise Broken(f"CMakePresets.json has no test preset '{preset}'")


def faults_of(steps, preset, name):
    program = ROOT / "build" / preset / "operator" / "reprise-operator"
    status, text = steps.run(f"{name}-{preset}", ROOT / "tests" / "faults" / "run", "--operator", program, f"{name}.", env=environment(preset))
    found = count.of_unittest(text).judged(status)
    if found.failed:
        say(tail(text, 80))
    return found


def start_fuzzers(steps):
    build(steps, "asan", "fuzzers")
    fuzzers.start()


def asan(steps):
    """Unit tests and a few schedules of the model test; addresses, leaks and undefined behaviour are checked."""
    return built(steps, "asan", "asan")


def tsan(steps):
    """Tests of what has threads; data races are checked."""
    return built(steps, "tsan", "tsan")


def chart(steps):
    need_tools()
    return unittests(steps, "chart", ROOT / "tests" / "chart")


def api(steps):
    if not os.environ.get("KUBECONFIG"):
        need_tools()
    return built(steps, PRESET, f"api-{PRESET}")


def faults(steps):
    """The operator behind a proxy that makes the faults, and killed at each of its writes. Most of it is waiting: so some files run at a time, and the fuzzers beside them."""
    if not os.environ.get("KUBECONFIG"):
        need_tools()
    for preset in {PRESET, "tsan"}:
        build(steps, preset, "reprise-operator")
    if "fuzz" in chosen:
        start_fuzzers(steps)
    names = sorted(path.stem for path in (ROOT / "tests" / "faults").glob("*_faults.py"))
    files = [(PRESET, name) for name in names] + [("tsan", name) for name in RACY_FAULTS]
    files.sort(key=lambda file: file[1] not in LONG_FAULTS)
    calls = [functools.partial(faults_of, steps, preset, name) for preset, name in files]
    total = Count()
    for found in steps.together(calls, at_once=3):
        total += found
    return total


def fuzz(steps):
    """Each fuzzer for REPRISE_FUZZ_SECONDS (60), as many at a time as there are cores; a crash, a leak or a time-out fails it."""
    start_fuzzers(steps)
    status, text = fuzzers.wait()
    names = [path.name.removesuffix("_fuzz.cpp") for path in (ROOT / "tests" / "fuzz").glob("*_fuzz.cpp")]
    found = count.of_fuzz(names, text).judged(status)
    if found.failed:
        say(tail(text, 80))
    return found


def story(steps):
    ours = not os.environ.get("KUBECONFIG") and subprocess.run([CLUSTER / "status"], capture_output=True, check=False).returncode != 0
    need_tools()
    out = LOGS / "story"
    (out / "story.json").unlink(missing_ok=True)
    try:
        steps.must("up", CLUSTER / "up")
        steps.must("install", PYTHON, ROOT / "tests" / "story" / "install")
        status, text = steps.run("story", PYTHON, ROOT / "tests" / "story" / "run", "--assert", "--out", out)
        result = out / "story.json"
        if not result.exists():
            raise Broken(f"the story did not come to its end\n{tail(text, 80)}")
        say((out / "story.txt").read_text())
        found = count.of_story(json.loads(result.read_text())).judged(status)
        bad_input = ROOT / "tests" / "story" / "bad_input.py"
        if bad_input.exists():
            status, text = steps.run("bad-input", PYTHON, "-B", bad_input, "-v")
            judged = count.of_unittest(text).judged(status)
            if judged.failed:
                say(tail(text, 80))
            found += judged
        return found
    finally:
        if ours:
            steps.run("down", CLUSTER / "down")


STAGES = {one.__name__: one for one in (repo, python, unit, model, asan, tsan, chart, api, faults, fuzz, story)}
# What runs where no stage is named. unit is the release build of what asan runs: for work on it.
DEFAULT = ("repo", "python", "asan", "model", "tsan", "chart", "api", "faults", "fuzz", "story")
NEED_TOOLS = {"chart", "api", "faults", "story"}
# Stages of folders that the repository may not have: then they are named as absent, and count as nothing.
FOLDERS = {"fuzz": pathlib.Path("tests/fuzz"), "faults": pathlib.Path("tests/faults")}
