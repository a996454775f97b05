"""Sends requests with P4NetIntel traces and judges their replies; part of scripts/demo host.

    python3 client.py INTERFACE REQUESTS        exit status 1: a reply was missing or wrong
"""

import pathlib
import select
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests/net"))
import formats  # noqa: E402

LAYOUT, STEP = 3, formats.TRACE_BYTES[3]
RATE = 5000
FLOW = formats.Flow(formats.UDP, "10.78.0.9", "10.78.0.2", 4321, 7)


def path(switches):
    """Newest first; each hop took some microseconds."""
    hops = []
    for number in range(switches, 0, -1):
        at, took = 1_000_000 + 40 * number, 3 + 2 * number
        hops.append(formats.Hop(swid=number, enq_qdepth=number, deq_timedelta=took - 1,
                                ingress_timestamp=at, egress_timestamp=at + took,
                                hop_latency=took))
    return hops


def make_requests():
    """One for each length of path; id and complement are patched, so the checksum stays right."""
    return [formats.p4netintel(LAYOUT, path(switches), FLOW, rpc_id=0, payload=b"\xff" * 4)
            for switches in range(1, 7)]


def show(rpc_id, data, round_trip_ns):
    count, = struct.unpack_from(">I", data, 14)
    hops = []
    for at in range(18, 18 + count * STEP, STEP):
        switch, = struct.unpack_from(">I", data, at)
        entered, left = (int.from_bytes(data[at + i:at + i + 6], "big") for i in (19, 25))
        hops.append(f"{switch} ({left - entered} us)")
    requests, host_ns = struct.unpack_from(">QQ", data, 18 + count * STEP)
    print(f"  request {rpc_id:>5}: switches {', '.join(hops)}")
    print(f"                 host {host_ns / 1000:.1f} us of a round trip of "
          f"{round_trip_ns / 1000:.1f} us, seen {requests} time{'s' * (requests != 1)}")


def main():
    interface, total = sys.argv[1], int(sys.argv[2])
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(formats.ETHERTYPE_INT))
    wire.bind((interface, formats.ETHERTYPE_INT))
    wire.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE
    wire.setblocking(False)
    requests = make_requests()
    sent_at, answered, sent, wrong = {}, 0, 0, 0
    begin = last = time.monotonic_ns()
    while answered + wrong < total and time.monotonic_ns() - last < 5_000_000_000:
        while sent < min(total, (time.monotonic_ns() - begin) * RATE // 1_000_000_000):
            sent += 1
            frame = requests[sent % len(requests)]
            sent_at[sent] = last = time.monotonic_ns()
            wire.send(frame.data[:-8] + struct.pack(">II", sent, sent ^ 0xFFFFFFFF))
        if not select.select([wire], [], [], 0.0005)[0]:
            continue
        data = wire.recv(2048)
        last = time.monotonic_ns()
        rpc_id, = struct.unpack_from(">I", data, len(data) - 8)
        round_trip_ns = last - sent_at.pop(rpc_id)
        frame = requests[rpc_id % len(requests)]
        traces = frame.data[14:frame.ip_offset - 2] + struct.pack(">H", formats.NEXT_HOST)
        host_ns, = struct.unpack_from(">Q", data, frame.ip_offset + 8)
        if data[14:frame.ip_offset] == traces and 0 < host_ns < round_trip_ns:
            answered += 1
        else:
            wrong += 1
        if rpc_id > total - 4:
            show(rpc_id, data, round_trip_ns)
    print(f"\n  {sent} requests, {answered} replies with the very traces of their request and a "
          f"host time within the round trip, {wrong} wrong")
    sys.exit(answered != total)


main()
