"""Records in files: for numpy, the same as in Redis; and whole, read by share/examples."""

import ast
import importlib.util
import pathlib

import formats
from test_records import make_hops
from bed import run as run_command, wait_until

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "share/examples/read_records.py"


def load_example():
    spec = importlib.util.spec_from_file_location("read_records", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_npy(path):
    """Format 1.0 of numpy's files, by its own description."""
    raw = path.read_bytes()
    assert raw[:8] == b"\x93NUMPY\x01\x00"
    start = 10 + int.from_bytes(raw[8:10], "little")
    header = ast.literal_eval(raw[10:start].decode())
    assert start % 64 == 0 and not header["fortran_order"]
    sizes = [int(kind[2:]) for _, kind in header["descr"]]
    assert all(kind.startswith(">u") for _, kind in header["descr"]) and sum(sizes) == 34
    count, = header["shape"]
    assert len(raw) == start + 34 * count
    return [formats.Record(*formats.Record.LAYOUT.unpack_from(raw, start + 34 * n))
            for n in range(count)]


def make_frames():
    hops = make_hops(18, 7)
    return [formats.valinor_n(number, formats.Flow(source_port=number)).data
            for number in range(1, 40)] + [
        formats.p4netintel(size, hops[:count], formats.Flow(source_port=1000 + 100 * size + count),
                           payload=b"").data
        for size in range(4) for count in (1, 3, 18)]


def test_files_hold_what_redis_holds(program, redis, bed, folder):
    path = folder / "out" / "{run}-{start}.npy"
    run = program.start("export.file.enabled=true", f"export.file.path={path}", "run.key=3",
                        "security.user=nobody")
    bed.send(make_frames())
    redis.wait_for(len(make_frames()), key=3)
    text = run.stop().stdout
    assert text.count(f"{len(make_frames())} produced = {len(make_frames())} stored") == 2
    assert "(redis)" in text and "(file)" in text
    entries, = (folder / "out").glob("3-*Z.npy")
    stored = formats.read_records(redis.client, key=3)
    key = lambda record: (record.time_ns, record.source_port, record.destination_port)
    assert sorted(read_npy(entries), key=key) == sorted(stored, key=key)


def test_whole_records_have_all_hops(program, bed, folder):
    path = folder / "run.npy"
    run = program.start("export.redis.enabled=false", "export.file.enabled=true",
                        f"export.file.path={path}")
    bed.send(make_frames())
    example = load_example()

    def read():
        with open(f"{path}.records", "rb") as file:
            return list(example.read_records(file))

    # A reader may come while they are written.
    wait_until(lambda: len(read()) == len(make_frames()), "all records")
    outcome = run.stop()
    assert outcome.records["stored"] == len(make_frames())
    by_port = {record["source_port"]: record for record in read()}
    for number in range(1, 40):
        assert by_port[number]["switch_time_ns"] == number
        assert by_port[number]["format"] == "valinor_n" and by_port[number]["hops"] == []
    hops = make_hops(18, 7)
    for size in range(4):
        for count in (1, 3, 18):
            record = by_port[1000 + 100 * size + count]
            assert (record["format"], record["layout"]) == ("p4netintel", size)
            assert (record["source"], record["destination"]) == ("10.0.1.1", "10.0.3.3")
            bits = 8 if size == 0 else 32  # of a switch's id
            assert [hop["node_id"] for hop in record["hops"]] == [
                hop.swid % (1 << bits) for hop in hops[:count]]
    told = run_command("python3", EXAMPLE, f"{path}.records", 3).stdout
    assert told.count("valinor_n 10.0.1.1:") == 3
    assert len(EXAMPLE.read_text().splitlines()) <= 80


def test_a_full_disk_keeps_them_waiting(program, bed, folder):
    """And both files are whole, once there is room again."""
    disk = folder / "disk"
    disk.mkdir()
    run_command("mount", "-t", "tmpfs", "-o", "size=64k", "none", disk)
    try:
        run = program.start("export.redis.enabled=false", "export.file.enabled=true",
                            f"export.file.path={disk}/run.npy")
        for _ in range(8):
            bed.send(make_frames())
        run.wait_for("refuses: ENOSPC")
        run_command("mount", "-o", "remount,size=1m", disk)
        run.wait_for("back after")
        outcome = run.stop()
        assert outcome.records["stored"] == 8 * len(make_frames())
        assert len(read_npy(disk / "run.npy")) == 8 * len(make_frames())
    finally:
        run_command("umount", "-l", disk)


def test_no_file_is_overwritten(program, folder):
    (folder / "run.npy").write_text("dear")
    outcome = program.refused("export.file.enabled=true", f"export.file.path={folder}/run.npy")
    outcome.assert_error(4, "FILE-OPEN-01", "cannot write records to ", "EEXIST", "{start}")
    assert (folder / "run.npy").read_text() == "dear"
