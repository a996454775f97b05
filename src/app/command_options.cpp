#include "app/command_options.hpp"

#include <CLI/CLI.hpp>

namespace valinor::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  valinor-afxdp -c conf/nic.yaml                     run until Ctrl-C
  valinor-afxdp -c conf/nic.yaml run -T              check the configuration and stop
  valinor-afxdp -c conf/nic.yaml --set 'interfaces[0].mode=copy' run --duration 60s
  valinor-afxdp check conf/nic.yaml --print-effective

Exit status: 0 done, 1 internal error, 2 usage, 3 configuration invalid, 4 host or NIC not ready,
5 not permitted, 6 records were lost, 7 worse than before, 130 second Ctrl-C.
)";
constexpr const char* kRunExamples = R"(Examples:
  valinor-afxdp -c conf/nic.yaml run --duration 60s --key 3
  valinor-afxdp -c conf/nic.yaml -c rack4.yaml run -T
)";
constexpr const char* kTapExamples = R"(Examples:
  valinor-afxdp tap -i eth0 -k 3 --duration 10s
  valinor-afxdp tap -i eth0 -i eth1 --set timestamp.clock=monotonic
)";
constexpr const char* kCheckExamples = R"(Examples:
  valinor-afxdp check conf/nic.yaml
  valinor-afxdp check base.yaml rack4.yaml --set role=reflect --print-effective
)";
constexpr const char* kReplayExamples = R"(Examples:
  valinor-afxdp replay trace.pcap --set export.redis.enabled=false
  valinor-afxdp -c conf/nic.yaml replay trace.pcap --out sent.pcap
)";
constexpr const char* kExportExamples = R"(Examples:
  valinor-afxdp -c conf/nic.yaml export --from stream --to zset@redis://127.0.0.1:6379/0
  valinor-afxdp export --from /var/lib/valinor-afxdp/3/20240131T235959Z.npy.records --to run3.csv
  valinor-afxdp -c conf/nic.yaml export --from zset -k 3 --to run3.npy
  valinor-afxdp export --from run3.npy --to part.csv --time 2024-01-31T23:59:50Z..2024-02-01T00:00:00Z

SOURCE: zset or stream of the configured Redis servers, or of zset@URL, stream@URL; a file NAME.npy,
NAME.npy.records or NAME.spill, or a folder of *.spill files.
TARGET: zset, stream, the same with @URL, or a file that ends in .npy, .records, .csv or .pcap.
A, B: a date as above, with a fraction as one likes; seconds or nanoseconds since 1970, as 1706745599.5s
or 1706745599500000000ns; or nothing.
What each of them can hold, and whose time counts: docs/export.md.
)";
constexpr const char* kDoctorExamples = R"(Examples:
  valinor-afxdp doctor                               all interfaces that are up; changes nothing
  valinor-afxdp -c conf/nic.yaml doctor              is this host ready for that run?
  valinor-afxdp doctor eth0 --fix                    and mend what can be undone
  valinor-afxdp doctor --undo                        everything as it was

Exit status: 0 without problems (warnings are none), 4 with.
)";
constexpr const char* kListExamples = R"(Examples:
  valinor-afxdp list
  valinor-afxdp list --json
)";
constexpr const char* kVersionExamples = R"(Examples:
  valinor-afxdp version --build-info
)";

void add_on_existing(CLI::App* command, Given& given) {
  command->add_flag("--append", given.append,
                    "add to a run that the key holds already (run.on_existing)");
  command->add_flag("--overwrite", given.overwrite, "delete it first (run.on_existing)");
}

void add_run(CLI::App& app, Given& given) {
  CLI::App* run = app.add_subcommand("run", "collect telemetry (the default command)");
  run->add_flag("-T,--check", given.run.check_only, "check the configuration, then stop");
  run->add_option("--duration", given.duration, "end after this time: 60s, 1h (run.duration)")
      ->type_name("TIME");
  run->add_option("--key", given.key, "Redis key of the run (run.key)")->type_name("N");
  add_on_existing(run, given);
  run->add_flag("--takeover", given.run.takeover,
                "take off XDP programs that are on the interfaces (interfaces[].takeover)");
  run->add_flag("--json", given.run_json, "for programs: stdout is JSON (observe.output)");
  run->footer(kRunExamples);
}

