"""VLAN tags that travel beside a packet instead of in it: a veth never puts them in, a NIC takes
them out. An XDP program sees such a frame without its tag; on it must go with it."""

import os
import struct

import pytest

import formats
from bed import require, run as run_command

# 18 is bpf_skb_vlan_push(): what the kernel's VLAN interfaces do, which not every kernel has.
PUSH = """
static long (*vlan_push)(void *packet, unsigned short protocol, unsigned short control) = (void *)18;
__attribute__((section("classifier"), used)) int push(void *packet)
{
	vlan_push(packet, 0x0081, 5); /* 802.1Q; big-endian */
	return 0;
}
char _license[] __attribute__((section("license"), used)) = "Dual MIT/GPL";
"""

PLAIN = formats.ethernet(0x88B5) + bytes(50)  # "local experimental"
TELEMETRY = formats.valinor_n(1).data

LINUX = tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2])


def tagged(frame):
    return frame[:12] + struct.pack(">HH", 0x8100, 5) + frame[12:]


@pytest.fixture
def tag(folder):
    """tag(namespace, interface): what leaves there belongs to VLAN 5 from now on."""
    require("clang-14")
    program = folder / "push.o"
    run_command("clang-14", "-O2", "-target", "bpf", "-x", "c", "-c", "-", "-o", program,
                input=PUSH)

    def make(namespace, interface):
        tc = ("ip", "netns", "exec", namespace, "tc")
        run_command(*tc, "qdisc", "add", "dev", interface, "clsact")
        run_command(*tc, "filter", "add", "dev", interface, "egress", "bpf", "da", "obj", program,
                    "sec", "classifier")

    return make


needs_tag_metadata = pytest.mark.skipif(LINUX < (6, 8), reason="the kernel tells no tag")


@needs_tag_metadata
@pytest.mark.parametrize("backwards", [False, True], ids=["inwards", "outwards"])
def test_a_tag_beside_the_packet_is_passed_on_in_it(chain, box, tag, backwards):
    tag(*chain.ends()[backwards])
    run = box.start()
    frames = [PLAIN, TELEMETRY] * 20
    assert sorted(chain.cross(frames, backwards)) == sorted(map(tagged, frames))
    outcome = run.stop()
    assert outcome.frames["transmitted"] == len(frames)
    assert "IF-VLAN-01" not in outcome.stderr


@needs_tag_metadata
def test_a_reflected_packet_keeps_its_tag(bed, program, tag):
    tag(bed.gen, bed.gen_interface)
    frames = [formats.valinor_n(number) for number in range(20)]
    run = program.start("role=reflect")
    with bed.socket() as sender:
        for frame in frames:
            sender.send(frame.data)
        assert sorted(sender.receive(len(frames))) == sorted(
            tagged(frame.reflected()) for frame in frames)
    run.stop()


def test_telemetry_is_found_behind_a_tag_beside_the_packet(bed, program, redis, tag):
    """Nothing is sent on, so nothing has to be put back, and nobody is warned."""
    tag(bed.gen, bed.gen_interface)
    frame = formats.valinor_n(1)
    run = program.start()
    bed.send([frame.data])
    assert "IF-VLAN-01" not in run.stop().stderr
    assert list(formats.read_records(redis.client)) == [frame.record()]


def test_who_would_lose_tags_is_told_what_to_do(bed, program):
    """Generic XDP is not told of tags by any kernel."""
    run_command("ip", "-n", bed.host, "link", "add", "near", "type", "veth", "peer", "name", "far")
    for end in ("near", "far"):
        run_command("ip", "-n", bed.host, "link", "set", end, "up")
    here = ("interfaces[0].name=near", "interfaces[0].mode=skb")
    command = "ethtool -K far txvlan off tx-vlan-stag-hw-insert off"

    collecting = program.start(*here)
    assert "IF-VLAN-01" not in collecting.stop().stderr
    reflecting = program.start(*here, "role=reflect")
    told = reflecting.stop().stderr
    assert "warning[IF-VLAN-01]: near:" in told and command in told
    run_command("ip", "netns", "exec", bed.host, *command.split())
    again = program.start(*here, "role=reflect")
    assert "IF-VLAN-01" not in again.stop().stderr
