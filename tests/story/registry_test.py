import unittest

import registry
from kube import StoryError


class Reference(unittest.TestCase):
    def test_a_port_is_no_tag(self):
        self.assertEqual(registry.split("host:5000/fuel"), ("host:5000", "fuel", "latest"))
        self.assertEqual(registry.split("host:5000/team/fuel:1.0"), ("host:5000", "team/fuel", "1.0"))

    def test_a_digest_wins_over_a_tag(self):
        self.assertEqual(registry.split("host/fuel:1.0@sha256:" + "a" * 64)[2], "sha256:" + "a" * 64)

    def test_a_name_without_a_registry_is_refused(self):
        with self.assertRaises(StoryError):
            registry.split("fuel:1.0")


if __name__ == "__main__":
    unittest.main()
