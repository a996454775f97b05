#include <fmt/format.h>

#include <array>
#include <iterator>
#include <span>
#include <utility>

#include "base/failure.hpp"
#include "exporter/connection_key.hpp"
#include "exporter/npy.hpp"
#include "exporter/output_file.hpp"
#include "exporter/record_file.hpp"
#include "exporter/record_target.hpp"
#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {
namespace {

/// What all have in common: a file, and how many records it has.
class FileTarget : public RecordTarget {
 public:
  FileTarget(const std::filesystem::path& path, bool overwrite) : file_{path, overwrite} {}

  [[nodiscard]] std::string name() const override { return file_.path().string(); }
  [[nodiscard]] TargetBooks finish() override {
    file_.finish(start());
    return {.written = records_};
  }

 protected:
  /// What the file's start is to be once all is known.
  [[nodiscard]] virtual std::string start() const { return {}; }

  /// One record, in one or two parts.
  void append(std::span<const std::byte> record, std::span<const std::byte> rest = {}) {
    file_.append(record);
    file_.append(rest);
    ++records_;
  }
  void append_head(std::string_view text) { file_.append(text); }
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

 private:
  OutputFile file_;
  std::uint64_t records_ = 0;
};

class NpyTarget final : public FileTarget {
 public:
  NpyTarget(const std::filesystem::path& path, bool overwrite, RecordTime record_time)
      : FileTarget{path, overwrite}, record_time_{record_time} {
    append_head(make_npy_header(0));
  }

  void write(const telemetry::RecordView& record) override {
    append(to_row(to_entry(record.packet, record.hops, record_time_)));
  }

 private:
  [[nodiscard]] std::string start() const override { return make_npy_header(records()); }

  RecordTime record_time_;
};

class RecordsTarget final : public FileTarget {
 public:
  RecordsTarget(const std::filesystem::path& path, bool overwrite, std::uint32_t run)
      : FileTarget{path, overwrite} {
    RecordFileHeader header;
    header.key = run;
    append_head({reinterpret_cast<const char*>(&header), sizeof header});
  }

  void write(const telemetry::RecordView& record) override {
    append(std::as_bytes(std::span{&record.packet, 1}), std::as_bytes(record.hops));
  }
};

/// Fields of the hops as "3;2;1", the newest first.
template <class Field>
void put_hops(std::string& out, const telemetry::RecordView& record, Field field) {
  out.push_back(',');
  for (std::size_t i = 0; i < record.hops.size(); ++i) {
    fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ";", record.hops[i].*field);
  }
}

/// The entry's fields as in the .npy, addresses as they are read; then what only whole records
/// have.
class CsvTarget final : public FileTarget {
 public:
  CsvTarget(const std::filesystem::path& path, bool overwrite, RecordTime record_time)
      : FileTarget{path, overwrite}, record_time_{record_time} {
    append_head(
        "timestamp_ns,enqueue,enqueue_delta,packet_length,flow_key,source,destination,source_port,"
        "destination_port,protocol,format,received_ns,frame_bytes,rpc_id,host_time_ns,flags,worker,"
        "ring_delay_ns,hop_nodes,hop_enqueue_depths,hop_queue_delays,hop_latencies\n");
  }

  void write(const telemetry::RecordView& record) override {
    line_.clear();
    const telemetry::PacketRecord& packet = record.packet;
    const ValinorEntry entry = to_entry(packet, record.hops, record_time_);
    const auto out = std::back_inserter(line_);
    fmt::format_to(out, "{},{},{},{},{},", entry.timestamp_ns, entry.enqueue,
                   entry.enqueue_delta_ns, entry.packet_length, entry.connection_key);
    put_address(packet.flow.source);
    line_.push_back(',');
    put_address(packet.flow.destination);
    fmt::format_to(out, ",{},{},{},{},{},{},{},{},{},{},{}", packet.flow.source_port,
                   packet.flow.destination_port, packet.flow.protocol, to_word(packet.format),
                   packet.received.since_epoch.count(), packet.frame_bytes, packet.rpc_id,
                   packet.host_time_ns, packet.flags, packet.worker, packet.ring_delay_ns);
    put_hops(line_, record, &telemetry::HopRecord::node_id);
    put_hops(line_, record, &telemetry::HopRecord::enqueue_depth);
    put_hops(line_, record, &telemetry::HopRecord::queue_delay);
    put_hops(line_, record, &telemetry::HopRecord::hop_latency);
    line_.push_back('\n');
    append(std::as_bytes(std::span{line_}));
  }

 private:
  static std::string_view to_word(telemetry::Format format) noexcept {
    constexpr std::array<std::string_view, 5> kWords{"?", "p4netintel", "valinor_n", "host_egress",
                                                     "valinor_entry"};
    const auto index = static_cast<std::size_t>(format);
    return kWords[index < kWords.size() ? index : 0];
  }

  void put_address(const std::array<std::byte, 16>& address) {
    const auto out = std::back_inserter(line_);
    const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(address[i]); };
    if (is_ipv4_mapped(address)) {
      fmt::format_to(out, "{}.{}.{}.{}", byte(12), byte(13), byte(14), byte(15));
      return;
    }
    for (std::size_t i = 0; i < address.size(); i += 2) {
      fmt::format_to(out, "{}{:x}", i == 0 ? "" : ":", byte(i) << 8 | byte(i + 1));
    }
  }

  RecordTime record_time_;
  std::string line_;
};

}  // namespace

std::unique_ptr<RecordTarget> open_file_target(const std::filesystem::path& path, FileForm form,
                                               bool overwrite, std::uint32_t run,
                                               RecordTime record_time) {
  switch (form) {
    case FileForm::npy: return std::make_unique<NpyTarget>(path, overwrite, record_time);
    case FileForm::records: return std::make_unique<RecordsTarget>(path, overwrite, run);
    case FileForm::csv: break;
  }
  return std::make_unique<CsvTarget>(path, overwrite, record_time);
}

}  // namespace valinor::exporter