void add_tap(CLI::App& app, Given& given) {
  CLI::App* tap = app.add_subcommand("tap", "time every packet that leaves this host");
  tap->add_option("-i,--interface", given.tap_interfaces, "interface to tap; repeat it")
      ->required()
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  tap->add_option("-k,--key", given.key, "Redis key of the run (run.key)")->type_name("N");
  add_on_existing(tap, given);
  tap->add_option("--duration", given.duration, "end after this time: 60s, 1h (run.duration)")
      ->type_name("TIME");
  tap->footer(kTapExamples);
}

void add_check(CLI::App& app, Given& given) {
  CLI::App* check = app.add_subcommand("check", "validate configuration files; changes nothing");
  check->add_option("FILE", given.check_files, "as -c FILE; later files win")->type_name("");
  check->add_flag("--print-effective", given.check.print_effective,
                  "show every value in force and where it came from");
  check->footer(kCheckExamples);
}

void add_replay(CLI::App& app, Given& given) {
  CLI::App* replay =
      app.add_subcommand("replay", "a capture file through the pipeline; needs no NIC");
  replay
      ->add_option("FILE", given.replay.input,
                   "capture to read: pcap or pcapng; - is standard input")
      ->required()
      ->type_name("");
  replay->add_option("--out", given.replay_output, "capture to write what is sent to")
      ->type_name("FILE");
  add_on_existing(replay, given);
  replay->footer(kReplayExamples);
}

void add_export(CLI::App& app, Given& given) {
  CLI::App* command =
      app.add_subcommand("export", "records of a run from one form into another, afterwards");
  command->add_option("--from", given.export_from, "where they are")
      ->required()
      ->type_name("SOURCE");
  command->add_option("--to", given.export_to, "where they go")->required()->type_name("TARGET");
  command->add_option("-k,--key", given.key, "the run: what it is stored under (run.key)")
      ->type_name("N");
  command->add_flag("--overwrite", given.export_overwrite,
                    "in place of what the file or the key holds now");
  command->add_option("--time", given.export_time, "only records from A on and before B")
      ->type_name("A..B");
  command->footer(kExportExamples);
}

void add_doctor(CLI::App& app, Given& given) {
  CLI::App* doctor =
      app.add_subcommand("doctor", "what is in the way of a run on this host, and what mends it");
  DoctorCommand& to = given.doctor;
  doctor->add_option("IFACE", to.interfaces, "interfaces; without any, those of the configuration")
      ->type_name("");
  doctor->add_flag("--fix", to.fix, "run the commands that can be undone");
  doctor->add_flag("--undo", to.undo, "put back what --fix, or a run that crashed, has changed");
  doctor->add_flag("--bind-test", to.bind_test,
                   "test sockets also where that interrupts the link for seconds");
  doctor->add_flag("--json", to.json, "for programs");
  doctor->footer(kDoctorExamples);
}

void add_list(CLI::App& app, Given& given) {
  CLI::App* list = app.add_subcommand("list", "the interfaces and what they can do");
  list->add_flag("--json", given.list.json, "for programs");
  list->footer(kListExamples);
}

void add_version(CLI::App& app, Given& given) {
  CLI::App* version = app.add_subcommand("version", "print the version");
  version->add_flag("--build-info", given.version.build_info,
                    "compiler, libraries and features too");
  version->footer(kVersionExamples);
}

}  // namespace

void describe_options(CLI::App& app, Given& given) {
  app.name(kProgram);
  app.add_option("-c,--config", given.files, "configuration file; repeat it, later files win")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--set", given.sets, "override one key of the configuration; repeat it")
      ->type_name("KEY.PATH=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("-v,--verbose", given.verbose, "log more");
  app.add_flag("-q,--quiet", given.quiet, "log errors only");
  app.footer(kExamples);
  app.require_subcommand(1);
  app.fallthrough();
  add_run(app, given);
  add_tap(app, given);
  add_check(app, given);
  add_replay(app, given);
  add_export(app, given);
  add_gen(app, given.traffic);
  add_bench(app, given.bench, given.traffic);
  add_doctor(app, given);
  add_list(app, given);
  add_version(app, given);
  for (CLI::App* command : app.get_subcommands({})) command->fallthrough();
}

}  // namespace valinor::app
