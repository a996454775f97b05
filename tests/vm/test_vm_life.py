"""Start, stop, crashes, a device that goes away: in zero-copy the NIC itself holds our memory."""

import shlex

import pytest

from bed import Outcome
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


def test_twenty_runs_one_after_the_other_under_traffic(guest):
    """Each finds queue and packet memory as if it were the first, and its books balance."""
    mark = "--- ended with "
    guest.generating("nic2", *TRAFFIC)
    command = shlex.join(map(str, guest.command("nic3", options=["--duration", "300ms"])))
    said = guest.run("for run in $(seq 20); do\n"
                     f"  {command} 2>&1\n  echo '{mark}'$?\ndone")
    runs = said.split(mark)
    ended = [Outcome(int(after.split("\n", 1)[0]), text, "").read_books()
             for text, after in zip(runs, runs[1:])]
    assert len(ended) == said.count("mode zerocopy asked, zerocopy obtained") == 20
    assert all(one.status == (6 if one.loses_telemetry() else 0) for one in ended)
    assert sum(one.frames["consumed"] for one in ended) > 100
    assert ("nic3", 0) not in guest.sockets() and not has_xdp_program(guest, "nic3")


def test_a_link_that_goes_down_and_up_again_under_traffic(guest, pair):
    sender, receiver, role = pair
    guest.generating(sender, *TRAFFIC)
    run = guest.start(receiver, role=role)
    run.wait_for_traffic()
    guest.run(f"ip link set {receiver} down\nip link set {receiver} up")
    guest.redis.wait_for(guest.redis.zcard(0) + 1000)
    outcome = run.stop(status=None)
    assert outcome.frames["consumed" if role == "collect" else "transmitted"] > 1000


class Device:
    """nic1 as a device of its driver, which lets it go and takes it again as after an error. What
    comes back is another interface."""

    def __init__(self, guest):
        self._guest = guest
        self._name = guest.run("basename $(readlink /sys/class/net/nic1/device)").strip()

    def _tell_driver(self, what):
        self._guest.run(f"echo {self._name} >/sys/bus/virtio/drivers/virtio_net/{what}")

    def take_away(self):
        self._tell_driver("unbind")

    def give_back(self):
        self._tell_driver("bind")
        self._guest.run("ip link set eth0 name nic1\nip link set nic1 up")


def assert_reflects(guest, frames):
    guest.wire.send(frame.data for frame in frames)
    assert sorted(guest.wire.receive(len(frames))) == sorted(frame.reflected() for frame in frames)


def test_a_device_that_is_reset_and_a_new_run(guest):
    device, frames = Device(guest), frames_of_both_formats(50)
    run = guest.start("nic1", role="reflect")
    assert_reflects(guest, frames)
    device.take_away()
    outcome = run.stop(status=None)
    assert outcome.records["stored"] == len(frames)
    device.give_back()
    run = guest.start("nic1", role="reflect", options=["--key", 9])
    assert run.modes() == {("nic1", 0): "zerocopy"}
    assert_reflects(guest, frames)
    assert_all(run.stop(), received=len(frames), transmitted=len(frames))


def test_a_device_that_is_reset_over_and_over_in_one_run(guest):
    """It is opened again, and the books go on."""
    rounds = 3
    device = Device(guest)
    # Those that carry a time would be the same records again.
    frames = [frame for frame in frames_of_both_formats(50) if frame.time_ns is None]
    run = guest.start("nic1", role="reflect")
    assert_reflects(guest, frames)
    for number in range(1, rounds + 1):
        device.take_away()
        run.wait_for("the interface was removed", number)
        device.give_back()
        run.wait_for("nic1: open again, mode zerocopy", number)
        assert guest.sockets() == {("nic1", 0): True}
        assert_reflects(guest, frames)
    total = (rounds + 1) * len(frames)
    outcome = run.stop()
    assert_all(outcome, received=total, transmitted=total)
    assert f"nic1 lost {rounds} times" in outcome.stdout
