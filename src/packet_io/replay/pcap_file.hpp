/// Capture files, read and written with libpcap in nanoseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/time.hpp"

struct pcap;
struct pcap_dumper;

namespace valinor::packet_io::replay {

/// One captured frame; the bytes are valid until the next one is read.
struct CapturedFrame {
  std::span<const std::byte> bytes;  // from the Ethernet header on
  std::uint32_t wire_bytes = 0;      // its length before the capture cut it
  HostTime time;
};

/// Reads pcap and pcapng, microseconds and nanoseconds, of Ethernet or Linux "cooked" (SLL, SLL2)
/// frames; the latter get an Ethernet header made of what they know. One thread.
class PcapReader {
 public:
  /// "-" is standard input. Throws Failure (PCAP-OPEN-01, PCAP-LINK-01).
  explicit PcapReader(const std::string& path);
  ~PcapReader();
  PcapReader(PcapReader&&) noexcept;

  /// The next frame, or nothing at the end; then damage() tells which end it was.
  [[nodiscard]] std::optional<CapturedFrame> next();

  /// What libpcap found wrong with the file, "" where nothing.
  [[nodiscard]] const std::string& damage() const noexcept { return damage_; }

 private:
  struct Close {
    void operator()(pcap* capture) const noexcept;
  };

  /// Puts an Ethernet header before what follows a cooked one; nothing where the frame is too
  /// short.
  [[nodiscard]] std::optional<std::span<const std::byte>> to_ethernet(
      std::span<const std::byte> cooked);

  std::unique_ptr<pcap, Close> capture_;
  int link_type_ = 0;
  std::unique_ptr<std::byte[]> rebuilt_;  // an Ethernet frame made of a cooked one
  std::string damage_;
};

/// Writes Ethernet frames with nanoseconds. One thread.
class PcapWriter {
 public:
  /// Overwrites `path`; "-" is standard output. Throws Failure (PCAP-WRITE-01).
  explicit PcapWriter(const std::string& path);
  ~PcapWriter();
  PcapWriter(PcapWriter&&) noexcept;

  void write(std::span<const std::byte> frame, std::uint32_t wire_bytes, HostTime time) noexcept;

  /// Flushes; answers whether everything written so far reached the file.
  [[nodiscard]] bool flush() noexcept;

 private:
  struct CloseCapture {
    void operator()(pcap* capture) const noexcept;
  };
  struct CloseDumper {
    void operator()(pcap_dumper* dumper) const noexcept;
  };
  std::unique_ptr<pcap, CloseCapture> capture_;
  std::unique_ptr<pcap_dumper, CloseDumper> dumper_;
};

/// The largest frame that a capture may hold: libpcap's own limit.
inline constexpr std::uint32_t kMaxCapturedBytes = 262'144;

}  // namespace valinor::packet_io::replay
