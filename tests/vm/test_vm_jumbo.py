"""Packets larger than a frame of packet memory on virtio-net, which takes them in copy mode."""

import formats
import pytest
from formats import UDP, Flow
from test_vm_virtio import assert_all

HOST_NOT_READY = 4
MTU = 9000


@pytest.fixture
def jumbo(guest):
    """nic1 takes packets up to MTU."""
    guest.run(f"ip link set nic1 mtu {MTU}")
    yield guest
    guest.run("ip link set nic1 mtu 1500")


def test_reflected_whole(jumbo):
    """Of all sizes up to the largest, mixed."""
    frames = [formats.p4netintel(number % 5, [], Flow(UDP, source_port=5000 + number),
                                 payload=bytes(number * 1931 % 8900)) for number in range(200)]
    several = sum(len(frame.data) > 2048 - 256 for frame in frames)
    run = jumbo.start({"name": "nic1", "mode": "copy"}, role="reflect")
    assert "copy obtained, packets of several frames" in run.text()
    jumbo.wire.send(frame.data for frame in frames)
    back = jumbo.wire.receive(len(frames))
    assert sorted(back) == sorted(frame.reflected() for frame in frames)
    outcome = run.stop()
    assert_all(outcome, received=len(frames), transmitted=len(frames))
    assert f"packets of several frames {several}\n" in outcome.stdout
    assert sorted(record.length for record in formats.read_records(jumbo.redis)) == sorted(
        frame.length for frame in frames)


def test_zero_copy_takes_no_such_packets(jumbo):
    outcome = jumbo.launch("nic1").wait()
    outcome.assert_error(HOST_NOT_READY, "XSK-ZC-01", "nic1", "EOPNOTSUPP", "MTU is 9000")
