/// A network of one test's own: a nameless namespace, which the kernel removes when the test ends,
/// however it ends. Needs root.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace valinor::test {

/// The calling thread, the threads it starts and its children live in a new namespace until this
/// goes; without IPv6, so that nobody but the test sends anything.
class NetworkNamespace {
 public:
  NetworkNamespace();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

 private:
  UniqueFd outside_;
};

/// Two connected interfaces, both up, in the current namespace.
struct VethPair {
  VethPair(const std::string& left, const std::string& right, unsigned queues, unsigned mtu = 1500);
};

/// Runs `command` in a shell; throws std::runtime_error with it when it fails.
void run_command(const std::string& command);

/// Sends and receives whole frames on an interface as tcpdump would (AF_PACKET).
class PacketSocket {
 public:
  explicit PacketSocket(const std::string& interface);

  void send(std::span<const std::byte> frame);

  /// The next frame that arrived (not one we sent); empty when none came within `patience`.
  [[nodiscard]] std::vector<std::byte> receive(
      std::chrono::milliseconds patience = std::chrono::seconds{5});

 private:
  UniqueFd fd_;
};

}  // namespace valinor::test
