"""run --json: what programs read on stdout."""

import json
import re
import signal

import pytest

import bed as beds
import formats
from bed import Bed, wait_until


OTHER = formats.ethernet(0x88B5) + bytes(46)  # of the types left for experiments


def events(text):
    """Each line by itself; anything else on stdout is a mistake."""
    return [json.loads(line) for line in text.splitlines()]


def stop(run):
    run.send_signal(signal.SIGINT)
    outcome = run.wait()
    return outcome, events(outcome.stdout)


@pytest.fixture
def ended(program, bed, redis):
    """A run that has taken ten packets of telemetry and three of others."""
    run = program.start("interfaces[0].mode=auto", "run.name=caf\u00e9 \"x\"", options=["--json"])
    bed.send([formats.valinor_n(number).data for number in range(10)] +
             [OTHER] * 3)
    redis.wait_for(10)

    def told():
        complete = run.text("stdout").rpartition("\n")[0]
        return any(event.get("stored") == 10 for event in events(complete))
    wait_until(told, "statistics of all records")
    return stop(run)


def test_it_begins_and_ends_as_documented(ended):
    names = [event["event"] for event in ended[1]]
    assert names[:4] == ["start", "queue", "queue", "ready"]
    assert names[-2:] == ["stopping", "books"]
    assert set(names[4:-2]) == {"stats"}


def test_the_start_says_what_runs(ended):
    start = ended[1][0]
    assert start == {"event": "start", "schema": 1, "version": start["version"], "key": 0,
                     "name": "caf\u00e9 \"x\"", "role": "collect"}


def test_each_queue_says_what_was_asked_for_and_obtained(ended):
    outcome, told = ended
    lines = re.findall(r"veth-host +veth, queue (\d) on (.*): mode auto asked, (\w+) obtained; (.*)",
                       outcome.stderr)
    assert len(lines) == 2
    for event, (queue, cpu, obtained, why) in zip(told[1:3], lines):
        cpu = int(cpu.removeprefix("CPU ")) if cpu.startswith("CPU ") else None
        assert event == {"event": "queue", "interface": Bed.host_interface, "queue": int(queue),
                         "driver": "veth", "cpu": cpu, "asked": "auto", "obtained": obtained,
                         "why": why, "filter_on_nic": False, "busy_polling": False,
                         "several_frames": False}


def test_statistics_only_grow(ended):
    stats = [event for event in ended[1] if event["event"] == "stats"]
    for earlier, later in zip(stats, stats[1:]):
        assert earlier["seconds"] < later["seconds"]
        for name in ("received", "transmitted", "records", "stored", "dropped", "lost"):
            assert earlier[name] <= later[name]
    assert {name: stats[-1][name] for name in ("received", "records", "stored", "lost")} == {
        "received": 10, "records": 10, "stored": 10, "lost": 0}


def test_the_books_are_those_of_the_text(ended):
    outcome, told = ended
    books = told[-1]
    assert told[-2] == {"event": "stopping", "why": "SIGINT"}
    assert books["frames"] == {"received": 13, "transmitted": 0, "consumed": 10, "passed": 3,
                               "dropped": {}, "balanced": True}
    assert books["records"] == [{"stores": "", "produced": 10, "recovered": 0, "stored": 10,
                                 "collapsed": 0, "pending": 0, "on_disk": 0, "lost": {},
                                 "balanced": True}]
    assert books["exit_status"] == outcome.status == 0
    assert "tap" not in books


def test_losses_are_named(program, bed, redis):
    run = program.start("other=drop", options=["--json"])
    bed.send([OTHER] * 5)
    outcome, told = stop(run)
    assert told[-1]["frames"]["dropped"] == {"unwanted": 5}


def test_it_is_a_key_as_well_and_taps_have_it(bed, program):
    words = program.command("observe.output=json")
    at = words.index("run")
    at_config = words.index("-c")
    run = beds.Run([*words[:at_config], *words[at_config + 2:at], "--set",
                    f"export.redis.url={program.server.url}", "tap", "-i", Bed.host_interface,
                    "-k", "0"])
    try:
        run.wait_for("ready")
        outcome, told = stop(run)
    finally:
        if run.is_running():
            run.kill9()
    assert [event["event"] for event in told] == ["start", "ready", "stopping", "books"]
    assert told[-1]["tap"]["balanced"] and outcome.status == 0


def test_a_start_that_fails_says_nothing_on_stdout(program):
    outcome = program.refused("interfaces[0].name=nosuch0", options=["--json"])
    assert outcome.stdout == ""
    outcome.assert_error(4, "IF-NAME-01")
