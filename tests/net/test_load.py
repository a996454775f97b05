"""As fast as the generator goes, on both queues: whatever is lost is counted by name."""

import re

import pytest

PACKETS = 500_000
OPTIONS = {
    "p4netintel": ("--format", "p4netintel", "--collect-size", 1, "--hops", 3, "--flows", 64),
    "valinor-n": ("--format", "valinor-n", "--flows", 64),
}


@pytest.mark.parametrize("role", ["collect", "reflect"])
@pytest.mark.parametrize("mode, traffic", [("copy", "p4netintel"), ("copy", "valinor-n"),
                                           ("skb", "p4netintel")])
def test_the_books_balance_under_load(program, redis, mode, role, traffic):
    run = program.start(f"interfaces[0].mode={mode}", f"role={role}")
    sent = program.generate(*OPTIONS[traffic], "--queues", "0,1", "--count", PACKETS)
    outcome = run.stop(status="by the books")
    assert 0 < outcome.frames["received"] <= sent <= PACKETS
    done = "consumed" if role == "collect" else "transmitted"
    assert outcome.frames[done] > 0
    assert outcome.frames["passed"] <= outcome.frames["received"]
    assert set(outcome.dropped) <= {"rx_ring_full", "rx_no_frame", "tx_full", "tx_refused",
                                    "tx_unfinished"}
    assert redis.count() == outcome.records["stored"] > 0


def test_what_the_load_cost_is_told(program, redis):
    run = program.start("role=reflect")
    sent = program.generate(*OPTIONS["valinor-n"], "--pps", 30_000, "--count", 3_000)
    redis.wait_for(sent)
    load = re.search(r"^load     ([\d,]+) bytes, ([\d.]+) Mbit/s on average; ([\d.]+) frames and "
                     r"([\d.]+) wake-ups a burst$", run.stop().stdout, re.M)
    assert int(load[1].replace(",", "")) % sent == 0
    assert int(load[1].replace(",", "")) // sent in range(60, 200)
    assert float(load[2]) > 0
    assert 1 <= float(load[3]) <= 64
    assert float(load[4]) > 0  # in copy mode nothing is sent without one


def test_at_a_modest_rate_nothing_is_lost(program, redis):
    run = program.start("role=reflect")
    sent = program.generate(*OPTIONS["valinor-n"], "--pps", 30_000, "--count", 30_000)
    redis.wait_for(30_000)
    outcome = run.stop()
    assert sent == 30_000
    assert outcome.frames == {"received": 30_000, "transmitted": 30_000, "consumed": 0, "passed": 0,
                              "dropped": 0}
    assert outcome.records == {"produced": 30_000, "stored": 30_000, "collapsed": 0, "pending": 0,
                               "lost": 0}


def test_each_line_shows_what_went_through(program, redis):
    run = program.start("observe.stats_interval=100ms")
    program.generate(*OPTIONS["valinor-n"], "--pps", 20_000, "--count", 6_000)
    redis.wait_for(6_000)
    text = run.stop().stdout
    assert text.splitlines()[0].split() == ["time", "rx", "pps", "tx", "pps", "records/s", "hops",
                                            "stored/s", "backlog", "dropped", "lost"]
