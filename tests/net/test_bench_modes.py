"""The modes of `bench` that measure no link: what they count agrees with what was sent and stored,
their reports can be compared, and nothing of theirs is left behind. No figure is judged."""

import json
import signal

import pytest

from bed import BINARY, Bed, Outcome, Run, run as run_command, wait_until

USAGE, HOST_NOT_READY, COMPARISON_FAILED = 2, 4, 7


def is_spread(figure):
    return 0 < figure["min"] <= figure["median"] <= figure["max"]


def run_bench(*words, check=True):
    done = run_command(BINARY, *words, check=False)
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    assert not check or outcome.status == 0, outcome.stderr
    return outcome


def report_of(*words):
    report = json.loads(run_bench(*words, "--json").stdout)
    assert report["format"] == 2
    assert {"date", "program", "kernel", "processor"} <= set(report["environment"])
    return report


# --- rx --------------------------------------------------------------------------------------


@pytest.fixture
def start_rx(bed):
    """start_rx(options ...): `bench rx` in the program's namespace, that waits for packets."""
    started = []

    def start(*options, sets=()):
        words = ["ip", "netns", "exec", bed.host, BINARY, *sets, "bench", "rx",
                 Bed.host_interface, *options]
        started.append(Run([str(word) for word in words]))
        return started[-1].wait_for("ready")

    yield start
    for run in started:
        if run.is_running():
            run.kill9()


@pytest.mark.parametrize("kind", ["p4netintel", "valinor-n"])
def test_rx_counts_all_that_was_sent(bed, program, start_rx, kind):
    rx = start_rx("--trial", "500ms", "--repeat", 1, "--json", sets=("-c", program.config))
    sent = program.generate("--format", kind, "--count", 3000, "--pps", 20_000, "--flows", 8)
    outcome = rx.wait()
    assert outcome.status == 0, outcome.stderr
    report = json.loads(outcome.stdout)
    assert report["mode"] == "rx"
    # mode: copy, as the configuration has it.
    assert report["environment"]["receives"] == "veth-host: veth, 2 queues, copy"
    case, = report["cases"]
    assert case["received"] == case["records"] == sent == 3000
    assert [case[name] for name in ("malformed", "ring_full", "rx_ring_full", "rx_no_frame")] == [0] * 4
    assert not bed.has_xdp_program()


def test_rx_balances_under_a_flood(program, start_rx):
    """Rings of the smallest size: whatever finds no room is counted."""
    rings = "{rx: 64, fill: 64, tx: 64, completion: 64}"
    rx = start_rx("--trial", "1s", "--repeat", 1, "--json",
                  sets=("-c", program.config, "--set", f"interfaces[0].rings={rings}"))
    sent = program.generate("--count", 100_000, "--hops", 9, "--flows", 8)
    outcome = rx.wait()
    assert outcome.status == 0, outcome.stderr
    case, = json.loads(outcome.stdout)["cases"]
    assert case["received"] + case["rx_ring_full"] + case["rx_no_frame"] == sent == 100_000
    assert case["received"] == case["records"] > 0


def test_rx_measures_a_load_and_ends_at_a_signal(bed, program, start_rx):
    rx = start_rx("--trial", "100ms", "--repeat", 99, "--json",
                  sets=("--set", "telemetry.max_hops=2"))
    load = program.generating("--pps", 20_000, "--hops", 3)
    wait_until(lambda: bed.received() > 10_000, "packets of several trials")
    rx.send_signal(signal.SIGINT)
    outcome = rx.wait()
    load.send_signal(signal.SIGINT)
    load.wait()
    assert outcome.status == 0, outcome.stderr
    case, = json.loads(outcome.stdout)["cases"]
    for name in ("packets_per_second", "bytes_per_second", "records_per_second", "hops_per_second",
                 "cycles_per_packet", "busy_percent"):
        assert is_spread(case[name]), name
    # --set telemetry.max_hops=2 of three.
    assert case["hops_per_second"]["median"] == pytest.approx(
        2 * case["records_per_second"]["median"], rel=0.01)


def test_rx_where_nothing_comes(bed, start_rx):
    rx = start_rx("--wait", "500ms")
    bed.send([bytes.fromhex("020000000001020000000002") + b"\x88\xb5" + bytes(50)])
    rx.wait().assert_error(HOST_NOT_READY, "BENCH-RX-01", "came meanwhile: 1", "valinor-afxdp gen")


# --- decode ----------------------------------------------------------------------------------


def test_decode_without_options_tries_all_layouts():
    report = report_of("bench", "decode", "--trial", "10ms", "--repeat", 1)
    cases = {case["name"]: case for case in report["cases"]}
    assert len(cases) == 4 * 5 + 1
    for trace, frame in ((9, 630), (36, 2358), (43, 2806), (72, 4662)):
        case = cases[f"p4netintel, 64 x {trace} bytes, {frame} in all"]
        assert is_spread(case["ns_per_packet"]) and is_spread(case["cycles_per_packet"])
    assert "valinor-n, 92 bytes" in cases


