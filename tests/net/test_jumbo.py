"""Packets that are larger than a frame of packet memory: recorded, passed on whole, not edited."""

import re

import pytest

import formats
from bed import run as run_command, wait_until
from formats import Flow
from test_forward import exchange
from test_records import make_hops

MTU = 9000
MODES = ["copy", "skb"]
ETHERNET = 14


def make_frames(count, largest=MTU + ETHERNET):
    """P4NetIntel of all sizes up to the largest, mixed."""
    smallest = len(formats.p4netintel(3, make_hops(3, 1), payload=b"").data)
    frames = []
    for number in range(count):
        extra = number * 1931 % (largest - smallest + 1) if number % 7 else largest - smallest
        payload = bytes((number + at * 13) & 0xFF for at in range(extra))
        frames.append(formats.p4netintel(3, make_hops(3, number), Flow(source_port=1000 + number),
                                         rpc_id=number + 1, payload=payload))
    assert len(frames[0].data) == largest
    return frames


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("frame_size", [2048, 4096])
def test_reflected_whole(program, bed, redis, mode, frame_size):
    bed.set_mtu(MTU)
    frames = make_frames(300)
    run = program.start("role=reflect", f"interfaces[0].mode={mode}",
                        f"interfaces[0].umem.frame_size={frame_size}")
    assert "obtained, packets of several frames" in run.text()
    with bed.socket() as sender:
        for first in range(0, len(frames), 20):
            burst = frames[first:first + 20]
            for frame in burst:
                sender.send(frame.data)
            assert sorted(sender.receive(len(burst))) == sorted(
                frame.reflected() for frame in burst)
    redis.wait_for(len(frames))
    outcome = run.stop()
    assert outcome.frames == {"received": 300, "transmitted": 300, "consumed": 0, "passed": 0,
                              "dropped": 0}
    assert outcome.records["stored"] == 300
    room = frame_size - 256
    several = sum(len(frame.data) > room for frame in frames)
    assert f"packets of several frames {several}" in outcome.stdout
    assert "accounted for" not in outcome.stderr
    assert sorted(record.length for record in formats.read_records(redis.client)) == sorted(
        frame.length for frame in frames)


@pytest.mark.parametrize("chain", [1], indirect=True)
@pytest.mark.parametrize("backwards", [False, True])
def test_forwarded_whole_in_order(box, chain, backwards):
    chain.set_mtu(MTU)
    run = box.start()
    frames = [frame.data for frame in make_frames(300)]
    crossed = []
    for first in range(0, len(frames), 20):
        crossed += chain.cross(frames[first:first + 20], backwards=backwards)
    assert crossed == frames
    outcome = run.stop()
    assert outcome.frames["transmitted"] == 300
    assert outcome.frames["dropped"] == 0
    assert "accounted for" not in outcome.stderr


@pytest.mark.parametrize("offload", ["on", "off"])
def test_a_stack_with_jumbo_frames_goes_through(box, chain, echo_server, offload):
    """Checksums that its sender left to a NIC are completed over all of the packet."""
    chain.set_mtu(MTU)
    chain.set_offload(offload)
    chain.limit_tcp_windows()
    run = box.start()
    exchange(chain, (1, 3797, 3798, 3799, 3800, 7639, 8971, 8972))
    chain.settle()
    outcome = run.stop()
    assert outcome.frames["dropped"] == 0
    assert "packets of several frames" in outcome.stdout
    completed = outcome.edits.get("checksums completed", 0)
    assert completed > 100 if offload == "on" else completed < 20


def test_not_edited_but_passed_on(box, chain):
    chain.set_mtu(MTU)
    run = box.start("role=sink")
    frames = make_frames(100)
    room = 4096 - 256
    crossed = []
    for first in range(0, len(frames), 20):
        crossed += chain.cross([frame.data for frame in frames[first:first + 20]])
    whole = [frame for frame in frames if len(frame.data) > room]
    assert sorted(crossed) == sorted(
        frame.data if frame in whole else frame.without_telemetry() for frame in frames)
    outcome = run.stop()
    assert outcome.edits["cut_short"] == len(whole)
    assert outcome.edits["done"] == len(frames) - len(whole)
    assert outcome.frames["transmitted"] == len(frames)


def test_too_long_to_be_sent(program, bed, redis):
    bed.set_mtu(60000)
    small, large = make_frames(1, 20000)[0], make_frames(1, 18 * (2048 - 256) + 1)[0]
    run = program.start("interfaces[0].umem.frame_size=2048")
    bed.send([small.data, large.data] * 3)
    redis.wait_for(1)  # all three are one record
    outcome = run.stop(status=6)
    assert outcome.frames["consumed"] == 3
    assert outcome.dropped == {"rx_too_long": 3}


def test_a_side_that_takes_smaller_packets(box, chain):
    """What does not fit the far side is dropped there by name, and the rest goes on."""
    chain.set_mtu(MTU, [(chain.client, "client0"), (chain.host, "net0")])
    run = box.start()
    small = formats.ethernet(0x88B5) + bytes(900)
    large = formats.ethernet(0x88B5) + bytes(8000)
    assert chain.cross([small, large, small, large, small], count=3) == [small] * 3
    outcome = run.stop()
    assert outcome.frames["transmitted"] == 3
    assert outcome.dropped == {"tx_refused": 2}


def remake_pair(bed):
    """With the MTU from its first moment on."""
    queues = ("numrxqueues", 2, "numtxqueues", 2)
    bed.remove_pair()
    run_command("ip", "-n", bed.host, "link", "add", bed.host_interface, "mtu", MTU, *queues, "type",
                "veth", "peer", "name", bed.gen_interface, "mtu", MTU, "netns", bed.gen, *queues)
    for namespace, interface in bed.ends():
        run_command("ip", "-n", namespace, "link", "set", interface, "up")


def test_whole_again_on_an_interface_that_was_made_again(program, bed):
    bed.set_mtu(MTU)
    frames = make_frames(20)
    run = program.start("role=reflect")
    for number in range(5):
        with bed.socket() as sender:
            for frame in frames:
                sender.send(frame.data)
            assert sorted(sender.receive(len(frames))) == sorted(
                frame.reflected() for frame in frames)
            for frame in frames:  # on their way when the pair goes
                sender.send(frame.data)
        remake_pair(bed)
        wait_until(lambda: run.text().count(": open again") > number, "the new pair to be open")
    outcome = run.stop(status=None)
    assert outcome.frames["transmitted"] >= 100
    assert "of packet memory are accounted for" not in outcome.stderr
    assert "bogus addresses" not in outcome.stdout


def test_packet_memory_and_busy_polling_are_told_at_the_start(program, bed):
    run = program.start("interfaces[0].umem.hugepages=off", "interfaces[0].poll.prefer_busy=true")
    assert re.search(r"^  memory     2 x 16 MiB \(4 KiB pages\)$", run.text(), re.M)
    assert ("warning[XSK-BUSYPOLL-01]: veth-host: no preferred busy polling on queue 0, 1"
            in run.text() or "obtained, busy polling" in run.text())
    run.stop()
