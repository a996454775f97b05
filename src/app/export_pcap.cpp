#include "app/export_pcap.hpp"

#include <unistd.h>

#include <cstdio>
#include <span>

#include "app/traffic_options.hpp"
#include "base/failure.hpp"
#include "exporter/connection_key.hpp"
#include "exporter/output_file.hpp"
#include "exporter/valinor_entry.hpp"
#include "packet_io/replay/pcap_file.hpp"
#include "telemetry/format/valinor_n.hpp"
#include "wire/checksum.hpp"
#include "wire/headers.hpp"

namespace valinor::app {
namespace {

namespace vn = telemetry::valinor_n;

constexpr std::uint8_t kValinorProtocol = 253;

/// What all packets have; ports stand at the same place in UDP and TCP.
struct TimestampFrame {
  wire::EthernetHeader ethernet;
  wire::Ipv4Header ip;
  vn::Timestamps stamps;
  wire::Be<2> source_port;
  wire::Be<2> destination_port;
  wire::Be<4> rest;  // of a UDP header: no length, no checksum
};
static_assert(sizeof(TimestampFrame) == 14 + 20 + 46 + 8);

TimestampFrame make_frame(const exporter::ValinorEntry& entry, const telemetry::FlowKey& flow) {
  TimestampFrame frame{};
  frame.ethernet = {.destination = kGenDestination,
                    .source = kGenSource,
                    .ethertype = wire::Be<2>{wire::ethertype::kIpv4}};
  frame.ip.version_and_header_words = 0x45;
  frame.ip.total_bytes = static_cast<std::uint16_t>(sizeof frame - sizeof frame.ethernet);
  frame.ip.time_to_live = 64;
  frame.ip.protocol = kValinorProtocol;
  frame.ip.source = exporter::to_address32(flow.source);
  frame.ip.destination = exporter::to_address32(flow.destination);
  const auto header = std::as_bytes(std::span{&frame.ip, 1});
  frame.ip.checksum = static_cast<std::uint16_t>(~wire::ones_complement_sum(header));
  frame.stamps.protocol = flow.protocol;
  frame.stamps.ingress_global = entry.timestamp_ns;
  frame.stamps.enqueue = entry.enqueue & vn::kEnqueueMask;
  frame.stamps.dequeue_delta = entry.enqueue_delta_ns;
  frame.stamps.packet_length = entry.packet_length;
  frame.source_port = flow.source_port;
  frame.destination_port = flow.destination_port;
  return frame;
}

class PcapTarget final : public exporter::RecordTarget {
 public:
  PcapTarget(std::string path, bool overwrite, exporter::RecordTime record_time)
      : path_{std::move(path)},
        part_{exporter::make_part_name(path_, overwrite).string()},
        record_time_{record_time},
        writer_{part_} {}
  ~PcapTarget() override {
    if (!part_.empty()) ::unlink(part_.c_str());
  }
  PcapTarget(const PcapTarget&) = delete;
  PcapTarget& operator=(const PcapTarget&) = delete;

  [[nodiscard]] std::string name() const override { return path_; }

  void write(const telemetry::RecordView& record) override {
    const telemetry::FlowKey& flow = record.packet.flow;
    if (!exporter::is_ipv4_mapped(flow.source) || !exporter::is_ipv4_mapped(flow.destination)) {
      ++books_.lost;
      return;
    }
    const auto entry = exporter::to_entry(record.packet, record.hops, record_time_);
    const TimestampFrame frame = make_frame(entry, flow);
    HostTime time = record.packet.received;
    if (time.since_epoch.count() == 0) {
      time.since_epoch = Nanos{static_cast<std::int64_t>(entry.timestamp_ns)};
    }
    writer_.write(std::as_bytes(std::span{&frame, 1}), sizeof frame, time);
    ++books_.written;
  }

  [[nodiscard]] exporter::TargetBooks finish() override {
    const bool whole = writer_.flush();
    if (!whole || std::rename(part_.c_str(), path_.c_str()) != 0) {
      throw Failure{ExitStatus::host_not_ready,
                    {"PCAP-WRITE-02", "capture '" + path_ + "' is incomplete",
                     "writing to it failed", "df .    shows whether the disk is full"}};
    }
    part_.clear();
    books_.why_lost = "IPv6 flows, of which there are no Valinor-N packets";
    return books_;
  }

 private:
  std::string path_;
  std::string part_;  // what is written until it is whole
  exporter::RecordTime record_time_;
  packet_io::replay::PcapWriter writer_;
  exporter::TargetBooks books_;
};

}  // namespace

std::unique_ptr<exporter::RecordTarget> open_pcap_target(const std::string& path, bool overwrite,
                                                         exporter::RecordTime record_time) {
  return std::make_unique<PcapTarget>(path, overwrite, record_time);
}

}  // namespace valinor::app
