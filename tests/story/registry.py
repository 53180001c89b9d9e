"""Moves a tag in an OCI registry: the manifest under another name, the layers stay where they are."""

import functools
import os
import re
import subprocess
import urllib.error
import urllib.request

from kube import ROOT, StoryError

TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
# The test cluster's registry is next door: no proxy stands between.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@functools.cache
def _node():
    """(its name inside the cluster, where it is reached from here) of the test cluster's registry; None if it is not used."""
    if os.environ.get("KUBECONFIG"):
        return None
    done = subprocess.run([str(ROOT / "tests" / "cluster" / "status")], capture_output=True, text=True, check=False)
    found = re.search(r"^registry: +(\S+) inside, (\S+) from here", done.stdout, re.MULTILINE)
    if not found:
        raise StoryError(f"there is no test cluster: {done.stderr.strip()}; start it with tests/cluster/up, or set KUBECONFIG")
    return found.groups()


def address():
    """The registry to push to, as the cluster names it."""
    if os.environ.get("REPRISE_REGISTRY"):
        return os.environ["REPRISE_REGISTRY"]
    node = _node()
    if not node:
        raise StoryError("KUBECONFIG is set: REPRISE_REGISTRY has to name a registry that its cluster pulls from")
    return node[0]


def is_plain(host):
    """Whether it speaks HTTP without TLS: the test cluster's own, and whatever listens on loopback."""
    return host.startswith(("127.0.0.1:", "localhost:")) or bool(_node()) and host == _node()[0]


def _base(host):
    if not is_plain(host):
        return f"https://{host}"
    node = _node()
    return f"http://{node[1] if node and host == node[0] else host}"


def split(reference):
    """"host:5000/team/fuel@sha256:…" -> ("host:5000", "team/fuel", "sha256:…"); a tag, or "latest", instead of a digest."""
    match = re.fullmatch(r"([^/]+)/([^@]+?)(?::([^:/@]+))?(?:@(sha256:[0-9a-f]{64}))?", reference)
    if not match:
        raise StoryError(f"'{reference}' is no image reference with a registry, such as host:5000/fuel:1.0")
    host, repository, tag, digest = match.groups()
    return host, repository, digest or tag or "latest"


def _call(method, url, **more):
    try:
        return _opener.open(urllib.request.Request(url, method=method, **more), timeout=20)
    except urllib.error.URLError as error:
        raise StoryError(f"registry: {method} {url}: {error}") from error


def digest(reference):
    host, repository, name = split(reference)
    with _call("HEAD", f"{_base(host)}/v2/{repository}/manifests/{name}", headers={"Accept": TYPES}) as answer:
        return answer.headers["Docker-Content-Digest"]


def move_tag(reference, tag):
    """Lets `tag` of the same repository name what `reference` names. Returns the digest."""
    host, repository, name = split(reference)
    url = f"{_base(host)}/v2/{repository}/manifests/"
    with _call("GET", url + name, headers={"Accept": TYPES}) as answer:
        manifest, kind = answer.read(), answer.headers["Content-Type"]
    with _call("PUT", url + tag, data=manifest, headers={"Content-Type": kind}) as answer:
        return answer.headers["Docker-Content-Digest"]
