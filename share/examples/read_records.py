#!/usr/bin/env python3
"""Prints the records of a NAME.npy.records file: one line a packet, one for each of its hops.

    read_records.py FILE [COUNT]

The layout is that of src/telemetry/record.hpp, version 1.
"""
import ipaddress
import struct
import sys

HEADER = struct.Struct("8sIIIII36x")
PACKET = struct.Struct("qq16s16sHHB3xQQIIIIIIIIIiIHHBB6x")
PACKET_FIELDS = (
    "received_ns switch_time_ns source destination source_port destination_port protocol "
    "host_time_ns host_requests packet_bytes frame_bytes enqueue queue_delay rpc_id flow_hash mark "
    "flags worker ring_delay_ns received_bound_ns hops_claimed hop_count format layout").split()
HOP = struct.Struct("QQQQQQIIIIIIHH4x")
HOP_FIELDS = (
    "ingress_time egress_time previous_time packet_bytes hop_latency packet_count node_id "
    "enqueue_time queue_delay enqueue_depth dequeue_depth fields ingress_port egress_port").split()
FORMATS = {1: "p4netintel", 2: "valinor_n", 3: "host_egress", 4: "valinor_entry"}


def address(raw):
    whole = ipaddress.IPv6Address(raw)
    return str(whole.ipv4_mapped or whole)


def read_records(file):
    """Each record as a dictionary; "hops" is a list of dictionaries, newest first."""
    magic, version, order, packet_bytes, hop_bytes, _ = HEADER.unpack(file.read(HEADER.size))
    if (magic, version, packet_bytes, hop_bytes) != (b"VALRECS\n", 1, PACKET.size, HOP.size):
        raise ValueError("not a file of records, or of another version")
    if order != 0x01020304:
        raise ValueError("written on a machine of another byte order")
    while len(raw := file.read(PACKET.size)) == PACKET.size:
        record = dict(zip(PACKET_FIELDS, PACKET.unpack(raw)))
        record["source"], record["destination"] = address(record["source"]), address(
            record["destination"])
        record["format"] = FORMATS.get(record["format"], record["format"])
        record["hops"] = [dict(zip(HOP_FIELDS, HOP.unpack(file.read(HOP.size))))
                          for _ in range(record["hop_count"])]
        yield record


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip())
    most = int(sys.argv[2]) if len(sys.argv) == 3 else None
    with open(sys.argv[1], "rb") as file:
        for number, record in enumerate(read_records(file)):
            if number == most:
                break
            print("{received_ns} {format} {source}:{source_port} > {destination}:"
                  "{destination_port} {packet_bytes} bytes, flags {flags:#x}".format(**record))
            for hop in record["hops"]:
                print("    switch {node_id:#x} ports {ingress_port} > {egress_port}, queue "
                      "{enqueue_depth} packets, {queue_delay}".format(**hop))


if __name__ == "__main__":
    main()
