"""P4NetIntel and Valinor-N frames, and the record that Valinor's notebooks read.

Written from the formats' description alone, not from the program's C++, so that both being wrong in
the same way is unlikely. Fields of a trace are listed with their widths in bits, most significant
first, exactly as they stand on the wire.
"""

import dataclasses
import ipaddress
import struct

ETHERTYPE_INT = 0x1212
ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_VLAN = 0x8100
NEXT_TRACE = 0x1213
NEXT_HOST = 0x1214
NEXT_IPV4 = 0x0800
TCP, UDP = 6, 17
VALINOR_PROTOCOL = 0xFD
UNKNOWN_LENGTH = 0xFFFC  # of an I2E mirror: 0 less the FCS

HOST_MAC = bytes.fromhex("080000000400")
SENDER_MAC = bytes.fromhex("080000000100")


# --- Records ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Record:
    """One member of the run's sorted set: 34 bytes as 68 hex digits."""

    time_ns: int
    enqueue: int
    delta: int
    length: int
    key: int
    source: int
    destination: int
    source_port: int
    destination_port: int

    LAYOUT = struct.Struct(">QIIHIIIHH")

    @classmethod
    def parse(cls, member):
        text = member.decode("ascii")
        assert len(text) == 68 and text == text.lower(), f"no 68 lower-case hex digits: {text}"
        return cls(*cls.LAYOUT.unpack(bytes.fromhex(text)))


def read_records(server, key=0):
    """All records of a run; the database must hold nothing but its sorted set."""
    assert server.keys() == [str(key).encode()]
    assert server.type(key) == b"zset"
    records = []
    for member, score in server.zrange(key, 0, -1, withscores=True):
        record = Record.parse(member)
        assert score == float(record.time_ns)
        records.append(record)
    return records


# --- Flows -----------------------------------------------------------------------------------


def crc32c(register, data):
    """Castagnoli, reflected, without inversion before or after."""
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register


@dataclasses.dataclass(frozen=True)
class Flow:
    protocol: int = UDP
    source: str = "10.0.1.1"
    destination: str = "10.0.3.3"
    source_port: int = 4321
    destination_port: int = 1234

    @property
    def source_number(self):
        return int(ipaddress.IPv4Address(self.source))

    @property
    def destination_number(self):
        return int(ipaddress.IPv4Address(self.destination))

    def key(self):
        a = self.destination_number | self.destination_port << 32
        b = self.source_number | self.source_port << 32 | self.protocol << 48
        return crc32c(0x252345, struct.pack("<QQ", a, b))

    def record(self, time_ns, enqueue, delta, length):
        return Record(time_ns, enqueue, delta, length, self.key(), self.source_number,
                      self.destination_number, self.source_port, self.destination_port)


# --- IPv4 and what it carries ----------------------------------------------------------------


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4_header(flow, payload_bytes, options=b"", protocol=None, identification=1):
    assert len(options) % 4 == 0
    words = 5 + len(options) // 4
    fields = [0x40 | words, 0, words * 4 + payload_bytes, identification, 0, 64,
              flow.protocol if protocol is None else protocol]
    addresses = struct.pack(">II", flow.source_number, flow.destination_number)
    without_sum = struct.pack(">BBHHHBBH", *fields, 0) + addresses + options
    return struct.pack(">BBHHHBBH", *fields, checksum(without_sum)) + addresses + options


def transport(flow, payload, with_checksum=True):
    """A UDP datagram or a TCP segment."""
    ports = struct.pack(">HH", flow.source_port, flow.destination_port)
    if flow.protocol == UDP:
        at, segment = 6, ports + struct.pack(">HH", 8 + len(payload), 0) + payload
    else:
        at, segment = 16, ports + struct.pack(">IIHHHH", 1, 2, 0x5018, 4096, 0, 0) + payload
    if not with_checksum:
        return segment
    pseudo = struct.pack(">IIBBH", flow.source_number, flow.destination_number, 0, flow.protocol,
                         len(segment))
    value = checksum(pseudo + segment) or 0xFFFF
    return segment[:at] + struct.pack(">H", value) + segment[at + 2:]


