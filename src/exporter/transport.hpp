/// The bytes of one connection, plain or through TLS. Nothing here waits: what cannot be done now
/// is done by calling again, when the socket is ready for events(). An end or a failure of the
/// connection is an error; after one of send(), what had arrived before may still be received.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "exporter/tls_context.hpp"

namespace valinor::exporter {

class Transport {
 public:
  virtual ~Transport() = default;

  /// Gets on with what comes before the first byte. True: bytes may be sent.
  [[nodiscard]] virtual Result<bool> establish() = 0;

  /// How many bytes it took, from the start of `bytes`; 0: none now. After a 0 the next call must
  /// start with the same bytes.
  [[nodiscard]] virtual Result<std::size_t> send(std::string_view bytes) = 0;

  /// How many bytes came; 0: none now.
  [[nodiscard]] virtual Result<std::size_t> receive(std::span<char> bytes) = 0;

  /// Whether bytes are there to be received.
  [[nodiscard]] virtual Result<bool> has_bytes() = 0;

  /// What poll(2) has to wait for; `sending`: until bytes can be sent, too.
  [[nodiscard]] virtual short events(bool sending) const noexcept = 0;
};

/// `fd` is of a connected, non-blocking socket and stays the caller's.
[[nodiscard]] std::unique_ptr<Transport> make_plain_transport(int fd);
[[nodiscard]] std::unique_ptr<Transport> make_tls_transport(int fd, const TlsContext& context,
                                                            const std::string& host);

}  // namespace valinor::exporter
