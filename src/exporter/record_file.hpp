/// Files of whole records: a header, then one record behind the other, each a PacketRecord and its
/// HopRecords (telemetry/record.hpp) as they are in memory. `hop_count` of a record says where the
/// next one begins. share/examples/read_records.py reads them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "telemetry/record.hpp"

namespace valinor::exporter {

/// The file's first 64 bytes.
struct RecordFileHeader {
  std::array<char, 8> magic{'V', 'A', 'L', 'R', 'E', 'C', 'S', '\n'};
  std::uint32_t version = 1;
  std::uint32_t byte_order = 0x01020304;  // as the machine that wrote it has it
  std::uint32_t packet_bytes = sizeof(telemetry::PacketRecord);
  std::uint32_t hop_bytes = sizeof(telemetry::HopRecord);
  std::uint32_t key = 0;  // of the run
  std::array<std::byte, 36> reserved{};
};
static_assert(sizeof(RecordFileHeader) == 64);

/// Appends a record as the file has it.
inline void append_record(const telemetry::RecordView& record, std::vector<std::byte>& out) {
  const auto packet = std::as_bytes(std::span{&record.packet, 1});
  const auto hops = std::as_bytes(record.hops);
  out.insert(out.end(), packet.begin(), packet.end());
  out.insert(out.end(), hops.begin(), hops.end());
}

/// Calls `take(RecordView)` for each whole record of `bytes`, which append_record() made. Answers
/// how many bytes they were.
template <class Take>
std::size_t for_each_record(std::span<const std::byte> bytes, Take&& take) {
  const std::size_t all = bytes.size();
  telemetry::PacketRecord packet;
  std::vector<telemetry::HopRecord> hops;
  while (bytes.size() >= sizeof packet) {
    std::memcpy(&packet, bytes.data(), sizeof packet);
    hops.resize(packet.hop_count);
    const std::size_t hop_bytes = hops.size() * sizeof(telemetry::HopRecord);
    if (bytes.size() - sizeof packet < hop_bytes) break;
    if (hop_bytes != 0) std::memcpy(hops.data(), bytes.data() + sizeof packet, hop_bytes);
    bytes = bytes.subspan(sizeof packet + hop_bytes);
    take(telemetry::RecordView{packet, hops});
  }
  return all - bytes.size();
}

/// Whether `bytes` begin with a RecordFileHeader that this machine can read on from.
[[nodiscard]] inline bool has_record_header(std::span<const std::byte> bytes) noexcept {
  RecordFileHeader found;
  RecordFileHeader ours;
  if (bytes.size() < sizeof found) return false;
  std::memcpy(&found, bytes.data(), sizeof found);
  ours.key = found.key;
  ours.reserved = found.reserved;
  return std::memcmp(&found, &ours, sizeof ours) == 0;
}

}  // namespace valinor::exporter
