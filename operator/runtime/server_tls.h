// The certificate of a server of ours, from files that are read again when they change: what renews
// a certificate (a Secret's volume, say) needs no restart.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace boost::asio::ssl {
class context;
}

namespace reprise::runtime {

class ServerTls {
 public:
  struct File {
    std::string option;  // that names it, for errors: "--webhook-tls-cert"
    std::string path;
  };

  // PEM: a certificate with its chain, and its key, which is not encrypted; at most 1 MiB each. TLS
  // 1.2 and 1.3 are spoken. InvalidArgument names the option, the file and what is wrong.
  // `recheck`: the least time between two looks at the files, which connections cause.
  static Expected<std::shared_ptr<ServerTls>> load(File certificate, File key,
                                                   Milliseconds recheck = Milliseconds(1'000));

  // For a connection that begins; one that is open keeps what it began with. Files that changed and
  // cannot be used are logged, and what was read before stays. Thread-safe.
  std::shared_ptr<boost::asio::ssl::context> context();

 private:
  using Context = std::shared_ptr<boost::asio::ssl::context>;
  ServerTls(File certificate, File key, Milliseconds recheck);
  Expected<Context> read() const;
  std::string stamp() const;

  const File certificate_, key_;
  const Milliseconds recheck_;
  std::mutex mutex_;
  Context context_;
  std::string stamp_;  // of the files as they were last read, whether or not they could be used
  SteadyTime looked_{};
};

}  // namespace reprise::runtime
