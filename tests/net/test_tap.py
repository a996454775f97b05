"""The tap under load: a million packets of unmodified senders, each of them a record.

The sender keeps within what Redis has taken, so that a slow machine loses nothing either.
"""

import re
import signal
import socket
import threading

import bed as beds
import formats

UDP_PACKETS = 600_000
TCP_PACKETS = 400_000  # at least, once segmentation offload has cut them
UDP_HEADERS = 14 + 20 + 8
LENGTHS = 1000  # datagram n has n % LENGTHS bytes of payload
MARK, SO_MARK = 7, 36
AHEAD = 200_000  # packets that may be on their way to Redis
HOST_ADDRESS, FAR_ADDRESS = "10.77.0.1", "10.77.0.2"


class Sink:
    """Takes what TCP sends; nobody reads the datagrams."""

    def __init__(self, bed):
        with beds.inside(bed.gen):
            self._listener = socket.create_server((FAR_ADDRESS, 5001))
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((FAR_ADDRESS, 5000))
        self._thread = threading.Thread(target=self._drain)
        self._thread.start()

    def _drain(self):
        connection, _ = self._listener.accept()
        buffer = bytearray(1 << 20)
        while connection.recv_into(buffer):
            pass

    def close(self):
        self._thread.join()
        self._listener.close()
        self._udp.close()


def left(bed):
    """Packets and bytes that left, as the queueing discipline counts them: segment by segment."""
    text = beds.run("tc", "-n", bed.host, "-s", "qdisc", "show", "dev", bed.host_interface).stdout
    sent, packets = re.search(r"qdisc pfifo .*?Sent (\d+) bytes (\d+) pkt", text, re.S).groups()
    return int(packets), int(sent)


def prepare(bed):
    """Addresses; and no packet leaves but the senders' own, so that counts can be exact."""
    beds.run("tc", "-n", bed.host, "qdisc", "add", "dev", bed.host_interface, "root", "pfifo",
             "limit", 10_000)
    ends = zip(bed.ends(), (HOST_ADDRESS, FAR_ADDRESS))
    macs = {address: beds.json.loads(beds.run("ip", "-n", namespace, "-j", "link", "show", "dev",
                                              interface).stdout)[0]["address"]
            for (namespace, interface), address in ends}
    for (namespace, interface), address, peer in zip(
            bed.ends(), (HOST_ADDRESS, FAR_ADDRESS), (FAR_ADDRESS, HOST_ADDRESS)):
        beds.run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", interface)
        beds.run("ip", "-n", namespace, "neigh", "add", peer, "lladdr", macs[peer], "nud",
                 "permanent", "dev", interface)


def send_udp(bed, server):
    with beds.inside(bed.host):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, SO_MARK, MARK)
    sender.connect((FAR_ADDRESS, 5000))
    payload = memoryview(bytes(LENGTHS))
    for number in range(UDP_PACKETS):
        sender.send(payload[:number % LENGTHS])
        if number % (AHEAD // 4) == 0:
            server.wait_for(number - AHEAD // 2)
    sender.close()


def send_tcp(bed, server):
    with beds.inside(bed.host):
        sender = socket.create_connection((FAR_ADDRESS, 5001))
    data = bytes(1 << 18)
    while (packets := left(bed)[0]) < UDP_PACKETS + TCP_PACKETS:
        for _ in range(64):
            sender.sendall(data)
        server.wait_for(packets - AHEAD)
    sender.close()
    # The last packet, the ACK of the other side's FIN, leaves before this state is entered.
    beds.wait_until(lambda: ":5001" in beds.run("ss", "-N", bed.host, "-tnH", "state",
                                                "time-wait").stdout, "the connection to end")


def test_a_million_packets_are_a_million_records(bed, redis):
    prepare(bed)
    sink = Sink(bed)
    tap = beds.Run([str(word) for word in (
        "ip", "netns", "exec", bed.host, beds.BINARY, "tap", "-i", bed.host_interface, "-k", 0,
        "--set", f"export.redis.url={redis.url}", "--set", "tap.ring_bytes=64MiB")])
    try:
        tap.wait_for("ready")
        assert left(bed) == (0, 0)
        send_udp(bed, redis)
        send_tcp(bed, redis)
        sink.close()
        packets, sent = left(bed)
        tap.send_signal(signal.SIGINT)
        outcome = tap.wait()
    finally:
        if tap.is_running():
            tap.kill9()
    assert outcome.status == 0, outcome.stdout + outcome.stderr
    assert packets >= UDP_PACKETS + TCP_PACKETS
    assert re.search(rf"^tap +{packets:,} packets left = {packets:,} records \+ 0 overflow +complete$",
                     outcome.stdout, re.M), outcome.stdout
    records = formats.read_records(redis.client)
    assert len(records) == packets
    assert sum(record.length for record in records) == sent
    # One thread sent the datagrams: their times put them into the order in which it did.
    datagrams = sorted((record for record in records if record.source == MARK),
                       key=lambda record: record.time_ns)
    assert [record.length for record in datagrams] == [
        UDP_HEADERS + number % LENGTHS for number in range(UDP_PACKETS)]
    assert len({record.key for record in datagrams}) == 1
