"""Runs commands of a stage: the output goes to a log, and now and then a line says that it is alive."""

import concurrent.futures
import os
import pathlib
import queue
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "test-logs"
# Debian's python3-yaml belongs to Debian's Python, whatever else PATH has.
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
BEAT = 20  # seconds between two signs of life


class Broken(Exception):
    """A stage cannot go on: what it needs failed. Its message is what to print."""


def say(text):
    print(text, flush=True)


def tail(text, lines=40):
    return "\n".join("    | " + line for line in text.rstrip().splitlines()[-lines:])


def end(process):
    """Ends a command and its children, which are a process group of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=20)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


class Steps:
    """The commands of one stage, one log each."""

    def __init__(self, stage):
        self.stage = stage
        self.folder = LOGS / stage
        self.folder.mkdir(parents=True, exist_ok=True)
        self._live = set()

    def together(self, calls, at_once):
        """What the calls return, in their order. Each may run commands; so many calls at a time."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            futures = [pool.submit(call) for call in calls]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in list(self._live):
                    end(process)
                raise

    def run(self, name, *command, env=None):
        """(exit status, output) of the command."""
        log = self.folder / f"{name}.log"
        begin = beat = time.monotonic()
        lines, text = queue.Queue(), []
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env=os.environ | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._live.add(process)

        def read():
            for line in process.stdout:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        try:
            with log.open("w") as file:
                while True:
                    try:
                        line = lines.get(timeout=1)
                        if line is None:
                            break
                        text.append(line)
                        file.write(line)
                        file.flush()
                    except queue.Empty:
                        if process.poll() is not None:
                            break  # a child that it left behind keeps the pipe open
                    if time.monotonic() - beat >= BEAT:
                        beat = time.monotonic()
                        last = text[-1].strip() if text else ""
                        say(f"  {self.stage}, {name}: {beat - begin:.0f} s, {last[:110]}")
            return process.wait(), "".join(text)
        except BaseException:
            end(process)
            raise
        finally:
            self._live.discard(process)

    def must(self, name, *command, env=None):
        """The output of a command without which the stage cannot go on."""
        status, text = self.run(name, *command, env=env)
        if status != 0:
            raise Broken(f"{name} ended with status {status} (log: {self.folder.relative_to(ROOT)}/{name}.log)\n{tail(text)}")
        return text
