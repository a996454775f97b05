#!/usr/bin/env python3
"""Prints the records of a run's stream in Redis (export.redis.format: stream): one line a packet.

    read_stream.py [--follow] [URL [RUN]]        default: redis://127.0.0.1:6379/0 0

--follow waits for more, as a live consumer does, until Ctrl-C. Needs python3-redis. Each entry of
the stream <RUN>:stream has the fields v, which is 1, and r: a block of records, which is what a
NAME.npy.records file is, so read_records.py reads it. With several servers there is a stream on
each; in a Redis Cluster there is one for each shard, <RUN>:stream:{0} and so on: give such a name
as RUN.
"""
import io
import sys

import redis

from read_records import read_records

ENTRIES = 64  # asked for at a time; each holds up to export.redis.batch.records records


def read_stream(server, key, after="0", follow=False):
    """Each entry's id and its records, from the first entry behind the id `after`."""
    while True:
        if follow:
            found = server.xread({key: after}, count=ENTRIES, block=1000)
            entries = found[0][1] if found else []
        else:
            entries = server.xrange(key, min="(" + after if after != "0" else "-", count=ENTRIES)
            if not entries:
                return
        for entry_id, fields in entries:
            after = entry_id.decode()
            if fields.get(b"v") != b"1":
                raise ValueError(f"{key} {after} is of another version")
            yield after, list(read_records(io.BytesIO(fields[b"r"])))


def main():
    words = [word for word in sys.argv[1:] if word != "--follow"]
    if len(words) > 2 or any(word.startswith("-") for word in words):
        sys.exit(__doc__.strip())
    url, run = (words + ["redis://127.0.0.1:6379/0", "0"][len(words):])[:2]
    key = run if ":" in run else run + ":stream"
    server = redis.Redis.from_url(url)
    try:
        for _, records in read_stream(server, key, follow="--follow" in sys.argv):
            for record in records:
                print("{received_ns} {format} {source}:{source_port} > {destination}:"
                      "{destination_port} {packet_bytes} bytes".format(**record),
                      *("{node_id:#x}:{enqueue_depth}".format(**hop) for hop in record["hops"]))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
