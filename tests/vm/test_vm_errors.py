"""What a user is told where zero-copy cannot be had."""

HOST_NOT_READY = 4


def test_zero_copy_on_a_driver_without_it(veth):
    run = veth.launch("veth0")
    outcome = run.wait()
    outcome.assert_error(HOST_NOT_READY, "XSK-ZC-01", "veth0", "veth", "EOPNOTSUPP", "mode: auto")


def test_auto_says_why_it_is_not_zero_copy(veth):
    run = veth.start({"name": "veth0", "mode": "auto"})
    assert run.modes() == {("veth0", 0): "copy"}
    assert "driver veth answered EOPNOTSUPP" in run.text()
    run.stop()
