"""A virtual machine, run by QEMU without hardware virtualization, so that it runs anywhere.

    nic1 <-- a wire --> the tests                   cables.py
    nic2 <-- a cable --> nic3
    nic4 <-- a bridge of this machine --> nic5      two queues each; where tap devices can be had
    nic6 <-- a wire --> the tests                   two queues; where igb is asked for

All but nic6 are virtio-net. `iommu_platform=on` lets the driver use the DMA API, without which it
refuses zero-copy; `disable-legacy=on` is needed for that. nic6 is an Intel 82576.
"""

import base64
import os
import re
import shlex
import socket
import subprocess
import textwrap
import time

from cables import Cable, Wire

BOOT_PATIENCE = 180  # seconds; it takes 4 on a quiet machine
PATIENCE = 120

IGB = 6  # number of that NIC

# Two taps that a bridge connects; the machine has no other network in there. Their queues hold
# what a test sends.
_BRIDGE = textwrap.dedent("""\
    set -e
    sysctl -qw net.ipv6.conf.default.disable_ipv6=1
    ip link add bridge0 type bridge mcast_snooping 0
    for tap in tap4 tap5; do
      ip tuntap add dev $tap mode tap multi_queue
      ip link set $tap txqueuelen 20000 master bridge0 up
    done
    ip link set bridge0 up
    """)


class GuestError(AssertionError):
    """A script ended with another status than 0, or the virtual machine is gone."""


def private_network():
    """A command in front of others that gives them a network of their own, in which taps can be
    made; None where this machine does not allow that."""
    for prefix in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        done = subprocess.run([*prefix, "sh", "-c", _BRIDGE], stdin=subprocess.DEVNULL,
                              capture_output=True)
        if done.returncode == 0:
            return prefix
    return None


def _nic(number, options=""):
    return ["-device", f"virtio-net-pci,netdev=n{number},mac=52:54:00:00:00:0{number},"
                       f"disable-legacy=on,iommu_platform=on{options}"]


def _igb(number):
    return ["-device", "pcie-root-port,id=igb-port,chassis=1,slot=1",
            "-device", f"igb,bus=igb-port,netdev=n{number},mac=52:54:00:00:00:0{number}"]


