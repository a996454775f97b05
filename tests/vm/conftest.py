"""Tests on real NIC drivers, in a virtual machine without hardware virtualization and root:

    VALINOR_BINARY=build/src/app/valinor-afxdp python3 -m pytest tests/vm

One boot is shared by all, as long as it does not break down. A kernel and QEMU are fetched once, by
scripts/fetch-vm, into build/vm-cache or the folder that VALINOR_VM_CACHE names. Two queues of
virtio-net need tap devices, so root or user namespaces.

VALINOR_VM=full: a kernel with all drivers, and two Intel NICs (igb) besides; some 100 MB more.

To add a scenario: a function in test_vm_*.py that takes `guest` (inside.py).
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

import pytest
from _pytest.runner import runtestprotocol

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "net"))  # formats.py and bed.py

import bed  # noqa: E402
import image  # noqa: E402
import inside  # noqa: E402
import machine as machines  # noqa: E402

PROGRAMS = ("redis-server", "redis-cli", "ip", "ss", "ethtool")
MODULES = ("virtio_net", "veth", "xsk_diag")

LACKING = 4  # exit status of scripts/fetch-vm

SHARED = pytest.StashKey()  # of the session: Machines
BROKE = pytest.StashKey()  # of a test: how its machine broke down

FULL = os.environ.get("VALINOR_VM") == "full"


@pytest.fixture(scope="session")
def fetched():
    name, options = ("vm-cache-full", ["full"]) if FULL else ("vm-cache", [])
    folder = pathlib.Path(os.environ.get("VALINOR_VM_CACHE", ROOT / "build" / name))
    done = subprocess.run([ROOT / "scripts" / "fetch-vm", folder, *options], text=True,
                          capture_output=True)
    if done.returncode == LACKING:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    return folder.resolve()


@pytest.fixture(scope="session")
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="valinor-vm-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def module(fetched, folder):
    """xdpmock.ko, or why it could not be built."""
    done = subprocess.run([HERE / "xdpmock" / "build", fetched, folder / "xdpmock"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return (folder / "xdpmock" / "xdpmock.ko").read_bytes() if done.returncode == 0 else done.stdout


@pytest.fixture(scope="session")
def probe(folder):
    """A program of the virtual machine; by any C compiler."""
    subprocess.run(["cc", "-Wall", "-Werror", "-O1", "-o", folder / "probe",
                    HERE / "guest" / "probe.c"], check=True)
    return folder / "probe"


@pytest.fixture(scope="session")
def shared(request, fetched, folder, module, probe):
    """The machine, with its Redis, that all tests use."""
    assert bed.BINARY.is_file(), f"{bed.BINARY} is missing: build it, or set VALINOR_BINARY"
    modules = dict.fromkeys((*MODULES, "igb") if FULL else MODULES)
    if isinstance(module, bytes):
        modules["xdpmock"] = module
    image.make(folder / "initrd", fetched, [bed.BINARY, probe, *PROGRAMS], modules)
    made = machines.Machines(
        folder, boot=lambda place: machines.Machine(fetched, folder / "initrd", place, FULL),
        start=lambda booted: inside.Redis(booted).start())
    request.config.stash[SHARED] = made
    yield made
    made.stop()


@pytest.fixture
def booted(shared):
    return shared.get()


@pytest.fixture
def machine(booted):
    return booted[0]


@pytest.fixture
def redis(booted):
    return booted[1]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the programs said and the kernel knows, beside a scenario that failed."""
    report = (yield).get_result()
    if not report.failed:
        return
    if call.when == "call" and "guest" in item.funcargs:
        report.sections += item.funcargs["guest"].describe()
    shared = item.config.stash.get(SHARED, None)
    why = shared.breakdown() if shared else ""
    if why and BROKE not in item.stash:
        item.stash[BROKE] = f"{why}\n{report.longreprtext}"


def pytest_runtest_protocol(item, nextitem):
    """Where the machine itself broke down, in its kernel or in QEMU, a failure says nothing of the
    program: the test runs once more, in another machine. A second time it counts."""
    if HERE not in item.path.parents:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if BROKE in item.stash:
        warnings.warn(f"{item.nodeid} runs again in another machine: {item.stash[BROKE]}")
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture
def guest(machine, redis):
    machine.run("dmesg -c >/dev/null\nfor nic in /sys/class/net/nic* /sys/class/net/xm*; do\n"
                "  [ ! -e $nic ] || ip link set ${nic##*/} up\ndone")
    redis.flush()
    machine.wire.drain()
    machine.igb_wire.drain()
    machine.cable.drain()
    made = inside.Guest(machine, redis)
    yield made
    made.close()
    complaints = machine.run("dmesg | grep -A 30 -E 'cut here|BUG:|Oops|blocked for more' || true")
    assert not complaints, f"the kernel complained:\n{complaints}"


@pytest.fixture
def bridge(guest):
    """nic4 and nic5, two queues each."""
    if not guest.has_bridge:
        pytest.skip("no tap devices: they need root, or user namespaces and /dev/net/tun")
    guest.run("ethtool -L nic5 combined 2 2>/dev/null || true")  # a test may have failed with one
    return guest


@pytest.fixture
def igb(guest):
    """nic6: two queues, a wire to the tests; with VALINOR_VM=full."""
    return guest


@pytest.fixture
def xdpmock(guest, module):
    """xm0 and xm1: NICs of tests/vm/xdpmock, two queues each, a wire between them."""
    assert isinstance(module, bytes), f"xdpmock does not build:\n{module}"
    return guest


@pytest.fixture
def veth(guest):
    """veth0 <-> veth1."""
    guest.run("ip link add veth0 type veth peer name veth1\n"
              "ip link set veth0 up\nip link set veth1 up")
    yield guest
    guest.run("ip link del veth0")
