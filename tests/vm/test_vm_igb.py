"""An Intel NIC (igb): several queues in zero-copy, and settings that virtio and veth refuse.

It starts anew at each program that is attached, and its link is back seconds later.
"""

import collections
import os
import re

import pytest

from test_vm_bridge import frames_of_many_addresses
from test_vm_times import JOURNALS
from test_vm_virtio import assert_all, assert_recorded, frames_of_both_formats

if os.environ.get("VALINOR_VM") != "full":
    pytest.skip("an Intel NIC wants another kernel and QEMU: VALINOR_VM=full scripts/test vm",
                allow_module_level=True)

NIC = "nic6"
# 2048 bytes would be a receive buffer of 1024.
FRAMES = {"umem": {"frame_size": 4096}, "rings": {}}
HOST_NOT_READY = 4
FEW = 150  # frames: its rings have 256 descriptors
BOTH = {(NIC, 0): "zerocopy", (NIC, 1): "zerocopy"}


def start(guest, role="collect", **keys):
    run = guest.start({"name": NIC, **FRAMES, **keys}, role=role)
    guest.wait_until(f"[ $(cat /sys/class/net/{NIC}/carrier) = 1 ]")
    return run


def received_by_queue(guest):
    """Frames that the NIC has counted, by queue; since it last started anew."""
    text = guest.run(f"ethtool -S {NIC}")
    return {int(queue): int(count)
            for queue, count in re.findall(r"rx_queue_(\d+)_packets: (\d+)", text)}


@pytest.mark.parametrize("role", ["collect", "reflect"])
def test_both_queues(igb, role):
    frames = frames_of_many_addresses(FEW)
    run = start(igb, role=role)
    assert run.modes() == BOTH
    assert igb.sockets() == {(NIC, 0): True, (NIC, 1): True}
    before = received_by_queue(igb)
    igb.igb_wire.send(frame.data for frame in frames)
    back = igb.igb_wire.receive(len(frames) if role == "reflect" else 0)
    igb.redis.wait_for(len(frames))
    after = received_by_queue(igb)
    done = "transmitted" if role == "reflect" else "consumed"
    assert_all(run.stop(), received=len(frames), **{done: len(frames)})
    assert role == "collect" or sorted(back) == sorted(frame.reflected() for frame in frames)
    assert_recorded(igb.redis, frames)
    assert all(after[queue] > before[queue] for queue in (0, 1)), (before, after)


def test_what_is_no_ip_comes_by_the_first_queue(igb):
    """P4NetIntel has an Ethernet type of its own, behind which the NIC finds no flows."""
    frames = [frame for frame in frames_of_both_formats(FEW) if frame.time_ns is None]
    run = start(igb, role="reflect", queues=[0])
    igb.igb_wire.send(frame.data for frame in frames)
    back = igb.igb_wire.receive(len(frames))
    assert_all(run.stop(), received=len(frames), transmitted=len(frames))
    assert sorted(back) == sorted(frame.reflected() for frame in frames)


def test_largest_frames(igb):
    frames = frames_of_both_formats(20)
    long = [frame.data + bytes(1514 - len(frame.data)) for frame in frames]
    run = start(igb, umem={})  # frame_size: auto
    igb.igb_wire.send(long)
    igb.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))


def shares(guest):
    """How many entries of the table by which the NIC spreads flows each queue has."""
    rows = re.findall(r"^ +\d+: +(.*)$", guest.run(f"ethtool -x {NIC}"), re.M)
    return collections.Counter(" ".join(rows).split())


def test_flows_are_spread_over_the_queues_that_are_read(igb):
    """And over all as evenly as before afterwards."""
    frames = frames_of_many_addresses(FEW)
    before = shares(igb)
    assert before["0"] == before["1"]
    run = start(igb, queues=[1], rss="served")
    assert run.modes() == {(NIC, 1): "zerocopy"}
    assert shares(igb) == {"1": before["0"] + before["1"]}
    igb.igb_wire.send(frame.data for frame in frames)
    igb.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))
    assert shares(igb) == before
    assert not igb.run(JOURNALS)


def rings(guest):
    text = guest.run(f"ethtool -g {NIC}").split("Current hardware settings:")[1]
    return tuple(int(re.search(rf"^{name}:\s+(\d+)$", text, re.M)[1]) for name in ("RX", "TX"))


def test_rings_are_set_and_set_back(igb):
    before = rings(igb)
    assert before != (512, 1024)
    run = start(igb, nic_rings={"rx": 512, "tx": 1024})
    assert rings(igb) == (512, 1024)
    run.stop()
    assert rings(igb) == before


def test_rings_are_set_back_after_a_crash(igb):
    before = rings(igb)
    run = start(igb, nic_rings={"rx": 512, "tx": 1024})
    run.send_signal("KILL")
    run.wait()
    assert rings(igb) == (512, 1024)
    run = start(igb)
    assert "which crashed" in run.text()
    assert rings(igb) == before
    run.stop()


def channels(guest):
    return int(re.findall(r"Combined:\s+(\d+)", guest.run(f"ethtool -l {NIC}"))[-1])


def test_the_number_of_queues_is_set_and_set_back(igb):
    assert channels(igb) == 2
    frames = frames_of_both_formats(FEW)
    run = start(igb, channels=1)
    assert channels(igb) == 1
    assert run.modes() == {(NIC, 0): "zerocopy"}
    igb.igb_wire.send(frame.data for frame in frames)
    igb.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))
    assert channels(igb) == 2


@pytest.mark.parametrize("match", [{"ethertype": 0x1212}, {"proto": "udp4", "dst_port": 5000}])
def test_rules_that_the_nic_does_not_take_are_told(igb, match):
    rule = {"match": match, "queues": 1}
    outcome = igb.launch({"name": NIC, **FRAMES, "steer": [rule]}).wait()
    outcome.assert_error(HOST_NOT_READY, "NIC-SET-01", NIC, "EOPNOTSUPP")
