"""A client of RPCs whose requests carry P4NetIntel traces, as if they had crossed switches.

RawClient    builds and reads UDP frames itself, at a rate
Relay        stands between the client's TCP stack and the chain: puts traces in front of data
             segments, takes them off replies and keeps them
"""

import array
import dataclasses
import fcntl
import os
import select
import socket
import struct
import threading
import time

import formats
from bed import PacketSocket, inside
from chain import CLIENT, RAW_CLIENT, SERVER
from formats import TCP, TRACE_BYTES, UDP, Flow


def without_links(collect_size, traces):
    """The traces less each one's next_proto, which a reply needs to have another value."""
    step = TRACE_BYTES[collect_size]
    return [traces[at:at + step - 2] for at in range(0, len(traces), step)]


@dataclasses.dataclass
class Reply:
    traces: list  # newest first, without next_proto
    requests: int
    time_ns: int
    plain: bytes  # the frame as the server has sent it
    rpc_id: int

    @classmethod
    def parse(cls, collect_size, frame, order=">"):
        """Insists on the form: traces, int_host behind the last one, IPv4 behind it."""
        link = 18 if frame[12:14] == b"\x81\0" else 14
        assert frame[link - 2:link] == b"\x12\x12", "no telemetry"
        count, = struct.unpack_from(">I", frame, link)
        step, at = TRACE_BYTES[collect_size], link + 4
        traces = frame[at:at + count * step]
        links = [traces[i:i + 2] for i in range(step - 2, len(traces), step)]
        assert links == [b"\x12\x13"] * (count - 1) + [b"\x12\x14"]
        at += count * step
        requests, time_ns = struct.unpack_from(order + "QQ", frame, at)
        assert frame[at + 16:at + 18] == b"\x08\0"
        packet = frame[at + 18:]
        assert packet[0] >> 4 == 4
        return cls(without_links(collect_size, traces), requests, time_ns,
                   frame[:link - 2] + b"\x08\0" + packet, rpc_id_of(packet))


def data_at(packet):
    """Where the payload of an IPv4 packet with UDP or TCP begins."""
    at = (packet[0] & 15) * 4
    return at + (8 if packet[9] == UDP else (packet[at + 12] >> 4) * 4)


def rpc_id_of(packet):
    """0: none."""
    at, end = data_at(packet), int.from_bytes(packet[2:4], "big")
    return int.from_bytes(packet[at:at + 4], "big") if end >= at + 4 else 0


def request(collect_size, hops, port=20_000, rpc_id=1, **shape):
    """From RAW_CLIENT to the server's echo port."""
    flow = shape.pop("flow", Flow(UDP, RAW_CLIENT, SERVER, port, 7))
    return formats.p4netintel(collect_size, hops, flow, rpc_id=rpc_id, **shape)


def reply_to(frame):
    """What a server sends back: MAC and IP addresses and ports change places."""
    link = 18 if frame[12:14] == b"\x81\0" else 14
    ports = link + (frame[link] & 15) * 4
    data = bytearray(frame)
    for at, size in ((0, 6), (link + 12, 4), (ports, 2)):
        data[at:at + 2 * size] = data[at + size:at + 2 * size] + data[at:at + size]
    return bytes(data)


class RawClient:
    """One frame after the other, or many at a rate. Sees telemetry only; see PacketSocket."""

    _ON_THEIR_WAY = 200  # small packets fill a socket buffer of 208 KiB, the default, with 277

    def __init__(self, chain):
        with inside(chain.client):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x1212))
            self._socket.bind(("client0", 0x1212))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)  # SO_RCVBUFFORCE

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def call(self, frame):
        """Sends a request; answers its reply and the round trip in ns."""
        self._socket.settimeout(10)
        begin = time.perf_counter_ns()
        self._socket.send(frame)
        reply = self._socket.recv(4096)
        return reply, time.perf_counter_ns() - begin

    def load(self, templates, total, pps):
        """Sends `total` requests, from the templates in turn, with ids 1, 2, ...; checks every
        reply against its request. A template is (collect_size, Frame), its payload the complement
        of its id, so that the checksum stays right when both are patched. No more are on their way
        at once than an unmodified server's socket holds."""
        wanted, senders = [], []
        for collect_size, frame in templates:
            end_of_traces = frame.ip_offset
            traces = frame.data[18:end_of_traces]
            header = frame.data[14:18]
            wanted.append(header + traces[:-2] + b"\x12\x14")
            senders.append((bytearray(frame.data), frame.ports_offset + 8))
        sent_at = array.array("Q", bytes(8 * (total + 1)))
        buffer = bytearray(2048)
        receive, send = self._socket.recv_into, self._socket.send
        unpack, pack = struct.Struct(">QQHI").unpack_from, struct.Struct(">II").pack_into
        now, kinds = time.perf_counter_ns, len(templates)
        self._socket.setblocking(False)
        sent = received = 0
        answered = bytearray(total + 1)
        longest = 0
        begin = last = now()
        while received < total:
            due = min(total, int((now() - begin) * pps / 1_000_000_000),
                      received + self._ON_THEIR_WAY)
            while sent < due:
                sent += 1
                data, at = senders[sent % kinds]
                pack(data, at, sent, sent ^ 0xFFFFFFFF)
                sent_at[sent] = now()
                try:
                    send(data)
                except BlockingIOError:  # the device is busy
                    sent -= 1
                    break
            try:
                while True:
                    size = receive(buffer)
                    last = now()
                    rpc_id, complement = struct.unpack_from(">II", buffer, size - 8)
                    assert rpc_id == complement ^ 0xFFFFFFFF and not answered[rpc_id]
                    answered[rpc_id] = 1
                    want = wanted[rpc_id % kinds]
                    behind = 14 + len(want)
                    assert buffer[14:behind] == want, f"traces of request {rpc_id}"
                    requests, time_ns, following, version = unpack(buffer, behind)
                    assert (requests, following, version >> 24) == (1, 0x0800, 0x45)
                    round_trip = last - sent_at[rpc_id]
                    assert 0 < time_ns < round_trip
                    longest = max(longest, round_trip)
                    received += 1
            except BlockingIOError:
                pass
            assert now() - max(last, begin) < 5e9, f"{received} replies to {sent} requests"
            wait = begin + (sent + 1) * 1_000_000_000 // pps - now()
            select.select([self._socket], [], [], max(wait, 500_000) / 1e9)
        return (now() - begin) / 1e9, longest


