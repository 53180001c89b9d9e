#include "kube/pem.h"

#include <algorithm>
#include <cctype>

#include <openssl/evp.h>

namespace reprise::kube {

Expected<std::string> decodeBase64(const std::string& text, const std::string& field) {
  std::string in;
  std::copy_if(text.begin(), text.end(), std::back_inserter(in),
               [](unsigned char c) { return !std::isspace(c); });
  std::string out(in.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(in.data()),
                                   static_cast<int>(in.size()));
  // The library takes padding for a letter, wherever it stands.
  const std::size_t letters = in.find_last_not_of('=') + 1, padding = in.size() - letters;
  if (in.empty() || in.size() % 4 != 0 || size < 0 || padding > 2 || in.find('=') < letters) {
    return fail(ErrorCode::InvalidArgument,
                field + ": is not base64; encode the PEM file with base64");
  }
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string encodeBase64(const std::string& bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Expected<std::string> checkPem(std::string pem, const std::string& field) {
  if (pem.find("-----BEGIN ") == std::string::npos) {
    return fail(ErrorCode::InvalidArgument, field + (pem.empty() ? ": is empty" : ": is not PEM") +
                                                "; it needs a block that begins with -----BEGIN");
  }
  return pem;
}

}  // namespace reprise::kube
