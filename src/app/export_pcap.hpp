/// A capture of what a Valinor-N switch would have sent for each record: for tools that read
/// captures. Records keep no frames, so these are made: Ethernet, IPv4 with protocol 253, the 46
/// bytes of timestamps, and the ports.
#pragma once

#include <memory>
#include <string>

#include "exporter/record_target.hpp"

namespace valinor::app {

/// Packets carry what a Valinor entry has, the time's low 48 bits and the queue stamp's low 18
/// bits; `replay` reads them back. Flows between IPv6 addresses have no such packets and are lost.
/// Throws Failure (EXPORT-WRITE-01, PCAP-WRITE-01).
[[nodiscard]] std::unique_ptr<exporter::RecordTarget> open_pcap_target(
    const std::string& path, bool overwrite, exporter::RecordTime record_time);

}  // namespace valinor::app