def ethernet(ethertype, vlan=None):
    tag = b"" if vlan is None else struct.pack(">HH", ETHERTYPE_VLAN, vlan)
    return HOST_MAC + SENDER_MAC + tag + struct.pack(">H", ethertype)


@dataclasses.dataclass
class Frame:
    """Bytes for the wire, and what should become of them."""

    data: bytes
    flow: Flow
    ip_offset: int
    ports_offset: int
    enqueue: int
    delta: int
    length: int
    time_ns: int = None  # the switch's, of a Valinor-N frame

    def record(self, time_ns=None):
        time_ns = self.time_ns if time_ns is None else time_ns
        return self.flow.record(time_ns, self.enqueue, self.delta, self.length)

    def reflected(self):
        """MAC addresses, IP addresses and ports swapped, nothing else."""
        data = bytearray(self.data)
        for at, size in ((0, 6), (self.ip_offset + 12, 4), (self.ports_offset, 2)):
            middle, end = at + size, at + 2 * size
            data[at:end] = data[middle:end] + data[at:middle]
        return bytes(data)

    def without_telemetry(self, data=None):
        """The packet that a switch's INT sink would give to the end host."""
        data = self.data if data is None else data
        return data[:12] + struct.pack(">H", ETHERTYPE_IPV4) + data[self.ip_offset:]


# --- P4NetIntel ------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Hop:
    """One switch's trace; a layout takes of it what it has room for."""

    swid: int = 0xA1
    ingress_port: int = 0x155
    egress_port: int = 0x0AA
    enq_timestamp: int = 0x01020304
    enq_qdepth: int = 0x5A5A5
    deq_timedelta: int = 0x0A0B0C0D
    deq_qdepth: int = 0x2C3D4
    ingress_timestamp: int = 0x112233445566
    egress_timestamp: int = 0x1122334455AA
    packet_length: int = 0x64
    hop_latency: int = 0x44
    tot_packets: int = 7
    last_int_timestamp: int = 0x112233440000


_COMMON = (("swid", 32), ("ingress_port", 9), ("egress_port", 9), ("enq_timestamp", 32),
           ("enq_qdepth", 19), ("deq_timedelta", 32), ("deq_qdepth", 19),
           ("ingress_timestamp", 48), ("egress_timestamp", 48))

# COLLECT_SIZE: field (a name, or a constant) and its bits; next_proto ends each trace.
LAYOUTS = {
    0: (("swid", 8), ("ingress_port", 9), ("egress_port", 9), ("enq_timestamp", 32),
        ("enq_qdepth", 2), ("deq_timedelta", 32), ("deq_qdepth", 2), (3, 2), (0, 48), (0, 64),
        (0, 64), ("last_int_timestamp", 48), (0, 8)),
    1: (("swid", 32), ("enq_qdepth", 19), (0, 5)),
    2: _COMMON + ((0, 24),),
    3: _COMMON + (("packet_length", 64), ("hop_latency", 64), (0, 64), ("tot_packets", 64),
                  ("last_int_timestamp", 48), (0, 8)),
}
TRACE_BYTES = {0: 43, 1: 9, 2: 36, 3: 72}


