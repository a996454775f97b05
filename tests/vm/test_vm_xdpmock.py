"""The NICs of tests/vm/xdpmock in zero-copy: the kernel's own AF_XDP code, two queues."""

import pytest

import formats

XM1 = {("xm1", 0): "zerocopy", ("xm1", 1): "zerocopy"}


@pytest.mark.parametrize("role, done", [("collect", "consumed"), ("reflect", "transmitted")])
def test_all_that_is_sent_is_stored(xdpmock, role, done):
    count = 4000
    run = xdpmock.start("xm1", role=role)
    assert run.modes() == XM1
    assert set(xdpmock.sockets().values()) == {True}
    assert xdpmock.generate("xm0", "--queues", "all", "--flows", 16, "--pps", 20000, "--count",
                            count) == count
    xdpmock.redis.wait_for(count)
    outcome = run.stop()
    assert outcome.frames["received"] == outcome.frames[done] == count
    assert outcome.records["stored"] == len(formats.read_records(xdpmock.redis)) == count
