"""What the tests of two-sided roles stand on: the program between two others.

    namespace ...c                namespace ...b                  namespace ...s
    the test's sockets            the program under test          an unmodified server
    client0 <---- veth pair ----> net0  ......  host0 <---- veth pair ----> server0

The program's namespace has no addresses: whatever the two ends say to each other crosses it by
AF_XDP.
"""

import itertools
import json
import os
import pathlib
import subprocess
import sys

import formats
from bed import PacketSocket, Program, run, wait_until

CLIENT, SERVER = "10.78.0.1", "10.78.0.2"
CLIENT6, SERVER6 = "fd78::1", "fd78::2"
# The end of requests that a test writes itself, frame by frame; the client's kernel knows nothing
# of it.
RAW_CLIENT = "10.78.0.9"

_numbers = itertools.count()


def _text(mac):
    return mac.hex(":")


class Chain:
    """A context manager; no frame crosses but those that a test sends."""

    def __init__(self, queues=2, server_queues=None):
        name = f"vn{os.getpid()}-{next(_numbers)}"
        self.client, self.host, self.server = name + "c", name + "b", name + "s"
        self.gen = self.client  # as the helpers for the two-ended bed call it
        self.queues = {"client": queues, "server": server_queues or queues}

    def __enter__(self):
        try:
            for namespace in (self.client, self.host, self.server):
                run("ip", "netns", "add", namespace)
                run("ip", "netns", "exec", namespace, "sysctl", "-qw",
                    "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
            for side in self.queues:
                self.add_pair(side)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in (self.client, self.host, self.server):
            run("ip", "netns", "del", namespace, check=False)

    def add_pair(self, side):
        namespace, far, near = {"client": (self.client, "client0", "net0"),
                                "server": (self.server, "server0", "host0")}[side]
        queues = ("numrxqueues", self.queues[side], "numtxqueues", self.queues[side])
        run("ip", "-n", self.host, "link", "add", near, *queues, "type", "veth",
            "peer", "name", far, "netns", namespace, *queues)
        self.ip(namespace, "link", "set", far, "up")
        self.ip(self.host, "link", "set", near, "up")

    @staticmethod
    def ip(namespace, *words):
        return run("ip", "-n", namespace, *words)

    def ends(self):
        return ((self.client, "client0"), (self.server, "server0"))

    def links(self):
        return (*self.ends(), (self.host, "net0"), (self.host, "host0"))

    def set_mtu(self, mtu, links=None):
        for namespace, interface in links or self.links():
            self.ip(namespace, "link", "set", interface, "mtu", mtu)

    def limit_tcp_windows(self):
        """To what fits into the program's rings: nothing is lost, however late its turn comes."""
        for namespace in (self.client, self.server):
            run("ip", "netns", "exec", namespace, "sysctl", "-qw",
                "net.ipv4.tcp_rmem=4096 131072 262144")

    def set_offload(self, state):
        """Whether the two ends leave checksums and segmentation to a NIC that is not there."""
        for namespace, interface in self.ends():
            run("ip", "netns", "exec", namespace, "ethtool", "-K", interface, "tx", state, "tso",
                state)

    def add_addresses(self):
        """At the two ends; the server also knows RAW_CLIENT, whose frames a test writes."""
        self.ip(self.server, "link", "set", "server0", "address", _text(formats.HOST_MAC))
        for (namespace, interface), address in zip(self.ends(), (CLIENT, SERVER)):
            self.ip(namespace, "addr", "add", f"{address}/24", "dev", interface)
        self.ip(self.server, "neigh", "replace", RAW_CLIENT, "lladdr", _text(formats.SENDER_MAC),
                "dev", "server0", "nud", "permanent")

    def add_ipv6_addresses(self):
        """From now on the two ends send a packet now and then without being asked."""
        for (namespace, interface), address in zip(self.ends(), (CLIENT6, SERVER6)):
            run("ip", "netns", "exec", namespace, "sysctl", "-qw",
                f"net.ipv6.conf.{interface}.disable_ipv6=0")
            self.ip(namespace, "addr", "add", f"{address}/64", "dev", interface, "nodad")

    def client_socket(self):
        return PacketSocket(self.client, "client0")

    def server_socket(self):
        return PacketSocket(self.server, "server0")

    def statistics(self, interface):
        """What `ip` says about one of the program's two interfaces."""
        return json.loads(run("ip", "-n", self.host, "-j", "-s", "link", "show", "dev",
                              interface).stdout)[0]

    def received(self):
        """By the program's network side."""
        return self.statistics("net0")["stats64"]["rx"]["packets"]

    def settle(self):
        """Returns when nothing has come in for a while."""
        seen = []

        def is_quiet():
            seen.append([self.statistics(interface)["stats64"]["rx"]["packets"]
                         for interface in ("net0", "host0")])
            return len(seen) > 10 and seen[-1] == seen[-10]

        wait_until(is_quiet, "the end of all traffic")

    def has_xdp_program(self):
        return any("xdp" in self.statistics(interface) for interface in ("net0", "host0"))

    def cross(self, frames, backwards=False, count=None):
        """Sends frames through the box; answers what came out, in order."""
        sender, receiver = self.client_socket(), self.server_socket()
        if backwards:
            sender, receiver = receiver, sender
        with sender, receiver:
            for frame in frames:
                sender.send(frame)
            return receiver.receive(len(frames) if count is None else count)


class ChainProgram(Program):
    """The program in the middle of a chain."""

    def __init__(self, chain, server, folder):
        super().__init__(chain, server, folder)
        self.config.write_text(
            "version: 1\n"
            "run: {on_existing: append}\n"
            "interfaces: [{name: net0, mode: copy, umem: {frames: 4096},\n"
            "              rings: {rx: 1024, fill: 2048, tx: 1024, completion: 2048}}]\n"
            "forward: {to: host0}\n"
            "role: forward\n"
            f"export: {{redis: {{url: \"{server.url}\", backoff: {{max: 200ms}}}},\n"
            f"         buffer: {{spill: {{dir: \"{folder}/spill\"}}}}}}\n"
            "observe: {stats_interval: 100ms}\n")


class EchoServer:
    """tests/net/echo.py in the server's namespace: UDP and TCP, port 7."""

    def __init__(self, chain):
        script = pathlib.Path(__file__).parent / "echo.py"
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", chain.server, sys.executable, str(script), SERVER],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "ready\n"

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


# --- Judging what came out -------------------------------------------------------------------


def has_right_checksums(packet):
    """Of an IPv4 packet with UDP, TCP or ICMP, of an IPv6 packet without extension headers."""
    if packet[0] >> 4 == 4:
        header = (packet[0] & 15) * 4
        total = int.from_bytes(packet[2:4], "big")
        if formats.checksum(packet[:header]) != 0:
            return False
        protocol, addresses, segment = packet[9], packet[12:20], packet[header:total]
        if protocol == formats.UDP and segment[6:8] == b"\0\0":
            return True
        if protocol not in (formats.UDP, formats.TCP):
            return formats.checksum(segment) == 0
    else:
        protocol, addresses = packet[6], packet[8:40]
        segment = packet[40:40 + int.from_bytes(packet[4:6], "big")]
    pseudo = addresses + bytes([0, protocol]) + len(segment).to_bytes(2, "big")
    return formats.checksum(pseudo + segment) == 0
