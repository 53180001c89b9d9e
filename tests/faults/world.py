"""A real control plane, operators that reach it through proxies, and a client of our own to see and change what is there."""

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import certificates
from http11 import Connection, Gone
from proxy import Proxy

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTROL_PLANE = ROOT / "tests" / "cluster" / "control-plane"
GROUP = "/apis/reprise.dev/v1alpha1"
# resource -> prefix of its path
RESOURCES = {
    "trainingpipelines": GROUP,
    "modelversions": GROUP,
    "modeldeployments": GROUP,
    "jobs": "/apis/batch/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "pods": "/api/v1",
    "services": "/api/v1",
    "serviceaccounts": "/api/v1",
    "events": "/api/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
}
# What a sanitized operator writes where it found something.
REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error: ")
LIMIT = 240  # seconds that anything may take before it counts as failed: generous, for a busy machine


def path(namespace, resource, name="", subresource=""):
    return "/".join(part for part in (RESOURCES[resource], "namespaces", namespace, resource, name, subresource) if part)


class Refused(Exception):
    """The API server answered with an error."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text[:300]}")
        self.status = status


class Api:
    """The API server, straight. Any number of requests at once."""

    def __init__(self, port, context):
        self._port, self._context, self._idle = port, context, []

    async def call(self, method, target, body=None, kind="application/json"):
        connection = self._idle.pop() if self._idle else Connection(self._port, self._context)
        data = b"" if body is None else json.dumps(body).encode()
        response = await connection.send(method, target, {"accept": "application/json", "content-type": kind}, data)
        text = await response.read()
        self._idle.append(connection)
        if response.status >= 300:
            raise Refused(response.status, text.decode(errors="replace"))
        return json.loads(text)

    async def get(self, namespace, resource, name):
        """The object, or None."""
        try:
            return await self.call("GET", path(namespace, resource, name))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    async def list(self, namespace, resource, selector=""):
        query = f"?labelSelector={urllib.parse.quote(selector)}" if selector else ""
        return (await self.call("GET", path(namespace, resource) + query))["items"]

    async def create(self, namespace, resource, thing):
        return await self.call("POST", path(namespace, resource), thing)

    async def patch(self, namespace, resource, name, patch, subresource=""):
        return await self.call("PATCH", path(namespace, resource, name, subresource), patch, "application/merge-patch+json")

    async def delete(self, namespace, resource, name):
        return await self.call("DELETE", path(namespace, resource, name), {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})

    async def events(self, target):
        """Of a watch, for ever."""
        connection = Connection(self._port, self._context)
        try:
            response = await connection.send("GET", target, {"accept": "application/json"}, b"")
            rest = b""
            async for piece in response.pieces:
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    yield json.loads(line)
        finally:
            connection.close()

    def close(self):
        for connection in self._idle:
            connection.close()
        self._idle.clear()


async def until(what, probe, limit=LIMIT, step=0.1):
    """Calls the coroutine function probe() until what it returns is true, and returns that. A server that is away is waited for."""
    begun, seen = time.monotonic(), None
    while True:
        try:
            seen = await probe()
            if seen:
                return seen
        except (Refused, Gone, OSError) as error:
            seen = error
        if time.monotonic() - begun > limit:
            raise AssertionError(f"waited {limit} s for {what}, in vain; last: {seen!r}")
        await asyncio.sleep(step)


async def stopped(things):
    """Stops them all, the last one first, and then raises the first error that there was."""
    errors = []
    while things:
        try:
            await things.pop().stop()
        except (AssertionError, OSError) as error:
            errors.append(error)
    if errors:
        raise errors[0]


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def condition(thing, name):
    found = [one for one in (thing or {}).get("status", {}).get("conditions", []) if one["type"] == name]
    return found[0] if found else {}


class World:
    """One control plane in a folder of its own."""

    def __init__(self, operator, apiserver_args="", controllers=True):
        self.operator = pathlib.Path(operator)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reprise-faults-"))
        self._apiserver_args, self._controllers = apiserver_args, controllers
        self._namespaces, self._open, self._launched = 0, [], {}

    async def start(self):
        environment = {**os.environ, "APISERVER_ARGS": self._apiserver_args.replace("@", str(self.folder)), "CONTROLLER_MANAGER_ARGS": "--kube-api-qps=400 --kube-api-burst=800"}
        arguments = [CONTROL_PLANE, "start", self.folder, *(["--with-controllers"] if self._controllers else [])]
        process = await asyncio.create_subprocess_exec(*map(str, arguments), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"tests/cluster/control-plane: {said.decode(errors='replace')[-2000:]}")
        self.port = int(dict(line.split("=") for line in (self.folder / "env").read_text().split())["API_PORT"])
        pki = self.folder / "pki"
        self.context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self.api = Api(self.port, self.context)
        self.tls = self.folder / "proxy-tls"
        self.ca = certificates.authority(self.tls)
        self.certificate = certificates.certificate(self.tls, "right")
        await self._install()
        return self

    async def _install(self):
        kubectl = await asyncio.create_subprocess_exec(
            str(ROOT / "tests" / "cluster" / "kubectl"),
            "apply", "-f", str(ROOT / "crds"),
            env={**os.environ, "KUBECONFIG": str(self.folder / "kubeconfig")}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await kubectl.communicate()
        if kubectl.returncode != 0:
            raise RuntimeError(f"the CRDs were not taken: {said.decode(errors='replace')}")

        async def served():
            return await self.api.call("GET", f"{GROUP}/trainingpipelines") and await self.api.call("GET", f"{GROUP}/modeldeployments") and await self.api.call("GET", f"{GROUP}/modelversions")

        await until("the CRDs to be served", served)

    async def stop(self):
        try:
            await stopped(self._open)
        finally:
            await self._end()

    async def _end(self):
        if hasattr(self, "api"):
            self.api.close()
        process = await asyncio.create_subprocess_exec(str(CONTROL_PLANE), "stop", str(self.folder), stdin=subprocess.DEVNULL)
        await process.wait()
        if not os.environ.get("REPRISE_FAULTS_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    async def namespace(self, word):
        """A new one, in which Pods can be made."""
        self._namespaces += 1
        name = f"{word}-{self._namespaces}"
        await self.api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        if self._controllers:

            async def account():
                return await self.api.get(name, "serviceaccounts", "default")

            await until(f"the default ServiceAccount of {name}", account)
        return name

    async def proxy(self, certificate=None):
        made = await Proxy((self.port, self.context), certificate or self.certificate).start()
        self._open.append(made)
        return made

    async def run(self, proxy, namespace, *, wait=True, **settings):
        """An operator of that namespace behind that proxy; ready, unless it is not waited for."""
        made = Operator(self, proxy, namespace, **settings)
        self._open.append(made)
        await made.start()
        if wait:
            await made.ready()
        return made

    # --- etcd and API server, as processes

    def process(self, name):
        return int((self.folder / f"{name}.pid").read_text())

    async def kill(self, name):
        """SIGKILL; returns how it was started."""
        pid = self.process(name)
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        os.kill(pid, signal.SIGKILL)
        if name in self._launched:
            await self._launched.pop(name).stop()
        while pathlib.Path(f"/proc/{pid}").exists() and self._state(pid) != "Z":
            await asyncio.sleep(0.02)
        return [part.decode() for part in command]

    @staticmethod
    def _state(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return "Z"

    async def launch(self, name, command):
        search = subprocess.run(["bash", "-c", f'. "{ROOT}/tests/cluster/lib.sh"; printf %s "$PATH"'], capture_output=True, text=True, check=True).stdout
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "PATH": search}, start_new_session=True)
        (self.folder / f"{name}.pid").write_text(f"{process.pid}\n")
        self._launched[name] = Reaped(process)
        self._open.append(self._launched[name])

    async def answering(self):
        self.api.close()

        async def ready():
            return await self.api.call("GET", f"{GROUP}/trainingpipelines")

        await until("the API server to answer", ready)


class Reaped:
    """A child of ours: it is gone with all its threads, and its ports are free, once it was waited for."""

    def __init__(self, process):
        self._process = process

    async def stop(self):
        if self._process.poll() is None:
            self._process.kill()
        await asyncio.to_thread(self._process.wait)


class Operator:
    """One reprise-operator, started again and again under one log."""

    def __init__(self, world, proxy, namespace, *, leader=False, token_file=None, arguments=()):
        self._world, self.proxy, self.namespace = world, proxy, namespace
        self._health = self._process = None
        self._arguments = [*arguments, *(["--leader-elect", "--lease-namespace", namespace] if leader else [])]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="operator-", dir=world.folder))
        self.kubeconfig, self.log_file = self.folder / "kubeconfig", self.folder / "log"
        self.ca = self.folder / "ca.crt"
        self.ca.write_bytes(world.ca.read_bytes())
        user = {"tokenFile": str(token_file)} if token_file else {"token": "any"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{proxy.port}", "certificate-authority": str(self.ca)}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        self.kubeconfig.write_text(json.dumps(config))  # JSON is YAML
        self.starts = 0
        self._read = 0  # what of the log was looked at for reports

    async def start(self):
        self._health, metrics = free_port(), free_port()
        arguments = ["--agent-image", "registry.example.com/reprise@sha256:" + "a" * 64, "--kubeconfig", self.kubeconfig, "--watch-namespace", self.namespace]
        arguments += ["--health-port", self._health, "--metrics-port", metrics, *self._arguments]
        environment = {name: value for name, value in os.environ.items() if name.lower() not in ("http_proxy", "https_proxy", "all_proxy", "kubeconfig")}
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(self._world.operator), *map(str, arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        self.starts += 1

    @property
    def running(self):
        return self._process is not None and self._process.returncode is None

    @property
    def status(self):
        """Exit status, or None while it runs."""
        return self._process.returncode

    def signal(self, number):
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def kill(self):
        self.signal(signal.SIGKILL)
        await self._process.wait()

    async def ended(self, limit=LIMIT):
        async with asyncio.timeout(limit):
            return await self._process.wait()

    async def stop(self):
        """In order; AssertionError where a sanitizer reported something, now or in an earlier start."""
        if self.running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                await self.ended(40)
            except TimeoutError:
                await self.kill()
        log, self._read = self.log()[self._read :], len(self.log())
        found = min((at for at in map(log.find, REPORTS) if at >= 0), default=None)
        if found is not None:
            raise AssertionError(f"a sanitizer found something in the operator: {log[found : found + 6000]}")

    async def health(self, what="/readyz"):
        """Status of the health server; 0 if it does not answer."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._health)
            writer.write(f"GET {what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            first = await reader.readline()
            writer.close()
            return int(first.split()[1]) if first else 0
        except OSError:
            return 0

    async def ready(self, limit=LIMIT):
        async def is_ready():
            if not self.running:
                raise AssertionError(f"the operator ended with {self.status}: {self.log()[-2000:]}")
            return await self.health() == 200

        await until("the operator to be ready", is_ready, limit)

    def log(self):
        return self.log_file.read_text(errors="replace")

    async def says(self, *words, limit=LIMIT):
        """Until one of the words is in its log."""

        async def said():
            text = self.log().lower()
            return [word for word in words if word.lower() in text]

        return await until(f"the operator to log one of {words}", said, limit)


def default_operator():
    return os.environ.get("REPRISE_OPERATOR") or ROOT / "build" / "release" / "operator" / "reprise-operator"


