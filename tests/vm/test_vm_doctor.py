"""doctor on virtio-net: what it says, and what it mends on the device."""

import json
import pathlib
import re

from test_doctor import mask

EXPECTED = pathlib.Path(__file__).parent / "doctor.expected.txt"


def mask_interrupts(text):
    """Their numbers are QEMU's affair."""
    return re.sub(r"(interrupts |irq/)\d+\b", r"\1N", text)


def test_the_report_about_a_healthy_nic(guest):
    """Bound in zero-copy for a moment, and nothing of that is left."""
    said = guest.run("valinor-afxdp doctor nic1 --bind-test")
    assert mask_interrupts(mask(said)) == EXPECTED.read_text()
    assert guest.sockets() == {} and "xdp" not in guest.link("nic1")


def merges(guest):
    """Whether nic5 merges what it receives."""
    features, = json.loads(guest.run("ethtool --json -k nic5"))
    return features["rx-gro-hw"]["active"]


def test_an_offload_of_the_device_is_switched_off_and_on_again(bridge):
    assert merges(bridge)
    assert "fix : ethtool -K nic5 rx-gro-hw off" in bridge.run("valinor-afxdp doctor nic5")
    bridge.run("valinor-afxdp doctor nic5 --fix")
    assert not merges(bridge)
    assert "nic5: rx-gro-hw on again" in bridge.run("valinor-afxdp doctor --undo")
    assert merges(bridge)