class Machine:
    """Boots, and runs shell scripts one at a time. `log` is the kernel's console."""

    def __init__(self, fetched, image, folder, has_igb):
        self.log = folder / "console.log"
        self.wire, self.igb_wire, self.cable = Wire(PATIENCE / 2), Wire(PATIENCE / 2), Cable()
        self._network = private_network()
        self.has_bridge = self._network is not None
        self._errors = folder / "qemu.log"
        plugs = dict(enumerate([*self.wire.plugs, *self.cable.plugs], 1))
        if has_igb:
            plugs[IGB] = self.igb_wire.plugs[0]
        with open(self._errors, "w") as errors:
            self._process = subprocess.Popen(
                self._command(fetched, image, folder, plugs), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=errors,
                env=os.environ | self._library_path(fetched),
                pass_fds=[plug.qemu.fileno() for plug in plugs.values()])
        for plug in plugs.values():
            plug.start()
        self._agent = self._connect(folder / "agent")
        try:
            self._agent.settimeout(BOOT_PATIENCE)
            self._answer()
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def _library_path(fetched):
        folders = {str(path.parent) for path in (fetched / "qemu").rglob("*.so*")
                   if path.parent.name == "x86_64-linux-gnu"}
        return {"LD_LIBRARY_PATH": ":".join(sorted(folders))}

    def _command(self, fetched, image, folder, plugs):
        kernel = next((fetched / "kernel").rglob("vmlinuz*"))
        # Firmware, where the packages put it.
        shares = [f"{root}/usr/{share}" for root in (fetched / "qemu", "")
                  for share in ("share/qemu", "share/seabios", "lib/ipxe/qemu")]
        command = ["setpriv", "--pdeathsig", "KILL",  # also when the tests are killed
                   fetched / "qemu/usr/bin/qemu-system-x86_64",
                   *(word for share in shares for word in ("-L", share)),
                   # cx16=off: QEMU 7.2 gets cmpxchg16b wrong at times, and the kernel panics.
                   # thread=single: so it did where one processor ran what another one patched.
                   "-accel", "tcg,thread=single", "-machine", "q35", "-cpu", "max,cx16=off",
                   "-smp", "2", "-m", "1536", "-nodefaults", "-no-user-config", "-no-reboot",
                   "-display", "none", "-serial", f"file:{self.log}",
                   "-kernel", kernel, "-initrd", image, "-append", "console=ttyS0 panic=-1 quiet",
                   "-device", "virtio-serial-pci",
                   "-chardev", f"socket,id=agent,path={folder / 'agent'},server=on,wait=on",
                   "-device", "virtserialport,chardev=agent,name=agent"]
        for number, plug in plugs.items():
            command += ["-netdev", f"socket,id=n{number},fd={plug.qemu.fileno()}",
                        *(_igb(number) if number == IGB else _nic(number))]
        command = shlex.join(str(word) for word in command)
        if not self.has_bridge:
            return ["sh", "-c", f"exec {command}"]
        for number in (4, 5):
            words = ["-netdev", f"tap,id=n{number},ifname=tap{number},queues=2,script=no,"
                                "downscript=no", *_nic(number, ",mq=on,vectors=6")]
            command += " " + shlex.join(words)
        return [*self._network, "sh", "-c", f"{_BRIDGE}\nexec {command}"]

    def _connect(self, path):
        agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                agent.connect(str(path))
                return agent
            except (FileNotFoundError, ConnectionRefusedError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._process.kill()
                    raise GuestError(f"QEMU did not start: {self._errors.read_text()}") from None
                time.sleep(0.01)

    def run(self, script, check=True, patience=PATIENCE):
        """Answers what it has written; with check=False, its status and that."""
        line = base64.b64encode(script.encode()) + b"\n"
        try:
            self._agent.settimeout(patience)
            self._agent.sendall(line)
            status, said = self._answer()
        except OSError as error:
            self._agent.close()  # what comes later would be the answer to this question
            raise GuestError(f"the virtual machine does not answer ({error}); its console:\n"
                             f"{self.console()}\n{self._errors.read_text()}\n"
                             f"the script was:\n{script}") from None
        if not check:
            return status, said
        if status != "0":
            raise GuestError(f"status {status} from\n{script}\n{said}")
        return said

    def _answer(self):
        head = self._receive_until(b"\n")
        status, count = head.decode().split()
        data = bytearray()
        while len(data) < int(count):
            data += self._receive(int(count) - len(data))
        return status, data.decode(errors="replace")

    def _receive_until(self, end):
        data = b""
        while not data.endswith(end):
            data += self._receive(1)
        return data

    def _receive(self, count):
        data = self._agent.recv(count)
        if not data:
            raise ConnectionError("QEMU is gone")
        return data

    def is_lost(self):
        """Whether it answers no more."""
        return self._agent.fileno() == -1

    def breakdown(self):
        """What went wrong with the machine itself, its kernel or QEMU; empty where nothing is known
        of that. A program that hangs is none of it."""
        said = re.search(r"virtio: .*", self._errors.read_text())
        said = said or re.search(r"Kernel panic.*|task \S+ blocked for more than.*",
                                 self.log.read_text(errors="replace"))
        return said[0] if said else ""

    def console(self, lines=60):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._agent.close()


class Machines:
    """One machine for all tests, and another one after that is lost or has broken down. `boot`, a
    function of a folder of its own, makes them; `start`, of a machine, what belongs to each. What
    they raise is raised from then on: what does not start once will not the next time."""

    def __init__(self, folder, boot, start):
        self._folder, self._boot, self._start = folder, boot, start
        self._machine = self._started = self._failure = None
        self._boots = 0

    def get(self):
        """A machine that runs, and what was started in it."""
        if self._failure is not None:
            raise self._failure
        if self._machine is not None and (self._machine.is_lost() or self._machine.breakdown()):
            self.stop()
        if self._machine is None:
            try:
                self._boots += 1
                folder = self._folder / f"boot-{self._boots}"
                folder.mkdir()
                self._machine = self._boot(folder)
                self._started = self._start(self._machine)
            except Exception as error:
                self._failure = error
                raise
        return self._machine, self._started

    def breakdown(self):
        """Of the machine that is there."""
        return "" if self._machine is None else self._machine.breakdown()

    def stop(self):
        if self._machine is not None:
            self._machine.stop()
            self._machine = None
