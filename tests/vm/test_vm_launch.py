"""gen --launch-time on the NICs of tests/vm/xdpmock, which keep frames until their time has come."""

import re

import pytest


def parameters(guest):
    """What the NICs have counted of frames with a launch time."""
    said = guest.run("cd /sys/module/xdpmock/parameters; grep . launched launch_w*")
    return {name: int(number) for name, number in re.findall(r"(\w+):(\d+)", said)}


@pytest.fixture
def launching(xdpmock):
    major, minor = map(int, xdpmock.run("uname -r").split("-")[0].split(".")[:2])
    if (major, minor) < (6, 14):
        pytest.skip("kernels before 6.14 know no launch times")
    return xdpmock


def test_the_nic_keeps_packets_until_they_are_due(launching):
    count = 300
    before = parameters(launching)
    run = launching.start("xm1")
    sent = launching.generate("xm0", "--launch-time", "--pps", 1000, "--count", count)
    assert sent == count
    launching.redis.wait_for(count)
    outcome = run.stop()
    assert outcome.frames["received"] == outcome.records["stored"] == count
    after = parameters(launching)
    assert after["launched"] - before["launched"] == count
    assert after["launch_waits"] > before["launch_waits"]
    # They are handed over a millisecond ahead: a time by another clock would be far off.
    assert after["launch_wait_max_ns"] < 2_000_000


def test_without_it_none_carries_a_time(launching):
    before = parameters(launching)
    run = launching.start("xm1")
    assert launching.generate("xm0", "--pps", 1000, "--count", 100) == 100
    launching.redis.wait_for(100)
    run.stop()
    assert parameters(launching) == before


def test_a_nic_without_launch_times_is_refused(guest):
    status, said = guest.run("valinor-afxdp gen nic2 --launch-time --pps 1000 --count 1",
                             check=False)
    assert status == "4", said
    assert "GEN-LAUNCH-01" in said and "virtio_net" in said
