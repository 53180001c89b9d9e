#include "runtime/server_tls.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <spdlog/spdlog.h>
#include <boost/asio/ssl.hpp>

namespace reprise::runtime {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::streamsize kMaxFile = 1 << 20;

Expected<std::string> contentOf(const ServerTls::File& file) {
  const auto unreadable = [&file] {
    return fail(ErrorCode::InvalidArgument,
                file.option + ": cannot read '" + file.path + "': " + std::strerror(errno));
  };
  std::ifstream in(file.path, std::ios::binary);
  if (!in) return unreadable();
  std::string out(kMaxFile + 1, '\0');
  in.read(out.data(), kMaxFile + 1);
  if (in.bad()) return unreadable();
  out.resize(static_cast<std::size_t>(in.gcount()));
  if (static_cast<std::streamsize>(out.size()) > kMaxFile)
    return fail(ErrorCode::InvalidArgument,
                file.option + ": '" + file.path + "' is larger than 1 MiB: give a PEM file");
  return out;
}

std::string stampOf(const std::string& path) {
  struct stat now{};
  if (::stat(path.c_str(), &now) != 0) return "-";
  std::ostringstream out;
  out << now.st_dev << ' ' << now.st_ino << ' ' << now.st_size << ' ' << now.st_mtim.tv_sec << '.'
      << now.st_mtim.tv_nsec;
  return out.str();
}

}  // namespace

ServerTls::ServerTls(File certificate, File key, Milliseconds recheck)
    : certificate_(std::move(certificate)), key_(std::move(key)), recheck_(recheck) {}

std::string ServerTls::stamp() const {
  return stampOf(certificate_.path) + " " + stampOf(key_.path);
}

Expected<ServerTls::Context> ServerTls::read() const {
  const auto certificate = contentOf(certificate_);
  if (!certificate) return tl::unexpected(certificate.error());
  const auto key = contentOf(key_);
  if (!key) return tl::unexpected(key.error());
  auto out = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  out->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::no_compression,
                   error);
  SSL_CTX_set_options(out->native_handle(), SSL_OP_NO_RENEGOTIATION);
  // Without it OpenSSL would ask the terminal for the password of an encrypted key.
  out->set_password_callback([](std::size_t, ssl::context::password_purpose) { return ""; }, error);
  out->use_certificate_chain(boost::asio::buffer(*certificate), error);
  if (error)
    return fail(ErrorCode::InvalidArgument,
                certificate_.option + ": '" + certificate_.path +
                    "' holds no certificate in PEM: " + error.message());
  out->use_private_key(boost::asio::buffer(*key), ssl::context::pem, error);
  // A key of another kind than the certificate's is taken without an error, and fits none.
  const bool another = error
                           ? ERR_GET_LIB(static_cast<unsigned long>(error.value())) == ERR_LIB_X509
                           : SSL_CTX_check_private_key(out->native_handle()) != 1;
  if (!error && !another) return out;
  return fail(ErrorCode::InvalidArgument,
              key_.option + ": '" + key_.path +
                  (another ? "' is not the key of the certificate in '" + certificate_.path + "'"
                           : "' holds no key in PEM that is not encrypted: " + error.message()));
}

Expected<std::shared_ptr<ServerTls>> ServerTls::load(File certificate, File key,
                                                     Milliseconds recheck) {
  std::shared_ptr<ServerTls> out(new ServerTls(std::move(certificate), std::move(key), recheck));
  out->stamp_ = out->stamp();  // before they are read: a change meanwhile is seen next
  auto first = out->read();
  if (!first) return tl::unexpected(first.error());
  out->context_ = std::move(*first);
  out->looked_ = SystemClock().steady();
  return out;
}

std::shared_ptr<ssl::context> ServerTls::context() {
  const std::lock_guard lock(mutex_);
  const auto now = SystemClock().steady();
  if (now - looked_ < recheck_) return context_;
  looked_ = now;
  auto stamp = this->stamp();
  if (stamp == stamp_) return context_;
  stamp_ = std::move(stamp);
  auto next = read();
  if (next) {
    context_ = std::move(*next);
    spdlog::info("{}: read '{}' again", certificate_.option, certificate_.path);
  } else {
    spdlog::error("{}; the certificate that was read before stays in use", next.error().message);
  }
  return context_;
}

}  // namespace reprise::runtime
