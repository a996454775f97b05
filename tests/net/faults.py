"""What the tests of a failing Redis stand on: packets whose every record is known go through a
program that forwards, while something fails.

Packets must flow on whatever happens to their records. That is counted, not timed: the sender keeps
a pace far below what the program can do, so every packet that it sends has to come out at the far
end, also those of the time in which the store is away.
"""

import dataclasses
import os
import threading
import time

import formats
from bed import inside, wait_until
from chain import ChainProgram

# Multiplies how often things fail: 5 or 10 for a long look.
FACTOR = int(os.environ.get("VALINOR_ROUNDS", "1"))

FLOWS = 64
# A tenth of what two slow cores forward.
PACKETS_PER_SECOND = 10_000
# Room for what is sent while the machine does something else, for a second or so.
ROOM = ("interfaces[0].umem.frames=65536", "interfaces[0].rings.rx=16384",
        "interfaces[0].rings.fill=32768", "interfaces[0].rings.tx=16384",
        "interfaces[0].rings.completion=16384")


class Arrivals:
    """Counts what an interface has received, without a process for each look."""

    def __init__(self, namespace, interface):
        with inside(namespace):
            self._file = open("/proc/thread-self/net/dev")  # stays with the namespace
        self._interface = interface

    def count(self):
        self._file.seek(0)
        line = next(line for line in self._file if line.strip().startswith(self._interface + ":"))
        return int(line.split(":")[1].split()[1])

    def close(self):
        self._file.close()


class Traffic:
    """Packet n, from 1, is of flow n mod FLOWS and carries the time n."""

    def __init__(self, chain, packets_per_second):
        self.sent = 0
        self._rate = packets_per_second
        self._socket = chain.client_socket()
        self._arrivals = Arrivals(chain.server, "server0")
        self._before = self._arrivals.count()
        self._thread = None
        self._stop = threading.Event()
        flows = [formats.Flow(source_port=1000 + number) for number in range(FLOWS)]
        self._frames = [_around_time(formats.valinor_n(_SOME_TIME, flow).data, _SOME_TIME, 6)
                        for flow in flows]
        self._members = [dataclasses.astuple(formats.valinor_n(0, flow).record())
                         for flow in flows]

    def start(self):
        self._stop.clear()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def stop(self):
        """Returns when the last packet has left; start() goes on with the next one."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def close(self):
        self.stop()
        self._socket.close()
        self._arrivals.close()

    def _send(self):
        begin, already = time.monotonic(), self.sent
        while not self._stop.wait(0.002):
            due = int((time.monotonic() - begin) * self._rate) - (self.sent - already)
            for _ in range(min(due, 64)):
                number = self.sent + 1
                head, tail = self._frames[number % FLOWS]
                self._socket.send(head + number.to_bytes(6, "big") + tail)
                self.sent = number

    def member(self, number):
        """Of the sorted set: the record that packet `number` becomes."""
        fields = self._members[number % FLOWS]
        return formats.Record.LAYOUT.pack(number, *fields[1:]).hex().encode()

    def crossed(self):
        """Packets that have come out at the far end."""
        return self._arrivals.count() - self._before

    def cross(self, packets=2000):
        """Until so many more packets have come out at the far end."""
        goal = self.sent + packets
        wait_until(lambda: self.crossed() >= goal, f"{packets} packets to cross the program")


_SOME_TIME = 0x123456789ABC


def _around_time(data, time_ns, size):
    head, tail = data.split(time_ns.to_bytes(size, "big"))
    return head, tail


class Flow:
    """A run in the midst of a chain, with traffic. `store` has a url, and answers count() and
    members() of what it holds."""

    def __init__(self, chain, folder, store, packets_per_second):
        self.program = ChainProgram(chain, store, folder)
        self.folder, self.store = folder, store
        self.traffic = Traffic(chain, packets_per_second)
        self.run = None
        self._counted = 0  # packets that earlier runs have counted

    def start(self, *settings, **how):
        """The program, then the traffic; returns when records arrive."""
        self.launch(*settings, **how)
        self.traffic.start()
        self.store_more()
        return self

    def launch(self, *settings, **how):
        self._counted = self.traffic.sent
        self.run = self.program.start(*ROOM, *settings, **how)

    def close(self):
        self.traffic.close()
        self.program.close()

    def cross(self, packets=2000):
        self.traffic.cross(packets)

    def store_more(self):
        """Until the store holds more than now."""
        before = self.store.count()
        wait_until(lambda: self.store.count() > before, "more records in the store")

    def end_traffic(self):
        """Each packet that was sent has crossed the program, none twice."""
        self.traffic.stop()
        wait_until(lambda: self.traffic.crossed() >= self.traffic.sent, "all packets to cross")
        assert self.traffic.crossed() == self.traffic.sent

    def finish(self, status=0):
        """Ends all; no packet was lost, and both equations hold."""
        self.end_traffic()
        outcome = self.run.stop(status)
        sent = self.traffic.sent - self._counted
        assert outcome.frames == {"received": sent, "transmitted": sent, "consumed": 0,
                                  "passed": 0, "dropped": 0}
        assert outcome.records["produced"] == sent
        return outcome

    def finish_complete(self):
        """Every record is in the store, once, and is counted as that."""
        self.end_traffic()
        wait_until(lambda: self.store.count() >= self.traffic.sent, "all records in the store")
        outcome = self.finish()
        records = outcome.records
        assert records["stored"] == records["produced"] + records.get("recovered", 0)
        assert (records["collapsed"], records["pending"], records["lost"]) == (0, 0, 0)
        self.assert_holds(range(1, self.traffic.sent + 1))
        return outcome

    def assert_holds(self, numbers):
        """The store holds the records of these packets, each once, and nothing else."""
        found = self.store.members()
        wanted = {self.traffic.member(number) for number in numbers}
        # Counts: pytest would compare sets of this size for minutes.
        assert (len(found), len(wanted - set(found)), len(set(found) - wanted)) == (
            len(wanted), 0, 0)
