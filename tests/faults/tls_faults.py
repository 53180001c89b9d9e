"""Whom the operator does not talk to, and certificates that are replaced while it runs."""

import certificates
from case import Case


class Strangers(Case):
    """Each is refused: nothing is sent to it, the operator never becomes ready, and its log names what is wrong."""

    def _refused(self, word, said, **flaws):
        async def scenario():
            folder = self.world.tls
            if "ca" in flaws:
                certificates.authority(folder, flaws["ca"])
            namespace = await self.namespace(word)
            proxy = await self.proxy(certificates.certificate(folder, word, **flaws))
            operator = await self.operator(proxy, namespace, wait=False)
            await operator.says(said)
            begun = proxy.handshakes_failed
            await proxy.until(lambda: proxy.handshakes_failed >= begun + 18)  # each of nine caches tried again, and again
            self.assertTrue(operator.running)
            self.assertEqual(await operator.health(), 503)
            self.assertEqual(proxy.log, [], "nothing is said to a stranger")

        self.play(scenario)

    def test_an_unknown_authority_is_refused(self):
        self._refused("wrong-ca", "issuer", ca="other")

    def test_another_host_is_refused(self):
        self._refused("wrong-san", "IP address mismatch", alternative="DNS:api.example.com,IP:10.0.0.1", common="api.example.com")

    def test_a_name_in_the_common_name_alone_is_refused(self):
        self._refused("no-san", "IP address mismatch", alternative="", common="127.0.0.1")

    def test_an_expired_certificate_is_refused(self):
        self._refused("expired", "certificate has expired", expired=True)


class Replaced(Case):
    def test_another_certificate_of_the_same_authority_is_taken(self):
        async def scenario():
            namespace, proxy, operator = await self.serving("new-cert")
            proxy.present(certificates.certificate(self.world.tls, "second"))
            proxy.cut()
            await self.lives(namespace, 2)
            self.assertEqual(operator.starts, 1)

        self.play(scenario)

    def test_a_stranger_in_between_is_refused_and_outlived(self):
        async def scenario():
            namespace, proxy, operator = await self.serving("stranger")
            certificates.authority(self.world.tls, "strange")
            proxy.present(certificates.certificate(self.world.tls, "stranger", ca="strange"))
            sent = len(proxy.log)
            proxy.cut()
            await operator.says("certificate is refused")
            await self.handshakes(proxy, 9)
            self.assertEqual(len(proxy.log), sent)
            proxy.present(self.world.certificate)
            await self.lives(namespace, 2)
            self.assertEqual(operator.starts, 1)

        self.play(scenario)

    def test_another_authority_is_taken_from_its_file_at_once(self):
        async def scenario():
            namespace, proxy, operator = await self.serving("new-ca")
            authority = certificates.authority(self.world.tls, "next")
            proxy.present(certificates.certificate(self.world.tls, "next-cert", ca="next"))
            proxy.cut()
            await self.handshakes(proxy, 9)
            operator.ca.write_text("")  # it is being replaced
            await self.handshakes(proxy, proxy.handshakes_failed + 9)
            operator.ca.write_bytes(authority.read_bytes())
            await self.lives(namespace, 2)
            self.assertEqual(operator.starts, 1)

        self.play(scenario)

    async def handshakes(self, proxy, wanted):
        await proxy.until(lambda: proxy.handshakes_failed >= wanted)
