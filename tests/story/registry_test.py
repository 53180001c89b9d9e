import hashlib
import os
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

import registry
from kube import StoryError

KIND = "application/vnd.oci.image.manifest.v1+json"


class Manifests(BaseHTTPRequestHandler):
    """As much of a registry as moving a tag takes."""

    kept = {}

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", KIND)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", "sha256:" + hashlib.sha256(body).hexdigest())
        self.end_headers()
        return body

    def do_GET(self):
        body = self.kept.get(self.path)
        self.wfile.write(self.answer(200 if body else 404, body or b""))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] == KIND:
            self.kept[self.path] = body
        self.answer(201, body)

    def log_message(self, *_):
        pass


class Reference(unittest.TestCase):
    def test_a_port_is_no_tag(self):
        self.assertEqual(registry.split("host:5000/fuel"), ("host:5000", "fuel", "latest"))
        self.assertEqual(registry.split("host:5000/team/fuel:1.0"), ("host:5000", "team/fuel", "1.0"))

    def test_a_digest_wins_over_a_tag(self):
        self.assertEqual(registry.split("host/fuel:1.0@sha256:" + "a" * 64)[2], "sha256:" + "a" * 64)

    def test_a_name_without_a_registry_is_refused(self):
        with self.assertRaises(StoryError):
            registry.split("fuel:1.0")


class Tag(unittest.TestCase):
    def setUp(self):
        self.server = HTTPServer(("127.0.0.1", 0), Manifests)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.name = f"127.0.0.1:{self.server.server_port}/team/fuel"
        Manifests.kept = {"/v2/team/fuel/manifests/1.1": b"{}"}
        self.enterContext(mock.patch.dict(os.environ, {"KUBECONFIG": "/nowhere"}))
        registry._node.cache_clear()

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        registry._node.cache_clear()

    def test_names_what_another_reference_names_after_it_moved(self):
        digest = registry.move_tag(f"{self.name}:1.1", "stable")
        self.assertEqual(Manifests.kept["/v2/team/fuel/manifests/stable"], b"{}")
        self.assertEqual(digest, "sha256:" + hashlib.sha256(b"{}").hexdigest())

    def test_an_image_that_is_not_there_is_an_error_with_its_address(self):
        with self.assertRaisesRegex(StoryError, "manifests/2.0.*404"):
            registry.move_tag(f"{self.name}:2.0", "stable")


if __name__ == "__main__":
    unittest.main()
