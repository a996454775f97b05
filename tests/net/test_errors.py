"""What a user is told when it does not work: exit status, code, and the words that help."""

import pathlib
import struct

import pytest

import bed as beds
import formats
from bed import Bed, Outcome, replay, run as run_command

HOST_NOT_READY, NOT_PERMITTED, CONFIG_INVALID, USAGE = 4, 5, 3, 2


def test_a_missing_interface(program):
    program.refused("interfaces[0].name=nosuch0").assert_error(
        HOST_NOT_READY, "IF-NAME-01", "nosuch0: no such interface", Bed.host_interface)


def test_a_queue_that_the_interface_does_not_have(program):
    program.refused("interfaces[0].queues=[0,2]").assert_error(
        HOST_NOT_READY, "IF-QUEUE-01", "veth-host queue 2", "usable are 0 to 1")


@pytest.mark.parametrize("first, second", [("copy", "copy"), ("skb", "copy"), ("copy", "skb"),
                                           ("skb", "auto")])
def test_a_second_instance_on_one_interface(program, first, second):
    run = program.start(f"interfaces[0].mode={first}")
    program.refused(f"interfaces[0].mode={second}").assert_error(
        HOST_NOT_READY, "XDP-OTHER-01", "veth-host: an XDP program is attached already",
        "valinor_redirec", "bpftool link detach id")
    run.stop()


@pytest.mark.parametrize("kind", ["xdpdrv", "xdpgeneric"])
def test_a_program_that_somebody_else_attached(program, bed, kind):
    foreign = beds.BINARY.parents[2] / "bpf" / "redirect.bpf.o"  # any program will do
    assert foreign.exists()
    link = ("ip", "-n", bed.host, "link", "set", "dev", bed.host_interface)
    run_command(*link, kind, "obj", foreign, "sec", "xdp")
    refusal = program.refused()
    refusal.assert_error(HOST_NOT_READY, "XDP-OTHER-01", "valinor_redirec",
                         f"ip link set dev veth-host {kind} off")
    assert bed.has_xdp_program()
    run_command(*link, kind, "off")  # what the message says
    program.start().stop()


