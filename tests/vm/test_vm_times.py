"""Hardware times of received and sent packets: the NICs of tests/vm/xdpmock have clocks."""

import itertools
import re
import time

import formats
import pytest

from test_vm_virtio import frames_of_both_formats

# How far the NICs' clocks are ahead of CLOCK_REALTIME, in ns: xdpmock.c.
AHEAD = {"xm0": 37 * 10**9, "xm1": 38 * 10**9 + 123456789}

COUNT = 4000
JOURNALS = "find /run/valinor-afxdp/undo -type f -size +0c 2>/dev/null || true"


def send(guest):
    sent = guest.generate("xm0", "--queues", "all", "--flows", 16, "--pps", 5000, "--count", COUNT)
    assert sent == COUNT
    guest.redis.wait_for(COUNT)


def times_by_port(guest):
    return {record.source_port: record.time_ns for record in formats.read_records(guest.redis)}


def bound_ns(said, seconds):
    """How far the NIC's times may be off so long after the banner, as it says."""
    rate_ppm, now = re.search(
        r"time +xm1: hardware, ptp\d+ by .* ppm \+/- ([\d.]+); within (\d+) ns now", said).groups()
    return int(now) + float(rate_ppm) * 1000 * seconds


def ahead_as_told(said):
    """How far xm1's clock is ahead, as the banner says."""
    seconds, rest = re.search(r"realtime - ptp\d+ = (-?\d+) s (\d+) ns", said).groups()
    return -(int(seconds) * 10**9 + int(rest))


def residence(outcome):
    """Of all queues: packets, the shortest and the longest time in ns."""
    said = re.findall(r"resident xm1/\d: ([\d,]+) packets stayed ([\d,]+) to ([\d,]+) ns",
                      outcome.stdout)
    packets, shortest, longest = zip(*(
        [int(number.replace(",", "")) for number in numbers] for numbers in said))
    return sum(packets), min(shortest), max(longest)


@pytest.mark.parametrize("mode", ["zerocopy", "copy"])
def test_each_time_lies_between_readings_of_the_nics_clock(xdpmock, mode):
    """As near as the program says; and that of leaving is the other NIC's stamp of arriving, since
    the wire has no length."""
    frames = [frame for frame in frames_of_both_formats() if frame.time_ns is None]
    began = time.monotonic()
    run = xdpmock.start({"name": "xm1", "mode": mode}, role="reflect",
                        timestamp={"source": "hardware", "clock": "realtime", "residence": True})
    assert xdpmock.run(JOURNALS)
    probed = xdpmock.probe("xm0", "xm1", [frame.data for frame in frames])
    bound = bound_ns(run.text(), time.monotonic() - began)
    outcome = run.stop()
    assert abs(ahead_as_told(run.text()) - AHEAD["xm1"]) <= bound_ns(run.text(), 0)
    assert f"times    hardware {len(frames):,}\n" in outcome.stdout
    arrivals = times_by_port(xdpmock)
    stays = []
    for frame, (before, after, back) in zip(frames, probed, strict=True):
        arrival = arrivals[frame.flow.source_port]
        assert before - bound <= arrival + AHEAD["xm1"] <= after + bound
        stays.append(back - AHEAD["xm0"] - arrival)
    packets, shortest, longest = residence(outcome)
    assert packets == len(frames)
    assert 0 < min(stays) <= shortest + bound and max(stays) <= longest + bound
    if mode == "zerocopy":  # elsewhere it is the kernel that says when they left, somewhat later
        assert shortest <= min(stays) + bound and longest <= max(stays) + bound
    assert not xdpmock.run(JOURNALS)


def test_times_of_a_queue_rise(xdpmock):
    """At full speed, by both queues; packet n is of flow n, and goes by queue n mod 2."""
    run = xdpmock.start("xm1", timestamp={"source": "hardware"})
    # One queue may send more than the other.
    flows = 2 * COUNT
    sent = xdpmock.generate("xm0", "--queues", "all", "--flows", flows, "--count", COUNT)
    assert sent == COUNT
    xdpmock.redis.wait_for(COUNT)
    assert f"times    hardware {COUNT:,}\n" in run.stop().stdout
    times = times_by_port(xdpmock)
    assert len(times) == COUNT
    for queue in (0, 1):
        in_order = [times[port] for port in sorted(times) if port % 2 == queue]
        assert all(one < other for one, other in itertools.pairwise(in_order))


@pytest.mark.parametrize("source", ["auto", "driver", "software", "switch"])
def test_other_sources(xdpmock, source):
    run = xdpmock.start("xm1", role="reflect", timestamp={"source": source, "residence": True})
    send(xdpmock)
    outcome = run.stop()
    stamped_by = {"auto": "hardware", "driver": "driver"}.get(source)
    if stamped_by:
        assert f"times    {stamped_by} {COUNT:,}\n" in outcome.stdout
    else:
        assert "times " not in outcome.stdout
    assert "nobody said" not in outcome.stdout, outcome.stdout
    assert not xdpmock.run(JOURNALS)


def test_after_a_crash_the_nic_stamps_as_before(xdpmock):
    run = xdpmock.start("xm1", role="reflect", timestamp={"source": "hardware"})
    run.send_signal("KILL")
    run.wait()
    assert xdpmock.run(JOURNALS)
    run = xdpmock.start("xm1", role="reflect", timestamp={"source": "software"})
    assert "which crashed: xm1: hardware stamping of type 0 and filter 0 again" in run.text()
    run.stop()
    assert not xdpmock.run(JOURNALS)
    run = xdpmock.start("xm1", role="reflect", timestamp={"source": "hardware"})
    said = xdpmock.run("cat /run/valinor-afxdp/undo/*")
    assert '"before":{"stamping":{"rx_filter":0,' in said
    run.stop()
    run = xdpmock.start("xm1", role="reflect", timestamp={"source": "software"})
    assert "crashed" not in run.text()
    run.stop()
