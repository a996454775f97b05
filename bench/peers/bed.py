"""Where peers are measured: two network namespaces, a veth pair, and what the kernel counts there.

    namespace g: load, near  <--- veth pair --->  far, the program under test: namespace p

Rates come from veth's own counters of each queue, read by ioctl together with the clock.
"""
import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import time

NEAR, FAR = "near", "far"

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL = 0x8946
_GET_STRINGS, _GET_STATS, _GET_SET_INFO, _SET_OF_STATS = 0x1B, 0x1D, 0x37, 1


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, text=True, capture_output=True, **options)


class Bed:
    """A context manager; of its own, so that nothing else sends there."""

    def __init__(self, queues):
        name = f"vpeers{os.getpid()}"
        self.generator, self.program = name + "g", name + "p"
        self._queues = queues

    def __enter__(self):
        try:
            for namespace in (self.generator, self.program):
                run("ip", "netns", "add", namespace)
                run("ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                    "net.ipv6.conf.default.disable_ipv6=1")
            queues = ("numrxqueues", self._queues, "numtxqueues", self._queues)
            run("ip", "-n", self.generator, "link", "add", NEAR, *queues, "type", "veth",
                "peer", "name", FAR, "netns", self.program, *queues)
            for namespace, interface in ((self.generator, NEAR), (self.program, FAR)):
                run("ip", "-n", namespace, "link", "set", interface, "up")
                # With GRO the interface has NAPI, without which it takes no frames from XDP.
                run("ip", "netns", "exec", namespace, "ethtool", "-K", interface, "gro", "on")
        except BaseException:
            self.__exit__()
            raise
        self.sent_back = Counters(self.generator, NEAR)
        self.received = Counters(self.program, FAR)
        return self

    def __exit__(self, *_):
        for namespace in (self.generator, self.program):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)


class Counters:
    """What `ethtool -S` shows of an interface, with the time at which it was read."""

    def __init__(self, namespace, interface):
        self._interface = interface.encode()
        with open("/proc/self/ns/net") as outside, open(f"/run/netns/{namespace}") as within:
            _enter(within)
            try:
                self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            finally:
                _enter(outside)
        info = self._ask(struct.pack("=IIQI", _GET_SET_INFO, 0, 1 << _SET_OF_STATS, 0))
        count = struct.unpack_from("=I", info, 16)[0]
        names = self._ask(struct.pack("=III", _GET_STRINGS, _SET_OF_STATS, count) + bytes(32 * count))
        self._names = [names[12 + 32 * i:44 + 32 * i].split(b"\0")[0].decode() for i in range(count)]

    def read(self):
        """Seconds, and the counters by their names."""
        count = len(self._names)
        stats = self._ask(struct.pack("=II", _GET_STATS, count) + bytes(8 * count))
        return time.monotonic(), dict(zip(self._names, struct.unpack_from(f"={count}Q", stats, 8)))

    def _ask(self, question):
        answer = ctypes.create_string_buffer(question, len(question))
        request = struct.pack("16sP16x", self._interface, ctypes.addressof(answer))
        fcntl.ioctl(self._socket, _SIOCETHTOOL, request)
        return answer.raw


def _enter(namespace):
    if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "enter a network namespace")


def rate(before, after, name):
    """Of a counter, all queues together; per second."""
    (begin, old), (end, new) = before, after
    keys = [key for key in new if key.startswith("rx_queue_") and key.endswith("_" + name)]
    return sum(new[key] - old[key] for key in keys) / (end - begin)


def cpu_seconds_of_others(ours):
    """CPU time of all processes but `ours` (pids) and the kernel's threads; of those that have ended as
    well, which is their parents'."""
    ticks = 0
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if fields[1] != "2":  # child of kthreadd
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
