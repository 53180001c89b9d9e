"""Traffic: images/fuel/traffic.py, run in its Pod, read line by line while it runs."""

import json
import subprocess
import threading

import kube
from kube import StoryError


class Traffic:
    """Requests of one kind of data until stop(). `records` grows while they are answered."""

    def __init__(self, namespace, kind, part, rate, seed, feedback=None, header=None):
        self.namespace, self.records, self._errors, self._stopped = namespace, [], [], False
        url = service_url(namespace)
        command = [kube.tool("kubectl"), "exec", "-i", "-n", namespace, "deploy/fuel-traffic", "--", "python", "traffic.py"]
        command += ["--url", url, "--kind", kind, "--part", str(part), "--rate", str(rate), "--seed", str(seed)]
        command += ["--record", "/data/recent.csv"]
        if feedback is not None:
            command += ["--feedback", str(feedback)]
        if header:
            command += ["--context-header", header]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for thread in self._threads:
            thread.start()
        kube.say(f"  requests of kind {kind} to {url}, {rate:g} a second")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read(self):
        for line in self._process.stdout:
            try:
                self.records.append(json.loads(line))
            except ValueError:
                self._errors.append(f"not JSON: {line.strip()}")

    def _read_errors(self):
        for line in self._process.stderr:
            self._errors.append(line.strip())

    def _send(self, text):
        try:
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # it has ended: check() says so

    def check(self):
        if not self._stopped and self._process.poll() is not None:
            raise StoryError(f"traffic ended by itself ({self._process.returncode}): {' / '.join(self._errors[-8:])}")

    def use_part(self, part):
        self._send(f"part {part}")

    def wait(self, what, predicate, limit):
        """Until predicate(records) holds; it gets all that there are so far."""

        def probe():
            records = list(self.records)
            if not predicate(records):
                ended = self._process.poll() is not None
                last = records[-1] if records else None
                return ended, f"{len(records)} requests, the last: {last}"
            return True, ""

        kube.wait(what, self.namespace, probe, limit=limit, step=0.2)
        if not predicate(list(self.records)):
            self.check()

    def stop(self):
        if self._stopped:
            return
        self._stopped = True
        self._send("stop")
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
        for thread in self._threads:
            thread.join()


def service_url(namespace):
    """By address: a cluster may have no DNS."""

    def probe():
        service = kube.get(namespace, "service", "fuel")
        address = (service or {}).get("spec", {}).get("clusterIP")
        return (f"http://{address}:{service['spec']['ports'][0]['port']}" if address else None), "there is no Service fuel yet"

    return kube.wait("the Service fuel", namespace, probe, limit=120)
