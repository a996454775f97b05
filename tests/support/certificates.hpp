/// A certificate authority of a test's own, made by openssl(1), gone with the object.
#pragma once

#include <filesystem>
#include <string>

namespace valinor::test {

class Certificates {
 public:
  /// Makes ca.crt. Throws std::runtime_error with what openssl said.
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  /// Makes NAME.crt and NAME.key, signed by the authority; `names` as in "DNS:redis.test,IP:::1".
  void issue(const std::string& name, const std::string& names);

  [[nodiscard]] std::string ca() const { return file("ca.crt"); }
  [[nodiscard]] std::string cert(const std::string& name) const { return file(name + ".crt"); }
  [[nodiscard]] std::string key(const std::string& name) const { return file(name + ".key"); }

 private:
  [[nodiscard]] std::string file(const std::string& name) const {
    return (folder_ / name).string();
  }

  std::filesystem::path folder_;
};

}  // namespace valinor::test
