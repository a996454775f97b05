"""virtio-net in zero-copy: two queues."""

import re

import formats
from formats import UDP, Flow
from test_vm_virtio import assert_all, assert_recorded

QUEUES = {("nic5", 0): "zerocopy", ("nic5", 1): "zerocopy"}


def frames_of_many_addresses(count=600):
    """By which the bridge's side chooses a queue: it does not find ports behind Valinor-N."""
    return [formats.valinor_n(number, Flow(UDP, f"10.7.{number % 4}.{number % 251}", "10.0.3.3",
                                           5000 + number, 80)) for number in range(count)]


def received_by_queue(guest, nic):
    counts = re.findall(r"rx\d+_xdp_packets: (\d+)", guest.run(f"ethtool -S {nic}"))
    return [int(count) for count in counts]


def send_over_the_bridge(guest, frames):
    """wire - nic1 =forward= nic4 - bridge - nic5"""
    run = guest.start("nic1", {"name": "nic4", "queues": [0]}, role="forward",
                      forward={"to": "nic4"}, export={"redis": {"enabled": False}})
    before = guest.received("nic5")
    guest.wire.send(frame.data for frame in frames)
    guest.wait_until("[ $(cat /sys/class/net/nic5/statistics/rx_packets)"
                     f" -ge {before + len(frames)} ]")
    assert run.stop().frames["transmitted"] == len(frames)


def test_two_queues_share_the_load(bridge):
    frames = frames_of_many_addresses()
    before = received_by_queue(bridge, "nic5")
    run = bridge.start("nic5")
    assert run.modes() == QUEUES
    send_over_the_bridge(bridge, frames)
    bridge.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))
    assert_recorded(bridge.redis, frames)
    by_queue = [now - then for now, then in zip(received_by_queue(bridge, "nic5"), before)]
    assert sum(by_queue) == len(frames) and min(by_queue) > len(frames) // 10


def test_one_queue_of_two_leaves_the_other_to_the_stack(bridge):
    frames = frames_of_many_addresses()
    run = bridge.start({"name": "nic5", "queues": [1]})
    assert run.modes() == {("nic5", 1): "zerocopy"}
    send_over_the_bridge(bridge, frames)
    outcome = run.stop()
    assert outcome.frames["received"] == len(frames)
    assert outcome.frames["passed"] > 0 < outcome.frames["consumed"]
    assert outcome.frames["consumed"] == outcome.records["stored"]


def test_both_queues_send(bridge):
    """The generator by both queues of its NIC; what comes back is counted by the NIC."""
    count = 4000
    run = bridge.start("nic5", role="reflect")
    assert bridge.generate("nic4", "--queues", "all", "--flows", 64, "--count", count) == count
    bridge.redis.wait_for(count)
    assert_all(run.stop(), received=count, transmitted=count)
