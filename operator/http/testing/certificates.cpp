#include "http/testing/certificates.h"

#include <atomic>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace reprise::http::tls_testing {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

void require(bool good) {
  if (!good) throw std::runtime_error("OpenSSL cannot make a certificate");
}

template <class Write>
std::string pemOf(Write write) {
  std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  require(write(out.get()) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate unsignedCertificate(const std::string& commonName, EVP_PKEY* key, long validSeconds) {
  static std::atomic<long> serial{1};
  Certificate out(X509_new(), X509_free);
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), -7200);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), validSeconds);
  X509_set_pubkey(out.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(commonName.c_str()), -1, -1, 0);
  return out;
}

}  // namespace

struct Authority::Impl {
  Key key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  Certificate certificate{nullptr, X509_free};
};

Authority::Authority(const std::string& commonName) : impl_(new Impl) {
  impl_->certificate = unsignedCertificate(commonName, impl_->key.get(), 3600);
  X509* own = impl_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
  require(X509_sign(own, impl_->key.get(), EVP_sha256()) > 0);
}

Authority::~Authority() { delete impl_; }

std::string Authority::pem() const {
  return pemOf([this](BIO* out) { return PEM_write_bio_X509(out, impl_->certificate.get()); });
}

Identity Authority::issue(const std::string& commonName, const std::string& names,
                          long validSeconds) const {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate made = unsignedCertificate(commonName, key.get(), validSeconds);
  X509_set_issuer_name(made.get(), X509_get_subject_name(impl_->certificate.get()));
  if (!names.empty()) extend(made.get(), impl_->certificate.get(), NID_subject_alt_name, names);
  require(X509_sign(made.get(), impl_->key.get(), EVP_sha256()) > 0);
  return {pemOf([&](BIO* out) { return PEM_write_bio_X509(out, made.get()); }),
          pemOf([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace reprise::http::tls_testing
