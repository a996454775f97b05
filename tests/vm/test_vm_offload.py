"""A filter on the NIC itself, of which the NICs of tests/vm/xdpmock take one and do not run it."""

import formats
import pytest

HOST_NOT_READY = 4
OFFLOAD = {"name": "xm1", "mode": "offload"}


def programs(guest):
    """Of xm1: {"offloaded", "native"}."""
    found = guest.link("xm1").get("xdp", {})
    modes = {1: "native", 2: "generic", 3: "offloaded"}
    return {modes[one["mode"]] for one in found.get("attached", [found] if found else [])}


def test_filter_and_sockets_at_once(xdpmock):
    count = 2000
    run = xdpmock.start(OFFLOAD, role="collect", other="drop")
    assert "mode offload asked, filter on the NIC and zerocopy obtained" in run.text()
    assert programs(xdpmock) == {"offloaded", "native"}
    assert xdpmock.generate("xm0", "--queues", "all", "--pps", 5000, "--count", count) == count
    xdpmock.redis.wait_for(count)
    outcome = run.stop()
    assert outcome.frames["received"] == outcome.frames["consumed"] == count
    assert len(formats.read_records(xdpmock.redis)) == count
    assert programs(xdpmock) == set()


def test_a_crash_leaves_no_filter(xdpmock):
    run = xdpmock.start({**OFFLOAD, "offload_sample": 1000}, other="kernel")
    run.send_signal("KILL")
    run.wait()
    assert programs(xdpmock) == set()
    run = xdpmock.start(OFFLOAD, other="drop")
    assert programs(xdpmock) == {"offloaded", "native"}
    run.stop()


@pytest.mark.parametrize("interface", ["nic2", "veth0"])
def test_nics_that_run_no_programs(veth, interface):
    outcome = veth.launch({"name": interface, "mode": "offload"}, other="drop").wait()
    outcome.assert_error(HOST_NOT_READY, "XDP-OFFLOAD-01", interface, "mode: auto")
    assert "xdp" not in veth.link(interface)
