"""`bench reflect` and `bench forward` against a reflector and a forwarder of our own: what they say
of losses, order and delays agrees with what those have counted."""

import json

import pytest

from bed import BINARY, Bed, run as run_command

USAGE, HOST_NOT_READY, COMPARISON_FAILED = 2, 4, 7


def bench(bed, *options, mode="reflect", check=True):
    return run_command("ip", "netns", "exec", bed.gen, BINARY, "bench", mode, Bed.gen_interface,
                       "--trial", "100ms", *options, check=check)


@pytest.mark.parametrize("layout", [("--format", "p4netintel", "--flows", 8),
                                    ("--format", "valinor-n", "--payload", 101)])
def test_at_a_rate_all_comes_back_in_order(program, bed, layout):
    run = program.start("role=reflect", "export.redis.enabled=false")
    report = json.loads(bench(bed, "--pps", 20_000, "--json", *layout).stdout)
    outcome = run.stop()
    point, = report["delays"]
    assert (report["format"], report["mode"]) == (2, "reflect")
    assert point["sent"] == point["received"] > 0
    assert (point["lost"], point["reordered"], point["duplicated"]) == (0, 0, 0)
    assert 0 < point["min_ns"] <= point["p50_ns"] <= point["p99_ns"] <= point["max_ns"]
    assert "throughput_pps" not in report
    # More by what was sent until the first one came.
    assert outcome.frames["transmitted"] >= point["sent"]


def test_search_delays_bursts_and_a_page(program, bed, folder):
    program.start("role=reflect", "export.redis.enabled=false")
    page = folder / "bench.html"
    report = json.loads(bench(bed, "--repeat", 1, "--json", "--html", page).stdout)
    throughput = report["throughput_pps"]
    assert throughput["min"] == throughput["median"] == throughput["max"] > 0
    assert [point["load"] for point in report["delays"]] == [0.1, 0.5, 0.9]
    assert page.read_text().count("<polyline") == 3


def test_from_one_interface_to_another(program, bed):
    """A second pair of veth, and the program forwards in between."""
    for namespace, name in ((bed.host, "veth-out"), (bed.gen, "veth-back")):
        if namespace == bed.host:
            run_command("ip", "-n", bed.host, "link", "add", name, "type", "veth", "peer", "name",
                        "veth-back", "netns", bed.gen)
        run_command("ip", "-n", namespace, "link", "set", name, "up")
    program.start("role=sink", "interfaces[0].queues=[0]", "forward.to=veth-out",
                  "export.redis.enabled=false")
    done = bench(bed, "--receive", "veth-back", "--pps", 5000, "--queues", 0, "--json",
                 mode="forward")
    report = json.loads(done.stdout)
    point, = report["delays"]
    assert report["mode"] == "forward"
    assert point["sent"] == point["received"] > 0


def test_worse_than_before_is_another_exit_status(program, bed, folder):
    program.start("role=reflect", "export.redis.enabled=false")
    before = bench(bed, "--repeat", 1, "--json").stdout
    baseline = folder / "before.json"
    report = json.loads(before)
    report["throughput_pps"]["median"] *= 1000
    baseline.write_text(json.dumps(report))
    worse = bench(bed, "--repeat", 1, "--compare", baseline, check=False)
    assert worse.returncode == COMPARISON_FAILED, worse.stdout + worse.stderr
    assert "worse" in worse.stdout
    report["throughput_pps"]["median"] = 1
    report["burst_packets"] = 0
    report["delays"] = []
    baseline.write_text(json.dumps(report))
    better = bench(bed, "--repeat", 1, "--compare", baseline)
    assert "throughput, pps" in better.stdout


def test_where_nothing_comes_back(bed):
    done = bench(bed, check=False)
    assert done.returncode == HOST_NOT_READY
    assert "BENCH-RETURN-01" in done.stderr and "role=reflect" in done.stderr


@pytest.mark.parametrize("text, why", [
    (None, "ENOENT"), ("{}", "format"), ("no JSON", "parse"),
    ('{"format": 1}', "its format is 1, not 2"),
    ('{"format": 2, "mode": "decode"}', "it is of bench decode, and this is bench reflect")])
def test_a_baseline_that_is_none(bed, folder, text, why):
    """Said before anything is measured: nobody is there to send packets back."""
    baseline = folder / "before.json"
    if text is not None:
        baseline.write_text(text)
    done = bench(bed, "--pps", 1000, "--compare", baseline, check=False)
    assert done.returncode == USAGE
    assert "BENCH-COMPARE-0" in done.stderr and why in done.stderr
    assert "bench reflect veth-gen --json >" in done.stderr
