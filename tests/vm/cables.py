"""The cables of the virtual machine's NICs. QEMU has one end of each, a stream of frames with their
lengths in front; threads of the tests carry frames from there.

A NIC never has to wait until somebody takes what it sends: QEMU 7.2 does not send any more, or
ends, where a queue was reset meanwhile. As on Ethernet, what a slow receiver leaves is dropped in
the end.
"""

import queue
import socket
import struct
import threading

_LENGTH = struct.Struct(">I")

# Frames on their way to a NIC; more than any test sends at a time.
_CAPACITY = 20_000


def _frames_from(end):
    """Until the other side is gone."""
    stream = end.makefile("rb")
    while len(head := stream.read(_LENGTH.size)) == _LENGTH.size:
        yield stream.read(_LENGTH.unpack(head)[0])


def _run(work, *arguments):
    threading.Thread(target=work, args=arguments, daemon=True).start()


class _Plug:
    """One end of a cable: what the NIC sends waits in `sent`."""

    def __init__(self, sent=None):
        self._here, self.qemu = socket.socketpair()
        self.sent = sent or queue.Queue(_CAPACITY)
        self.to_nic = queue.Queue(_CAPACITY)

    def start(self):
        """Once QEMU has its end."""
        self.qemu.close()
        _run(self._read)
        _run(self._write)

    def _read(self):
        for frame in _frames_from(self._here):
            try:
                self.sent.put_nowait(frame)
            except queue.Full:
                pass

    def _write(self):
        try:
            while True:
                frame = self.to_nic.get()
                self._here.sendall(_LENGTH.pack(len(frame)) + frame)
        except OSError:
            pass  # QEMU is gone


class Wire:
    """A cable whose other end the tests hold: whole frames, as they stand on the wire."""

    def __init__(self, patience):
        self._plug = _Plug()
        self._patience = patience
        self.plugs = (self._plug,)

    def send(self, frames):
        """Waits where there is no room: nothing is lost on the way."""
        for frame in frames:
            self._plug.to_nic.put(frame, timeout=self._patience)

    def receive(self, count):
        frames = []
        try:
            while len(frames) < count:
                frames.append(self._plug.sent.get(timeout=self._patience))
        except queue.Empty:
            raise AssertionError(f"only {len(frames)} frames of {count} came back") from None
        return frames

    def drain(self):
        """Throws away what is on the way or was not received."""
        _empty(self._plug.sent)
        _empty(self._plug.to_nic)


class Cable:
    """From one NIC to another."""

    def __init__(self):
        first = _Plug()
        second = _Plug(sent=first.to_nic)
        first.sent = second.to_nic
        self.plugs = (first, second)

    def drain(self):
        for plug in self.plugs:
            _empty(plug.to_nic)


def _empty(waiting):
    try:
        while True:
            waiting.get_nowait()
    except queue.Empty:
        pass