@pytest.mark.parametrize("options, names", [
    (("--hops", 5, "--collect-size", 2, "--int-host"), ["p4netintel, 5 x 36 bytes, 252 in all"]),
    (("--format", "valinor-n", "--flows", 100), ["valinor-n, 92 bytes"]),
    (("--hops", 0, "--collect-size", 1), ["p4netintel, 0 x 9 bytes, 54 in all"])])
def test_decode_of_what_was_asked_for(options, names):
    report = report_of("bench", "decode", "--trial", "10ms", "--repeat", 2, *options)
    assert [case["name"] for case in report["cases"]] == names


def test_decode_against_an_earlier_report(tmp_path):
    words = ("bench", "decode", "--hops", 3, "--collect-size", 1, "--trial", "10ms")
    report = report_of(*words)
    baseline = tmp_path / "before.json"

    def compare(nanos, name=report["cases"][0]["name"]):
        report["cases"][0]["name"] = name
        report["cases"][0]["ns_per_packet"]["median"] = nanos
        baseline.write_text(json.dumps(report))
        return run_bench(*words, "--compare", baseline, check=False)

    worse = compare(0.001)
    assert worse.status == COMPARISON_FAILED and "worse" in worse.stdout
    better = compare(1e9)
    assert better.status == 0 and "ns/packet" in better.stdout
    compare(1, name="another").assert_error(USAGE, "BENCH-COMPARE-02", "none of the cases")


# --- stamp -----------------------------------------------------------------------------------


def test_stamp():
    report = report_of("--set", "timestamp.clock=monotonic", "bench", "stamp", "lo", "--trial",
                       "50ms", "--repeat", 2)
    assert report["environment"]["clock"].startswith("monotonic")
    assert "invariant" in report["environment"]["tsc"]
    assert "no clock (PHC)" in report["environment"]["nic"]
    readings, published = report["cases"]
    for name in ("tsc_ns", "clock_gettime_ns", "to_host_ns"):
        assert is_spread(readings[name]), name
    assert is_spread(published["bound_ns"]) and published["looks"] > 0


def test_stamp_of_a_nic_that_is_not_there():
    run_bench("bench", "stamp", "nothere", check=False).assert_error(HOST_NOT_READY, "IF-NAME-01")


# --- export ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["valinor-zset", "stream"])
def test_export_to_redis_leaves_nothing_behind(redis, form):
    redis.client.zadd("4294967295", {"a run's": 1})
    report = report_of("--set", f"export.redis.url={redis.url}", "--set",
                       f"export.redis.format={form}", "bench", "export", "--records", 20_000,
                       "--repeat", 2)
    case, = report["cases"]
    assert case["name"] == ("redis, stream" if form == "stream" else "redis, sorted set")
    assert case["stored"] == 2 * 20_000
    for name in ("records_per_second", "cpu_ns_per_record", "bytes_per_record"):
        assert is_spread(case[name]), name
    assert case["bytes_per_record"]["median"] > 34
    assert redis.client.keys("*") == [b"4294967295"]


def test_export_writes_to_no_key_that_is_there(redis):
    redis.client.zadd("5", {"a run's": 1})
    refused = run_bench("--set", f"export.redis.url={redis.url}", "bench", "export", "--key", 5,
                        check=False)
    refused.assert_error(HOST_NOT_READY, "BENCH-KEY-01", "--key N", "redis-cli unlink 5")
    assert redis.client.zcard("5") == 1


def test_export_stopped_half_way_leaves_nothing_behind(redis):
    run = Run([str(BINARY), "--set", f"export.redis.url={redis.url}", "bench", "export",
               "--records", "1000000000"])
    wait_until(lambda: redis.client.zcard("4294967295:bench") > 20_000, "the first records")
    run.send_signal(signal.SIGINT)
    outcome = run.wait()
    assert outcome.status == 0, outcome.stderr
    assert redis.client.keys("*") == []


def test_export_to_files_and_to_nowhere(folder):
    where = folder / "made" / "{run}" / "{start}.npy"
    report = report_of("--set", "export.redis.enabled=false", "--set", "export.file.enabled=true",
                       "--set", f"export.file.path={where}", "bench", "export", "--records",
                       10_000, "--hops", 2, "--repeat", 1)
    case, = report["cases"]
    assert (case["name"], case["stored"]) == ("file", 10_000)
    assert case["bytes_per_record"]["median"] == pytest.approx(34 + 128 + 2 * 80, abs=1)
    assert list(folder.iterdir()) == []
    nowhere = report_of("--set", "export.redis.enabled=false", "bench", "export", "--records",
                        10_000, "--repeat", 1)
    case, = nowhere["cases"]
    assert case["name"] == "no store" and "bytes_per_record" not in case


def test_export_without_its_server(folder):
    gone = run_bench("--set", f"export.redis.url=unix://{folder}/none.sock?db=0", "bench",
                     "export", check=False)
    gone.assert_error(HOST_NOT_READY, "BENCH-STORE-01", "none.sock")
