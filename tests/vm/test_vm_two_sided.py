"""Roles between two interfaces of which one or both are in zero-copy.

    wire --- nic1 =[ the program ]= nic2 --- nic3
"""

import dataclasses

import pytest

from rpc import reply_to
from test_vm_virtio import frames_of_both_formats

ZEROCOPY = {("nic1", 0): "zerocopy", ("nic2", 0): "zerocopy"}


@pytest.fixture
def mirror(guest):
    """nic3 sends telemetry back; its records have a key of their own."""
    run = guest.start("nic3", role="reflect", options=["--key", 9])
    yield run
    assert run.stop().frames["dropped"] == 0


def start(guest, near, far, role, **keys):
    """Between the network's side and the host's."""
    return guest.start(near, far, role=role, forward={"to": far["name"], **keys.pop("forward", {})},
                       **keys)


def p4netintel_frames():
    return [frame for frame in frames_of_both_formats() if frame.time_ns is None]


def without_telemetry(frame):
    shift = frame.ip_offset - 14
    return dataclasses.replace(frame, data=frame.without_telemetry(), ip_offset=14,
                               ports_offset=frame.ports_offset - shift)


def test_forward_between_two_nics_in_zero_copy(guest, mirror):
    frames = frames_of_both_formats()
    run = start(guest, {"name": "nic1"}, {"name": "nic2"}, "forward")
    assert run.modes() == ZEROCOPY
    assert set(guest.sockets().values()) == {True}
    guest.wire.send(frame.data for frame in frames)
    back = guest.wire.receive(len(frames))
    assert sorted(back) == sorted(frame.reflected() for frame in frames)
    outcome = run.stop()
    total = 2 * len(frames)  # there and back
    assert outcome.frames == {"received": total, "transmitted": total, "consumed": 0, "passed": 0,
                              "dropped": 0}
    assert outcome.records["stored"] + outcome.records["collapsed"] == total


@pytest.mark.parametrize("near, far", [("nic1", "veth1"), ("veth1", "nic1")])
def test_forward_between_zero_copy_and_copy(veth, near, far):
    """Both sides register the same memory, each in its own mode."""
    modes = {"nic1": "zerocopy", "veth1": "copy"}
    frames = frames_of_both_formats()
    before = veth.received("veth0")
    run = start(veth, *({"name": name, "mode": modes[name]} for name in (near, far)), "forward")
    assert run.modes() == {(name, 0): mode for name, mode in modes.items()}
    veth.wire.send(frame.data for frame in frames)
    veth.wait_until("[ $(cat /sys/class/net/veth0/statistics/rx_packets)"
                    f" -ge {before + len(frames)} ]")
    count = 4000
    assert veth.generate("veth0", "--pps", 10000, "--count", count) == count
    assert len(veth.wire.receive(count)) == count
    outcome = run.stop()
    total = len(frames) + count
    assert outcome.frames == {"received": total, "transmitted": total, "consumed": 0, "passed": 0,
                              "dropped": 0}


def test_a_sink_takes_telemetry_off(guest, mirror):
    frames = p4netintel_frames()
    run = start(guest, {"name": "nic2"}, {"name": "nic1"}, "sink")
    guest.wire.send(frame.data for frame in frames)
    back = guest.wire.receive(len(frames))
    assert sorted(back) == sorted(without_telemetry(frame).reflected() for frame in frames)
    assert run.stop().edits == {"done": len(frames)}
    assert guest.redis.zcard(0) == 2 * len(frames)  # there and back
    assert guest.redis.zcard(9) == len(frames)


def test_a_source_puts_telemetry_on(guest, mirror):
    """In front of the packet, where zero-copy leaves as much room as copies do."""
    frames = [without_telemetry(frame) for frame in p4netintel_frames()]
    run = start(guest, {"name": "nic2"}, {"name": "nic1"}, "source",
                source={"ip_protocols": [6, 17]})
    guest.wire.send(frame.data for frame in frames)
    back = guest.wire.receive(len(frames))
    assert {frame[12:14] for frame in back} == {b"\x12\x12"}
    plain = [frame[:12] + b"\x08\x00" + frame[frame.index(b"\x08\x00\x45", 14) + 2:]
             for frame in back]
    assert sorted(plain) == sorted(frame.reflected() for frame in frames)
    assert run.stop().edits == {"done": len(frames)}
    assert guest.redis.zcard(9) == len(frames)


def test_a_host_answers_with_the_telemetry_of_its_requests(guest):
    """The wire is the host: it sees plain requests, and its replies leave with traces."""
    count = 500
    memory = {"umem": {"frames": 32768, "frame_size": 4096}}  # traces need room in front
    run = start(guest, {"name": "nic2", **memory}, {"name": "nic1", **memory}, "host",
                host={"max_age": "1h"})
    assert run.modes() == ZEROCOPY
    assert guest.generate("nic3", "--flows", 16, "--hops", 9, "--count", count) == count
    requests = guest.wire.receive(count)
    assert {frame[12:14] for frame in requests} == {b"\x08\x00"}
    receiver = guest.start("nic3", options=["--key", 9])
    guest.wire.send(reply_to(frame) for frame in requests)
    guest.redis.wait_for(count, 9)
    outcome = run.stop()
    assert outcome.rpcs == {"requests": count, "answered": count}
    assert outcome.edits == {"done": 2 * count}
    assert receiver.stop().frames["consumed"] == count
