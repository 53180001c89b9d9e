// Who we are and whom we trust, against the real server.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "api_fixture.h"

namespace reprise::kube {
namespace {

class ConnectionApi : public ApiTest {
 protected:
  // The same server with other certificates.
  Expected<http::Response> askWith(std::function<void(http::TlsOptions&)> change) {
    Access other = access_;
    other.tls = [tls = access_.tls, change]() -> Expected<http::TlsOptions> {
      auto out = tls();
      if (out) change(*out);
      return out;
    };
    ApiConnection connection(other, http::makeCpprestTransport);
    return connection.send("GET", "/version");
  }
};

// A certificate authority that has signed nothing.
std::string strangeAuthority() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("strange"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

TEST_F(ConnectionApi, AServerOfAnotherAuthorityIsRefusedBeforeAnythingIsSent) {
  ASSERT_TRUE(askWith([](http::TlsOptions&) {})) << "the control of this test";
  auto refused = askWith([](http::TlsOptions& tls) { tls.caPem = strangeAuthority(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unavailable);
  EXPECT_EQ(refused.error().sent, Sent::No) << refused.error().message;
}

TEST_F(ConnectionApi, WithoutAnAuthorityTheSystemsDoNotTrustIt) {
  EXPECT_FALSE(askWith([](http::TlsOptions& tls) { tls.caPem.clear(); }));
}

TEST_F(ConnectionApi, TheNameInTheCertificateIsChecked) {
  EXPECT_FALSE(askWith([](http::TlsOptions& tls) { tls.serverName = "somebody.else"; }));
  auto right = askWith([](http::TlsOptions& tls) { tls.serverName = "kubernetes.default.svc"; });
  ASSERT_TRUE(right) << right.error().message;
}

TEST_F(ConnectionApi, VerificationIsLeftOutOnlyWhereItIsAskedFor) {
  auto response = askWith([](http::TlsOptions& tls) {
    tls.caPem.clear();
    tls.insecureSkipVerify = true;
  });
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
}

TEST_F(ConnectionApi, AStrangerIsForbidden) {
  Access nobody = access_;
  nobody.tls = [tls = access_.tls]() -> Expected<http::TlsOptions> {
    auto out = tls();
    if (out) out->certPem = out->keyPem = "";
    return out;
  };
  nobody.credentials = fixedCredentials("Bearer not-a-token");
  ApiConnection connection(nobody, http::makeCpprestTransport);
  auto refused = HttpClient(connection).get(resources::configMaps, ns_, "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Forbidden) << refused.error().message;
}

TEST_F(ConnectionApi, AServiceAccountsTokenWorksAndIsReadAgainAfterA401) {
  const Json account = {
      {"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "sa"}}}};
  ASSERT_TRUE(client_->apply(resources::serviceAccounts, ns_, account));
  const Json ask = {{"apiVersion", "authentication.k8s.io/v1"},
                    {"kind", "TokenRequest"},
                    {"spec", {{"expirationSeconds", 3600}}}};
  auto answer = connection_->send("POST", resources::serviceAccounts.path(ns_, "sa", "token"), {},
                                  ask.dump(), "application/json");
  ASSERT_TRUE(answer) << answer.error().message;
  const std::string token = Json::parse(answer->body)["status"]["token"];

  // As it is mounted into a Pod; the token in it is an old one when it is read first.
  const auto folder = std::filesystem::temp_directory_path() / ns_;
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text;
  };
  write("token", "expired");
  write("ca.crt", access_.tls()->caPem);
  write("namespace", ns_);
  const auto colon = access_.server.rfind(':');
  setenv("KUBERNETES_SERVICE_HOST", access_.server.substr(8, colon - 8).c_str(), 1);
  setenv("KUBERNETES_SERVICE_PORT", access_.server.substr(colon + 1).c_str(), 1);
  auto access = inClusterAccess(folder);
  unsetenv("KUBERNETES_SERVICE_HOST");
  unsetenv("KUBERNETES_SERVICE_PORT");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->ns, ns_);
  write("token", token + "\n");
  ApiConnection connection(*access, http::makeCpprestTransport);
  // Known, and without rights: 403 rather than 401.
  auto response = connection.send("GET", resources::configMaps.path(ns_, "a"));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 403) << response->body;
  EXPECT_NE(response->body.find("system:serviceaccount:" + ns_ + ":sa"), std::string::npos)
      << response->body;
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace reprise::kube
