"""XDP programs of others: refused, or taken off where that is wanted."""

import json
import subprocess
import sys

import pytest

import formats
from bed import Bed, run as run_command

HOST_NOT_READY, NOT_PERMITTED = 4, 5

# Attaches a program of two instructions that passes everything on.
ATTACH = r"""
import ctypes, socket, struct, sys
bpf = ctypes.CDLL("libbpf.so.1")
XDP, ATTACH_XDP, FLAGS = 6, 37, {"native": 4, "generic": 2}
how, mode, interface = sys.argv[1:]
code = bytes.fromhex("b700000002000000" "9500000000000000")  # r0 = XDP_PASS; exit
program = bpf.bpf_prog_load(XDP, b"someone_else", b"GPL", code, ctypes.c_size_t(2), None)
index = socket.if_nametoindex(interface)
if how == "link":
    options = ctypes.create_string_buffer(struct.pack("=QII", 16, FLAGS[mode], 0), 16)
    done = bpf.bpf_link_create(program, index, ATTACH_XDP, options)
else:
    done = bpf.bpf_xdp_attach(index, program, FLAGS[mode], None)
print("attached" if program >= 0 and done >= 0 else f"refused: {program} {done}", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def attach(bed):
    """attach("link", "native") puts somebody's program on the interface; the holder lives on."""
    holders = []

    def start(how, mode):
        holders.append(subprocess.Popen(
            ["ip", "netns", "exec", bed.host, sys.executable, "-c", ATTACH, how, mode,
             Bed.host_interface], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert holders[-1].stdout.readline() == "attached\n"
        return holders[-1]

    yield start
    for holder in holders:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


def programs(bed):
    """What bpftool says of each program on the interface."""
    found = json.loads(run_command("ip", "netns", "exec", bed.host, "bpftool", "-j", "net", "show",
                                   "dev", Bed.host_interface).stdout)
    return [json.loads(run_command("bpftool", "-j", "prog", "show", "id", one["id"]).stdout)
            for part in found for one in part["xdp"]]


def attached(bed):
    return {one["name"] for one in programs(bed)}


BOTH = pytest.mark.parametrize("how", ["netlink", "link"])
MODES = pytest.mark.parametrize("mode", ["native", "generic"])


@BOTH
@MODES
def test_without_being_asked_it_takes_nothing_off(program, bed, attach, how, mode):
    holder = attach(how, mode)
    outcome = program.refused()
    outcome.assert_error(HOST_NOT_READY, "XDP-OTHER-01", "'someone_else'", f"({mode})",
                         "run --takeover")
    assert (f"of process {holder.pid}" in outcome.stderr) == (how == "link")
    assert attached(bed) == {"someone_else"}


@BOTH
@MODES
@pytest.mark.parametrize("asked", ["option", "key"])
def test_it_is_taken_off_and_named(program, bed, redis, attach, how, mode, asked):
    holder = attach(how, mode)
    foreign, = programs(bed)
    run = (program.start(options=["--takeover"]) if asked == "option" else
           program.start("interfaces[0].takeover=true"))
    line, = (line for line in run.text().splitlines() if "took off XDP program" in line)
    for words in ("veth-host", "'someone_else'", f"({mode})", f"program {foreign['id']} ",
                  f"tag {foreign['tag']}"):
        assert words in line
    assert (f"of process {holder.pid}" in line) == (how == "link")
    assert attached(bed) == {"valinor_redirect"}
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    run.stop()
    assert holder.poll() is None
    assert not bed.has_xdp_program()


def test_with_nothing_there_it_is_a_start_like_any_other(program):
    run = program.start(options=["--takeover"])
    assert "took off" not in run.text()
    run.stop()


def test_another_run_is_not_robbed(program, bed, redis):
    """Its sockets would keep the queues, so it would help nobody."""
    run = program.start()
    program.refused(options=["--takeover"]).assert_error(
        HOST_NOT_READY, "XDP-OTHER-01", f"of process {run.pid}", "stop its owner")
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    run.stop()


WITHOUT_ADMIN = ["setpriv", "--bounding-set=-all,+net_raw,+net_admin,+bpf,+perfmon,+ipc_lock"]


def test_a_link_that_it_may_not_look_at(program, bed, attach):
    attach("link", "native")
    program.refused(options=["--takeover"], wrap=WITHOUT_ADMIN).assert_error(
        NOT_PERMITTED, "XDP-OTHER-02", "veth-host", "EBUSY", "CAP_SYS_ADMIN", "bpftool net show")
    assert attached(bed) == {"someone_else"}


def test_what_no_link_holds_needs_no_more_than_a_start(program, bed, attach):
    attach("netlink", "native")
    program.start(options=["--takeover"], wrap=WITHOUT_ADMIN).stop()
    assert not bed.has_xdp_program()


def test_it_is_not_taken_off_for_a_run_that_cannot_be(program, bed, attach):
    """The queue does not exist: told before anything is touched."""
    attach("netlink", "native")
    program.refused("interfaces[0].queues=[7]", options=["--takeover"]).assert_error(
        HOST_NOT_READY, "IF-QUEUE-01")
    assert attached(bed) == {"someone_else"}
