"""How many queues a virtio NIC has: changed by others, before and while a run has them."""

import re

from test_vm_bridge import QUEUES, frames_of_many_addresses, send_over_the_bridge
from test_vm_times import JOURNALS
from test_vm_virtio import assert_all, assert_recorded


def set_queues(guest, count):
    """Of nic5; answers what is said where that is refused."""
    status, said = guest.run(f"ethtool -L nic5 combined {count}", check=False)
    return "" if status == "0" else said


def queues_of(guest):
    """Of nic5, now."""
    return int(re.findall(r"Combined:\s+(\d+)", guest.run("ethtool -l nic5"))[-1])


def test_it_stays_while_they_are_bound(bridge):
    """The kernel keeps it, and the queues go on."""
    frames = frames_of_many_addresses()
    run = bridge.start("nic5")
    assert run.modes() == QUEUES
    assert "AF_XDP" in set_queues(bridge, 1)
    send_over_the_bridge(bridge, frames)
    bridge.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))


def test_it_is_another_in_the_next_run(bridge):
    """A program that is attached keeps the driver from adding queues, too."""
    assert not set_queues(bridge, 1)
    run = bridge.start("nic5")
    assert run.modes() == {("nic5", 0): "zerocopy"}
    assert "Invalid argument" in set_queues(bridge, 2)
    run.stop()
    assert not set_queues(bridge, 2)
    run = bridge.start("nic5")
    assert run.modes() == QUEUES
    run.stop()


def test_it_is_set_for_a_run_and_set_back(bridge):
    frames = frames_of_many_addresses()
    assert not set_queues(bridge, 1)
    run = bridge.start({"name": "nic5", "channels": 2})
    assert run.modes() == QUEUES
    assert "nic5: 2 combined channels (was 1)" in run.text()
    send_over_the_bridge(bridge, frames)
    bridge.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))
    assert_recorded(bridge.redis, frames)
    assert queues_of(bridge) == 1
    assert not bridge.run(JOURNALS)


def test_it_is_set_back_after_a_crash(bridge):
    run = bridge.start({"name": "nic5", "channels": 1})
    assert run.modes() == {("nic5", 0): "zerocopy"}
    run.send_signal("KILL")
    run.wait()
    assert queues_of(bridge) == 1
    run = bridge.start("nic5")
    assert "which crashed: nic5: 2 combined channels again" in run.text()
    assert run.modes() == QUEUES
    run.stop()
    assert not bridge.run(JOURNALS)