def encode_trace(collect_size, hop, next_proto):
    value = bits = 0
    for field, width in LAYOUTS[collect_size] + ((next_proto, 16),):
        number = getattr(hop, field) if isinstance(field, str) else field
        value = value << width | number & (1 << width) - 1
        bits += width
    assert bits == 8 * TRACE_BYTES[collect_size]
    return value.to_bytes(bits // 8, "big")


@dataclasses.dataclass(frozen=True)
class IntHost:
    requests: int = 1
    time_ns: int = 123456789
    order: str = ">"  # "<": as the x86 eBPF program writes it
    after: int = None  # how many traces stand in front of it; None: all

    def encode(self, next_proto):
        return struct.pack(self.order + "QQ", self.requests, self.time_ns) + struct.pack(
            ">H", next_proto)


def p4netintel(collect_size, hops, flow=Flow(), *, host=None, vlan=None, options=b"", rpc_id=1,
               payload=b"abcd", monitor_copy=False, with_checksum=True, identification=1):
    """`hops` stand newest first. A monitor copy ends after the first 8 bytes of the transport."""
    out = ethernet(ETHERTYPE_INT, vlan)
    out += struct.pack(">I", len(hops))
    before_host = len(hops) if host is None or host.after is None else host.after
    for number, hop in enumerate(hops, 1):
        following = NEXT_TRACE if number < len(hops) else NEXT_IPV4
        is_host_next = host is not None and number == before_host
        out += encode_trace(collect_size, hop, NEXT_HOST if is_host_next else following)
        if is_host_next:
            out += host.encode(following)
    ip_offset = len(out)
    segment = transport(flow, struct.pack(">I", rpc_id) + payload, with_checksum)
    header = ipv4_header(flow, len(segment), options, identification=identification)
    out += header + segment
    length = len(out)
    if monitor_copy:
        out = out[:ip_offset + len(header) + 8]
    newest = hops[0] if hops else None
    enqueue = delta = 0
    if newest is not None:
        enqueue = newest.enq_qdepth if collect_size == 1 else newest.enq_timestamp
        delta = 0 if collect_size == 1 else newest.deq_timedelta
    return Frame(out, flow, ip_offset, ip_offset + len(header), enqueue, delta, length)


# --- Valinor-N -------------------------------------------------------------------------------


def valinor_n(time_ns, flow=Flow(), *, enqueue=0x1234, delta=5678, length=154, options=b"",
              vlan=None, payload=b"\0" * 60, protocol=VALINOR_PROTOCOL, ingress_mac=0):
    """A timestamp packet; IPv4's total length is the original's, as the switch leaves it."""
    out = ethernet(ETHERTYPE_IPV4, vlan)
    ip_offset = len(out)
    segment = transport(flow, payload)
    out += ipv4_header(flow, len(segment), options, protocol)
    stamps = (struct.pack(">BB", flow.protocol, 0) + ingress_mac.to_bytes(6, "big") + bytes(2)
              + time_ns.to_bytes(6, "big") + struct.pack(">II", enqueue, delta) + bytes(2)
              + bytes(6) + bytes(2) + bytes(6) + struct.pack(">H", length) + bytes(4))
    assert len(stamps) == 46
    ports_offset = len(out) + len(stamps)
    return Frame(out + stamps + segment, flow, ip_offset, ports_offset, enqueue, delta, length,
                 time_ns)


# --- Captures --------------------------------------------------------------------------------


def write_pcap(path, frames, *, nanoseconds=True, link_type=1):
    """`frames` are (time in ns, bytes) or (time in ns, bytes, length on the wire)."""
    unit = 1 if nanoseconds else 1000
    with open(path, "wb") as out:
        magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
        out.write(struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 262144, link_type))
        for time_ns, data, *wire in frames:
            seconds, rest = divmod(time_ns, 1_000_000_000)
            lengths = (len(data), *(wire or [len(data)]))
            out.write(struct.pack("<IIII", seconds, rest // unit, *lengths))
            out.write(data)


def read_pcap(path):
    """[(time in ns, bytes)] of a little-endian pcap."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    unit = {0xA1B23C4D: 1, 0xA1B2C3D4: 1000}[magic]
    frames, at = [], 24
    while at < len(data):
        seconds, rest, captured, _ = struct.unpack_from("<IIII", data, at)
        at += 16
        frames.append((seconds * 1_000_000_000 + rest * unit, data[at:at + captured]))
        at += captured
    return frames