class Relay(threading.Thread):
    """Between a TAP, which is the client's interface now, and the chain.

        client's TCP -- tap0 -- [ inserts traces, takes them off ] -- client0 ==== net0 ...
    """

    def __init__(self, chain, collect_size, hops, mtu=1300):
        super().__init__()
        self._collect_size, self._hops = collect_size, hops
        self.replies, self.plain_replies, self.errors = {}, [], []
        self._first_sent = {}  # (port, RPC id) -> ns
        with inside(chain.client):
            self._tap = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self._tap, 0x400454CA, struct.pack("16sH22x", b"tap0", 0x1002))
        chain.ip(chain.client, "addr", "flush", "dev", "client0")
        chain.ip(chain.client, "link", "set", "client0", "arp", "off")
        chain.ip(chain.client, "link", "set", "tap0", "mtu", mtu, "up")
        chain.ip(chain.client, "addr", "add", f"{CLIENT}/24", "dev", "tap0")
        self._wire = PacketSocket(chain.client, "client0")
        self._end, self._ender = os.pipe()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        os.close(self._ender)
        self.join()
        for fd in (self._end, self._tap):
            os.close(fd)
        self._wire.__exit__()
        assert kind or not self.errors, self.errors[0]

    def traces_for(self, rpc_id):
        """Of each request others, but of the same request always the same."""
        return [dataclasses.replace(hop, swid=hop.swid ^ rpc_id & 0xFF, enq_qdepth=rpc_id & 3)
                for hop in self._hops]

    def expected(self, rpc_id):
        hops = self.traces_for(rpc_id)
        return [formats.encode_trace(self._collect_size, hop, 0)[:-2] for hop in hops]

    def run(self):
        wire = self._wire._socket
        try:
            while True:
                ready, _, _ = select.select([wire, self._tap, self._end], [], [])
                if self._end in ready:
                    return
                if self._tap in ready:
                    self._wire.send(self._towards_server(os.read(self._tap, 4096)))
                if wire in ready:
                    data, sender = wire.recvfrom(4096)
                    if sender[2] != socket.PACKET_OUTGOING:
                        os.write(self._tap, self._towards_client(data))
        except Exception as error:  # for the test's thread to raise
            self.errors.append(error)

    def _is_tcp_data(self, frame):
        return frame[12:14] == b"\x08\0" and frame[23] == TCP and rpc_id_of(frame[14:]) != 0

    def _towards_server(self, frame):
        if not self._is_tcp_data(frame):
            return frame
        rpc_id = rpc_id_of(frame[14:])
        self._first_sent.setdefault((int.from_bytes(frame[34:36], "big"), rpc_id),
                                    time.perf_counter_ns())
        hops = self.traces_for(rpc_id)
        links = [0x1213] * (len(hops) - 1) + [0x0800]
        traces = b"".join(formats.encode_trace(self._collect_size, hop, link)
                          for hop, link in zip(hops, links))
        return frame[:12] + b"\x12\x12" + struct.pack(">I", len(hops)) + traces + frame[14:]

    def _towards_client(self, frame):
        if frame[12:14] != b"\x12\x12":
            if self._is_tcp_data(frame):
                self.plain_replies.append(frame)
            return frame
        reply = Reply.parse(self._collect_size, frame)
        port = int.from_bytes(reply.plain[36:38], "big")
        since_request = time.perf_counter_ns() - self._first_sent[port, reply.rpc_id]
        assert 0 < reply.time_ns < since_request
        self.replies.setdefault((port, reply.rpc_id), []).append(reply)
        return reply.plain