def test_huge_pages_that_are_not_there(program):
    """More of them than there are, whatever else this machine does with them."""
    free = int(pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages").read_text())
    frames = 512 * (free + 8)
    program.refused("interfaces[0].umem.hugepages=require", "interfaces[0].umem.frame_size=4096",
                    f"interfaces[0].umem.frames={max(frames, 8192)}").assert_error(
        HOST_NOT_READY, "MEM-HUGE-01", "pages of 2 MiB are needed", "sysctl vm.nr_hugepages=")


def test_a_peer_with_more_queues(program, bed):
    run_command("ip", "netns", "exec", bed.host, "ethtool", "-L", bed.host_interface, "rx", 1)
    program.refused("interfaces[0].queues=[0]").assert_error(
        HOST_NOT_READY, "XDP-ATTACH-01", "veth-host", "ENOSPC")


def test_zero_copy_where_there_is_none(program):
    program.refused("interfaces[0].mode=zerocopy").assert_error(
        HOST_NOT_READY, "XSK-ZC-01", "veth-host queue 0: zero-copy socket refused", "driver veth",
        "mode: copy")


# --- Privileges ------------------------------------------------------------------------------

NEEDED = ("net_raw", "net_admin", "bpf", "perfmon")


def with_capabilities(*names, user=()):
    return ["setpriv", "--bounding-set=-all" + "".join(f",+{name}" for name in names), *user]


def test_the_four_capabilities_suffice(program, bed, redis):
    run = program.start(wrap=with_capabilities(*NEEDED, "ipc_lock"))
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    run.stop()


@pytest.mark.parametrize("missing, codes, words", [
    ("net_raw", {"CAP-RAW-01"}, "CAP_NET_RAW is missing"),
    ("net_admin", {"CAP-BPF-01", "CAP-ADMIN-01"}, "CAP_NET_ADMIN"),
    ("bpf", {"CAP-BPF-01"}, "CAP_BPF"),
    ("perfmon", {"CAP-BPF-01"}, "CAP_PERFMON is missing"),
])
def test_a_missing_capability_is_named(program, bed, missing, codes, words):
    kept = [name for name in NEEDED if name != missing]
    outcome = program.refused(wrap=with_capabilities(*kept, "ipc_lock"))
    code, = (code for code in codes if f"error[{code}]" in outcome.stderr)
    outcome.assert_error(NOT_PERMITTED, code, words)
    assert not bed.has_xdp_program()


def test_a_user_without_privilege(program):
    nobody = ("--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
    outcome = program.refused(wrap=["setpriv", *nobody])
    assert outcome.status == NOT_PERMITTED, outcome.stderr
    assert "error[CAP-" in outcome.stderr and "run as root" in outcome.stderr


def test_a_limit_of_locked_memory_that_is_too_low(program):
    outcome = program.refused(wrap=["prlimit", "--memlock=1048576:1048576",
                                    *with_capabilities(*NEEDED)])
    outcome.assert_error(HOST_NOT_READY, "MEM-LOCK-01", "RLIMIT_MEMLOCK is 1", "CAP_IPC_LOCK")


# --- Configuration ---------------------------------------------------------------------------


@pytest.mark.parametrize("setting, code, words", [
    ("interfaces[0].mode=fast", "CFG-VALUE-01", "fast"),
    ("interfaces[0].queus=[0]", "CFG-KEY-02", "did you mean"),
    ("interfaces[0].rings.rx=1000", "CFG-RANGE-01", "power of two"),
    ("telemetry.max_hops=65", "CFG-RANGE-01", "65"),
    ("export.redis.url=http://x", "CFG-VALUE-01", "http"),
    ("version=2", "CFG-RANGE-01", "2"),
])
def test_a_setting_that_makes_no_sense(program, setting, code, words):
    outcome = program.refused(setting)
    assert outcome.status == CONFIG_INVALID, outcome.stderr
    assert f"error[{code}]" in outcome.stderr and words in outcome.stderr


def test_all_mistakes_of_a_file_are_told_at_once(program, folder):
    program.config.write_text("version: 1\n"
                              "interfaces:\n"
                              "  - name: veth-host\n"
                              "    queus: [0]\n"
                              "role: collekt\n")
    outcome = program.refused()
    outcome.assert_error(CONFIG_INVALID, "CFG-KEY-02", f"{program.config}:4:5", "'queues'")
    outcome.assert_error(CONFIG_INVALID, "CFG-VALUE-01", f"{program.config}:5", "collect")


def test_a_configuration_that_cannot_be_read(program, folder):
    program.config.unlink()
    outcome = program.refused()
    assert outcome.status == CONFIG_INVALID, outcome.stderr
    assert "error[CFG-FILE-" in outcome.stderr and str(program.config) in outcome.stderr


def test_no_interface_at_all(program):
    program.config.write_text("version: 1\n")
    outcome = program.refused()
    assert outcome.status == CONFIG_INVALID, outcome.stderr
    assert "interfaces" in outcome.stderr


def test_check_judges_a_file_and_touches_nothing(program, bed):
    run_command(beds.BINARY, "check", program.config)
    program.config.write_text("version: 1\nrole: collekt\n")
    bad = run_command(beds.BINARY, "check", program.config, check=False)
    assert bad.returncode == CONFIG_INVALID
    assert "collekt" in bad.stderr
    assert not bed.has_xdp_program()


@pytest.mark.parametrize("words", [["--nosuch"], ["fly"], ["replay"], ["gen"],
                                   ["gen", "x.pcap", "--format", "nosuch"],
                                   ["gen", "veth0", "--launch-time"],
                                   ["gen", "x.pcap", "--launch-time", "--pps", "9", "--count", "9"]])
def test_a_wrong_command_line(binary, words):
    assert run_command(binary, *words, check=False).returncode == USAGE


def test_a_nic_that_sends_at_no_given_time(binary, bed):
    done = run_command("ip", "netns", "exec", bed.gen, binary, "gen", bed.gen_interface, "--pps",
                       1000, "--count", 1, "--launch-time", check=False)
    Outcome(done.returncode, done.stdout, done.stderr).assert_error(
        HOST_NOT_READY, "GEN-LAUNCH-01", "driver veth does not offer it", "without --launch-time")


# --- Captures --------------------------------------------------------------------------------


def test_a_capture_that_is_not_there(folder):
    replay(folder / "none.pcap").assert_error(HOST_NOT_READY, "PCAP-OPEN-01", "none.pcap")


def test_a_capture_that_is_none(folder):
    path = folder / "text.pcap"
    path.write_text("I am no capture. " * 10)
    replay(path).assert_error(HOST_NOT_READY, "PCAP-OPEN-01", str(path))


def test_a_capture_without_ethernet(folder):
    path = folder / "raw.pcap"
    formats.write_pcap(path, [(0, formats.valinor_n(1).data[14:])], link_type=101)
    replay(path).assert_error(HOST_NOT_READY, "PCAP-LINK-01", "RAW")


def test_a_capture_that_ends_inside_a_packet(folder):
    path = folder / "cut.pcap"
    formats.write_pcap(path, [(0, formats.valinor_n(number).data) for number in range(3)])
    path.write_bytes(path.read_bytes()[:-10])
    outcome = replay(path)
    outcome.assert_error(HOST_NOT_READY, "PCAP-READ-01", str(path))
    assert outcome.read_books().records["produced"] == 2


def test_a_capture_that_claims_a_packet_of_4_gigabytes(folder):
    path = folder / "huge.pcap"
    formats.write_pcap(path, [(0, b"")])
    path.write_bytes(path.read_bytes()[:24] + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 0xFFFFFFFF))
    replay(path).assert_error(HOST_NOT_READY, "PCAP-READ-01", str(path))


def test_an_output_that_cannot_be_written(folder):
    path = folder / "in.pcap"
    formats.write_pcap(path, [(0, formats.valinor_n(1).data)])
    replay(path, "role=reflect", out="/proc/nosuch/out.pcap").assert_error(
        HOST_NOT_READY, "PCAP-WRITE-01", "/proc/nosuch/out.pcap")
