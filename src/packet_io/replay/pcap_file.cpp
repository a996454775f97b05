#include "packet_io/replay/pcap_file.hpp"

#include <pcap/pcap.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/failure.hpp"
#include "base/unreadable.hpp"
#include "wire/headers.hpp"
#include "wire/reader.hpp"

namespace valinor::packet_io::replay {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

/// LINKTYPE_LINUX_SLL: what a cooked capture has in place of the Ethernet header.
struct SllHeader {
  wire::Be<2> packet_type;
  wire::Be<2> address_type;
  wire::Be<2> address_bytes;
  std::array<std::byte, 8> address;
  wire::Be<2> protocol;
};
static_assert(sizeof(SllHeader) == 16);

struct Sll2Header {  // LINKTYPE_LINUX_SLL2
  wire::Be<2> protocol;
  wire::Be<2> reserved;
  wire::Be<4> interface_index;
  wire::Be<2> address_type;
  wire::Be<1> packet_type;
  wire::Be<1> address_bytes;
  std::array<std::byte, 8> address;
};
static_assert(sizeof(Sll2Header) == 20);

/// The sender's address is all that a cooked header keeps; the destination becomes 0.
template <class Cooked>
std::optional<wire::EthernetHeader> make_ethernet(wire::Reader& reader) noexcept {
  const auto cooked = reader.read<Cooked>();
  if (!cooked) return std::nullopt;
  wire::EthernetHeader header{};
  std::memcpy(header.source.data(), cooked->address.data(), header.source.size());
  header.ethertype = cooked->protocol;
  return header;
}

/// What to look at when libpcap does not read the file.
std::string advise_on(const std::string& path) {
  if (path == "-") return "tcpdump -i IFACE -w - | ...    writes what is read: pcap, or pcapng";
  if (::access(path.c_str(), R_OK) != 0) return advise_on_unreadable(path, errno);
  if (std::filesystem::is_directory(path)) return advise_on_unreadable(path, EISDIR);
  return "file '" + path + "'    tells what it is; pcap and pcapng are read";
}

[[noreturn]] void refuse(const std::string& code, const std::string& what, const std::string& why,
                         const std::string& next) {
  throw Failure{ExitStatus::host_not_ready, {code, what, why, next}};
}

}  // namespace

void PcapReader::Close::operator()(pcap* capture) const noexcept { ::pcap_close(capture); }

PcapReader::PcapReader(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  capture_.reset(::pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO,
                                                           error.data()));
  if (!capture_) {
    refuse("PCAP-OPEN-01", "cannot read capture '" + path + "'", error.data(), advise_on(path));
  }
  link_type_ = ::pcap_datalink(capture_.get());
  if (link_type_ == DLT_EN10MB) return;
  if (link_type_ != DLT_LINUX_SLL && link_type_ != DLT_LINUX_SLL2) {
    const char* name = ::pcap_datalink_val_to_name(link_type_);
    refuse("PCAP-LINK-01", "capture '" + path + "' is not of Ethernet frames",
           "its link type is " + std::string{name != nullptr ? name : std::to_string(link_type_)},
           "capture on an Ethernet interface:  tcpdump -i IFACE -w FILE");
  }
  rebuilt_ = std::make_unique<std::byte[]>(sizeof(wire::EthernetHeader) + kMaxCapturedBytes);
}

PcapReader::~PcapReader() = default;
PcapReader::PcapReader(PcapReader&&) noexcept = default;

std::optional<CapturedFrame> PcapReader::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  const int answer = ::pcap_next_ex(capture_.get(), &header, &data);
  if (answer == PCAP_ERROR) damage_ = ::pcap_geterr(capture_.get());
  if (answer != 1) return std::nullopt;
  CapturedFrame frame{.bytes = {reinterpret_cast<const std::byte*>(data),
                                std::min(header->caplen, kMaxCapturedBytes)},
                      .wire_bytes = std::max(header->len, header->caplen),
                      .time = {Nanos{header->ts.tv_sec * kNanosPerSecond + header->ts.tv_usec}}};
  if (link_type_ == DLT_EN10MB) return frame;
  // A frame shorter than its cooked header stays as it is: too short for Ethernet as well.
  if (const auto rebuilt = to_ethernet(frame.bytes)) {
    frame.wire_bytes += static_cast<std::uint32_t>(rebuilt->size() - frame.bytes.size());
    frame.bytes = *rebuilt;
  }
  return frame;
}

std::optional<std::span<const std::byte>> PcapReader::to_ethernet(
    std::span<const std::byte> cooked) {
  wire::Reader reader{cooked};
  const auto header = link_type_ == DLT_LINUX_SLL ? make_ethernet<SllHeader>(reader)
                                                  : make_ethernet<Sll2Header>(reader);
  if (!header || reader.left() > kMaxCapturedBytes) return std::nullopt;
  std::memcpy(rebuilt_.get(), &*header, sizeof *header);
  std::memcpy(rebuilt_.get() + sizeof *header, reader.rest().data(), reader.left());
  return std::span<const std::byte>{rebuilt_.get(), sizeof *header + reader.left()};
}

void PcapWriter::CloseCapture::operator()(pcap* capture) const noexcept { ::pcap_close(capture); }
void PcapWriter::CloseDumper::operator()(pcap_dumper* dumper) const noexcept {
  ::pcap_dump_close(dumper);
}

PcapWriter::PcapWriter(const std::string& path)
    : capture_{::pcap_open_dead_with_tstamp_precision(
          DLT_EN10MB, static_cast<int>(kMaxCapturedBytes), PCAP_TSTAMP_PRECISION_NANO)} {
  dumper_.reset(::pcap_dump_open(capture_.get(), path.c_str()));
  if (!dumper_) {
    refuse("PCAP-WRITE-01", "cannot write capture '" + path + "'", ::pcap_geterr(capture_.get()),
           "ls -ld \"$(dirname '" + path + "')\"");
  }
}

PcapWriter::~PcapWriter() = default;
PcapWriter::PcapWriter(PcapWriter&&) noexcept = default;

void PcapWriter::write(std::span<const std::byte> frame, std::uint32_t wire_bytes,
                       HostTime time) noexcept {
  const std::int64_t nanos = time.since_epoch.count();
  pcap_pkthdr header{};
  header.ts.tv_sec = nanos / kNanosPerSecond;
  header.ts.tv_usec = nanos % kNanosPerSecond;  // nanoseconds, by the file's precision
  header.caplen = static_cast<bpf_u_int32>(frame.size());
  header.len = wire_bytes;
  ::pcap_dump(reinterpret_cast<u_char*>(dumper_.get()), &header,
              reinterpret_cast<const u_char*>(frame.data()));
}

bool PcapWriter::flush() noexcept {
  return ::pcap_dump_flush(dumper_.get()) == 0 && std::ferror(::pcap_dump_file(dumper_.get())) == 0;
}

}  // namespace valinor::packet_io::replay
