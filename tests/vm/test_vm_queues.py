"""How many queues a virtio NIC has: changed by others, before and while a run has them."""

from test_vm_bridge import QUEUES, frames_of_many_addresses, send_over_the_bridge
from test_vm_virtio import assert_all


def set_queues(guest, count):
    """Of nic5; answers what is said where that is refused."""
    status, said = guest.run(f"ethtool -L nic5 combined {count}", check=False)
    return "" if status == "0" else said


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
