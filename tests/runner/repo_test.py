"""Rules of the whole repository: arrows between layers, format, scripts, links."""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What a folder of operator/ may include beside itself. A new folder gets a row.
LAYERS = {
    "base": set(),
    "http": {"base"},
    "json": {"base"},
    "api": {"base", "json"},
    "drift": {"base"},
    "kube": {"base", "json"},
    "runtime": {"base", "api", "kube"},
    "registry": {"base", "api"},
    "signals": {"base", "drift"},
    "pods": {"base", "api"},
    "training": {"base", "api", "pods", "registry"},
    "serving": {"base", "json", "api", "drift", "pods"},  # json: what its tests share
    "agent": {"base", "http", "api", "drift", "kube", "runtime"},  # of runtime: its HTTP server
    "cli": {"base", "http", "api", "drift", "kube"},
    "controllers": {"base", "json", "api", "drift", "kube", "runtime", "registry", "signals", "pods", "training", "serving"},
}
# Libraries that stay behind one folder.
HIDDEN = {"cpprest/": {"http"}, "pplx/": {"http"}, "simdjson": {"json"}}


@functools.cache
def files(*endings):
    """Files that belong to the repository, those that are not committed yet too."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = [ROOT / name for name in sorted(set(listed.splitlines()))]
    return [path for path in found if path.is_file() and (not endings or path.name.endswith(endings))]


@functools.cache
def programs(word):
    """Files whose first line names `word`, as "#!/usr/bin/env bash" does for sh and bash."""
    out = []
    for path in files():
        with path.open("rb") as file:
            first = file.readline(100)
        if first.startswith(b"#!") and word.encode() in first:
            out.append(path)
    return out


def where(path):
    return str(path.relative_to(ROOT))


def lines_with(pattern, paths):
    out = []
    for path in paths:
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if re.search(pattern, line):
                out.append(f"{where(path)}:{number}: {line.strip()[:160]}")
    return out


class Arrows(unittest.TestCase):
    def includes(self):
        for path in files(".h", ".cpp"):
            parts = path.relative_to(ROOT).parts
            if parts[0] != "operator" or len(parts) < 3:
                continue  # main.cpp and its parts join everything
            if path.name.endswith("_test.cpp"):
                continue  # a test may hold two ends of a seam against each other
            for target in re.findall(r'^\s*#include\s+[<"]([^">]+)[">]', path.read_text(), re.MULTILINE):
                yield path, parts[1], target

    def test_point_down_only(self):
        wrong = []
        for path, layer, target in self.includes():
            if layer not in LAYERS:
                wrong.append(f"{where(path)}: folder operator/{layer} has no row in LAYERS ({pathlib.Path(__file__).name})")
                continue
            other = target.split("/")[0]
            if "/" in target and other in LAYERS and other != layer and other not in LAYERS[layer]:
                wrong.append(f"{where(path)}: {layer} may not include {target}")
        self.assertEqual(sorted(set(wrong)), [])

    def test_end_in_no_circle(self):
        done = set()
        while len(done) < len(LAYERS):
            ready = {name for name, needs in LAYERS.items() if name not in done and needs <= done}
            self.assertTrue(ready, f"these include each other: {set(LAYERS) - done}")
            done |= ready

    def test_models_know_no_api_server(self):
        for layer in ("drift", "registry", "signals", "pods", "training", "serving"):
            self.assertFalse(LAYERS[layer] & {"kube", "runtime", "http"})

    def test_libraries_that_stay_behind_a_seam(self):
        wrong = [
            f"{where(path)}: {target}"
            for path, layer, target in self.includes()
            for prefix, homes in HIDDEN.items()
            if target.startswith(prefix) and layer not in homes
        ]
        self.assertEqual(wrong, [])


class Sources(unittest.TestCase):
    def test_are_formatted(self):
        paths = [where(path) for path in files(".h", ".cpp", ".c")]
        self.assertTrue(paths)
        done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", *paths], cwd=ROOT, capture_output=True, text=True, check=False)
        wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "clang-format-violations" in line})
        self.assertEqual((wrong, done.returncode), ([], 0), "run `make format`\n" + ("" if wrong else done.stderr))

    def test_headers_are_included_once(self):
        self.assertEqual([where(path) for path in files(".h") if "#pragma once" not in path.read_text()], [])


class Scripts(unittest.TestCase):
    def test_of_shells_are_clean(self):
        paths = [where(path) for path in programs("sh")]
        self.assertTrue(paths)
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is missing: tests/install-packages installs it")
        done = subprocess.run(["shellcheck", "--external-sources", "--severity=warning", *paths], cwd=ROOT, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_of_shells_can_be_read(self):
        for path in programs("sh"):
            done = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_of_python_can_be_read(self):
        for path in {*files(".py"), *programs("python3")}:
            compile(path.read_text(), where(path), "exec")

    def test_can_be_run(self):
        wrong = [where(path) for path in files() if not os.access(path, os.X_OK) and path.read_bytes()[:2] == b"#!"]
        self.assertEqual(wrong, [], "chmod +x")


class Texts(unittest.TestCase):
    def test_name_no_machine(self):
        """Paths of the machine on which something was written are of no use on another one."""
        own = pathlib.Path(__file__)
        texts = [path for path in files() if path != own and path.name != "Dockerfile" and path.suffix not in (".png", ".gz", ".bin")]
        self.assertEqual(lines_with(r"(?<![\w./-])/(work|root|home/\w+|mnt/\w+)/", texts), [])

    def test_yaml_can_be_read(self):
        for path in files(".yaml", ".yml"):
            if "templates" in path.parts:
                continue
            try:
                list(yaml.safe_load_all(path.read_text()))
            except yaml.YAMLError as error:
                self.fail(f"{where(path)}: {error}")

    def test_json_can_be_read(self):
        for path in files(".json"):
            if "corpus" in path.parts:
                continue  # a fuzzer's, wrong on purpose
            try:
                json.loads(path.read_text())
            except ValueError as error:
                self.fail(f"{where(path)}: {error}")

    def test_links_lead_somewhere(self):
        wrong = []
        for path in files(".md"):
            text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:|#", target):
                    continue
                if not (path.parent / target.split("#")[0]).exists():
                    wrong.append(f"{where(path)}: {target}")
        self.assertEqual(wrong, [])

    def test_paths_that_documents_name_are_there(self):
        wrong = []
        tops = {path.relative_to(ROOT).parts[0] for path in files()}
        for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
            for named in re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", path.read_text()):
                if named.split("/")[0] in tops and not (ROOT / named).exists():
                    wrong.append(f"{where(path)}: {named}")
        self.assertEqual(wrong, [])

    def test_operations_explains_every_reason(self):
        """Of conditions, decisions, events and the agent's ends: whoever sees one can look it up."""
        patterns = (
            r'\{"(?:True|False|Unknown)",\s*"([A-Z]\w+)"',
            r'(?:Blocked|Refusal|Obstacle)\{\s*"([A-Z]\w+)"',
            r'Trouble\{\w+,\s*"([A-Z]\w+)"',
            r'giveUp\(\s*"([A-Z]\w+)"',
            r'Action::(?:Hold|Clear),\s*"([A-Z]\w+)"',
            r'(?:switchTo|retrain)\(\s*q,\s*decision,\s*[^"]*"([A-Z]\w+)"',
            r'[rR]eason = "([A-Z]\w+)"',
            r'\.message = "([A-Z][A-Za-z]+): ',
            r'events\.push_back\(\{(?:true|false), "([A-Z]\w+)"',
            r'return "((?:Image|Registry|Invalid)\w+)"',
            r'ended\(\s*"([A-Z]\w+)"',
            r'\b(?:no\(|Hearing\{"\w+",)\s*"([A-Z]\w+)"',
            r'\b(?:hold|retrain)\(now,\s*"([A-Z]\w+)"',
            r'switchTo\(now, [\w.]+,\s*"([A-Z]\w+)"',
            r'return "(Secret\w+)"',
        )
        # ends of the agent that are no trouble, or are seen only as RunFailed's message
        fine = {"Completed", "Installed", "Fetched", "Published", "Verified", "Ended", "DrainTimeout"}
        text = (ROOT / "docs" / "operations.md").read_text()
        found = {}
        for path in files(".cpp"):
            parts = path.relative_to(ROOT).parts
            if parts[0] != "operator" or parts[1] == "base" or path.name.endswith("_test.cpp") or "testing" in parts:
                continue
            for pattern in patterns:
                for reason in re.findall(pattern, path.read_text()):
                    found.setdefault(reason, where(path))
        self.assertGreater(len(found), 50)
        self.assertEqual({reason: at for reason, at in sorted(found.items()) if f"`{reason}`" not in text and reason not in fine}, {})

    def test_operations_names_every_metric(self):
        text = (ROOT / "docs" / "operations.md").read_text()
        named = set()
        for path in files(".cpp"):
            parts = path.relative_to(ROOT).parts
            if parts[0] == "operator" and parts[1] != "agent" and not path.name.endswith("_test.cpp"):
                named |= set(re.findall(r'"(reprise_[a-z_]+)"', path.read_text()))
        self.assertTrue(named)
        self.assertEqual({name for name in named if f"`{name}`" not in text}, set())


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
