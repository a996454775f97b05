"""Hardware times of received and sent packets, by the NICs of tests/vm/xdpmock, which have a clock."""

import re

import formats
import pytest

COUNT = 4000
JOURNALS = "find /run/valinor-afxdp/undo -type f -size +0c 2>/dev/null || true"


def realtime_ns(guest):
    return int(guest.run("date +%s")) * 10**9


def send(guest):
    sent = guest.generate("xm0", "--queues", "all", "--flows", 16, "--pps", 5000, "--count", COUNT)
    assert sent == COUNT
    guest.redis.wait_for(COUNT)


def bound_ns(said):
    """How far the NIC's times may be off, as the banner says."""
    return int(re.search(r"time +xm1: hardware, ptp\d+ by .*; within (\d+) ns now", said).group(1))


@pytest.mark.parametrize("mode", ["zerocopy", "copy"])
def test_the_nics_time_is_stored_in_the_published_clock(xdpmock, mode):
    run = xdpmock.start({"name": "xm1", "mode": mode}, role="reflect",
                        timestamp={"source": "hardware", "clock": "realtime", "residence": True})
    assert 0 < bound_ns(run.text()) < 10**6
    assert xdpmock.run(JOURNALS)
    before = realtime_ns(xdpmock)
    send(xdpmock)
    after = realtime_ns(xdpmock) + 10**9
    outcome = run.stop()
    records = formats.read_records(xdpmock.redis)
    assert len(records) == COUNT
    assert all(before - 10**6 <= one.time_ns <= after + 10**6 for one in records)
    assert f"times    hardware {COUNT:,}\n" in outcome.stdout
    stays = re.findall(r"resident xm1/\d: ([\d,]+) packets stayed ([\d,]+) to ([\d,]+) ns",
                       outcome.stdout)
    assert sum(int(packets.replace(",", "")) for packets, _, _ in stays) == COUNT, outcome.stdout
    assert all(0 < int(least.replace(",", "")) <= int(most.replace(",", ""))
               for _, least, most in stays)
    assert not xdpmock.run(JOURNALS)


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
