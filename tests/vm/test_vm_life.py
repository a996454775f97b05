"""Start, stop, crashes, a device that goes away: in zero-copy the NIC itself holds our memory."""

import pytest

from test_vm_virtio import NIC3_MAC, assert_all, frames_of_both_formats

TRAFFIC = ("--dst-mac", NIC3_MAC, "--pps", 3000)


# Sender, receiver and what it does. A generator in zero-copy takes nothing of what nic3 sends back.
@pytest.fixture(params=[("nic2", "nic3", "collect"), ("xm0", "xm1", "reflect")],
                ids=["nic2-nic3", "xm0-xm1"])
def pair(request):
    request.getfixturevalue("xdpmock" if request.param[0] == "xm0" else "guest")
    return request.param


def has_xdp_program(guest, interface):
    return "xdp" in guest.link(interface)


def test_a_crash_under_traffic_and_the_next_start_at_once(guest, pair):
    sender, receiver, role = pair
    guest.generating(sender, *TRAFFIC)
    run = guest.start(receiver, role=role)
    run.wait_for_traffic()
    run.send_signal("KILL")
    run = guest.start(receiver, role=role)
    assert set(run.modes().values()) == {"zerocopy"}
    run.wait_for_traffic()
    outcome = run.stop(status=None)
    assert outcome.frames["consumed" if role == "collect" else "transmitted"] > 0
    assert not has_xdp_program(guest, receiver)


def test_start_and_stop_under_traffic(guest, pair):
    sender, receiver, role = pair
    guest.generating(sender, *TRAFFIC)
    for _ in range(2):
        run = guest.start(receiver, role=role)
        assert set(run.modes().values()) == {"zerocopy"}
        run.wait_for_traffic()
        outcome = run.stop()
        assert outcome.records["stored"] == outcome.records["produced"] > 0


def test_a_link_that_goes_down_and_up_again_under_traffic(guest, pair):
    sender, receiver, role = pair
    guest.generating(sender, *TRAFFIC)
    run = guest.start(receiver, role=role)
    run.wait_for_traffic()
    guest.run(f"ip link set {receiver} down\nip link set {receiver} up")
    guest.redis.wait_for(guest.redis.zcard(0) + 1000)
    outcome = run.stop(status=None)
    assert outcome.frames["consumed" if role == "collect" else "transmitted"] > 1000


def test_a_device_that_is_reset_under_traffic(guest):
    """The driver lets the device go and takes it again, as after an error: a new interface."""
    device = guest.run("basename $(readlink /sys/class/net/nic1/device)").strip()
    driver = "/sys/bus/virtio/drivers/virtio_net"
    frames = frames_of_both_formats(50)
    run = guest.start("nic1", role="reflect")
    guest.wire.send(frame.data for frame in frames)
    guest.wire.receive(len(frames))
    guest.run(f"echo {device} >{driver}/unbind")
    outcome = run.stop(status=None)
    assert outcome.records["stored"] == len(frames)
    guest.run(f"echo {device} >{driver}/bind\n"
              "ip link set eth0 name nic1\nip link set nic1 up")
    run = guest.start("nic1", role="reflect", options=["--key", 9])
    assert run.modes() == {("nic1", 0): "zerocopy"}
    guest.wire.send(frame.data for frame in frames)
    guest.wire.receive(len(frames))
    assert_all(run.stop(), received=len(frames), transmitted=len(frames))
