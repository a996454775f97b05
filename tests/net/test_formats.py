"""The encoder of these tests against the format's published examples: who tests the tests?"""

import pathlib

import pytest

import formats
from formats import Flow, Hop, IntHost

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "golden.txt"

WORKED_EXAMPLES = {
    0: "a1aaaa804080c110a0b0c0db0000000000000000000000000000000000000000000011223344"
       "0000001213",
    1: "000000a1b4b4a01213",
    2: "000000a1aaaa804080c12d2d285058606ac3d41122334455661122334455660000001213",
    3: "000000a1aaaa804080c12d2d285058606ac3d41122334455661122334455aa"
       "0000000000000064000000000000004400000000000000000000000000000007112233440000001213",
}


def golden_hop(collect_size, swid):
    """The values in golden.txt; layout 0 writes constants, layout 2 one time twice."""
    if collect_size == 0:
        return Hop(swid=swid, enq_qdepth=1, deq_qdepth=2)
    if collect_size == 2:
        return Hop(swid=swid, egress_timestamp=Hop.ingress_timestamp)
    return Hop(swid=swid)


def golden_frames():
    """name -> Frame of the frames in golden.txt that this program decodes."""
    frames = {}
    for collect_size in formats.LAYOUTS:
        for hops, host in ((1, None), (3, None), (9, None), (18, None), (2, IntHost())):
            name = f"p4netintel_cs{collect_size}_n{hops}{'_host' if host else ''}"
            stack = [golden_hop(collect_size, swid) for swid in range(hops, 0, -1)]
            frames[name] = formats.p4netintel(collect_size, stack, host=host, with_checksum=False)
    frames["valinor_n_fd"] = formats.valinor_n(
        1_000_000_123, Flow(formats.TCP, "10.0.0.1", "10.0.0.2", 5001, 80))
    return frames


def read_golden():
    lines = (line.split("\t") for line in GOLDEN.read_text().splitlines() if line)
    return {name: bytes.fromhex(data) for _, name, _, data in lines}


@pytest.mark.parametrize("collect_size", formats.LAYOUTS)
def test_a_trace_equals_the_worked_example(collect_size):
    hop = golden_hop(collect_size, 0xA1)
    assert formats.encode_trace(collect_size, hop, formats.NEXT_TRACE).hex() == (
        WORKED_EXAMPLES[collect_size])


@pytest.mark.parametrize("name", [n for n in golden_frames() if n.startswith("p4netintel")])
def test_a_frame_equals_the_golden_one(name):
    assert golden_frames()[name].data == read_golden()[name]


@pytest.mark.parametrize("flow, key", [
    (Flow(6, "10.0.0.1", "10.0.0.2", 5001, 80), 0xA0911986),
    (Flow(6, "10.0.0.2", "10.0.0.1", 80, 5001), 0x23FF0503),
    (Flow(17, "10.0.1.1", "10.0.3.3", 8080, 8080), 0x0569C1EE),
    (Flow(17, "192.168.1.10", "192.168.1.20", 1234, 4321), 0x68635C39),
    (Flow(6, "255.255.255.255", "255.255.255.255", 65535, 65535), 0x1C81BEE7),
    (Flow(0, "0.0.0.0", "0.0.0.0", 0, 0), 0xA8A94C83),
])
def test_a_connection_key_equals_the_published_vector(flow, key):
    assert flow.key() == key


def test_a_record_equals_the_published_example():
    frame = golden_frames()["valinor_n_fd"]
    member = b"000000003b9aca7b000012340000162e009aa09119860a0000010a00000213890050"
    assert formats.Record.parse(member) == frame.record()
