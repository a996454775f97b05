/// `valinor-afxdp export`: the records of a run from one form into another.
///
///   RecordSource  sorted set, stream, .npy, .records, .spill
///        | PacketRecord and its hops, one after another
///        v
///   RecordTarget  sorted set, stream, .npy, .records, .csv, .pcap
#pragma once

#include "app/command_line.hpp"
#include "app/events.hpp"
#include "base/failure.hpp"
#include "exporter/config.hpp"

namespace valinor::app {

/// Moves those that the command asks for, with a bar on a terminal, and prints what became of them.
/// `records_lost`: some are not in the target. Throws Failure, also where the source was damaged:
/// what came before the damage is in the target. Main thread.
[[nodiscard]] ExitStatus export_records(const ExportCommand& command,
                                        const exporter::ExporterConfig& config, Signals& signals);

}  // namespace valinor::app
