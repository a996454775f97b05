"""Packets that are larger than a frame of packet memory: recorded, passed on whole, not edited."""

import pytest

import formats
from formats import Flow
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
