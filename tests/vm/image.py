"""The virtual machine's file system, which the kernel unpacks into memory (an initramfs).

Busybox, the kernel modules that are needed, programs of this machine with their libraries.
"""

import lzma
import os
import pathlib
import re
import shutil
import subprocess


class Image:
    """Files by their path in the virtual machine."""

    def __init__(self):
        self._entries = {}

    def add(self, path, data, mode=0o644):
        self._add_folders(path)
        self._entries[path] = (0o100000 | mode, data)

    def folder(self, path):
        self._add_folders(path + "/_")

    def add_program(self, program, path=None):
        """A program of this machine, with the libraries that it is linked with."""
        source = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin") or program
        self.add(path or f"/bin/{pathlib.Path(program).name}", pathlib.Path(source).read_bytes(),
                 0o755)
        listed = subprocess.run(["ldd", source], check=True, text=True, capture_output=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            self.add(library, pathlib.Path(library).read_bytes(), 0o755)

    def _add_folders(self, path):
        """Those above `path`, from the top; the kernel makes none by itself."""
        for parent in reversed(pathlib.PurePosixPath(path).parents[:-1]):
            self._entries.setdefault(str(parent), (0o040755, b""))

    def write(self, path):
        """As a cpio archive of the kind "newc" (linux/Documentation/driver-api/early-userspace/
        buffer-format.rst); not compressed: unpacking would cost more than it saves."""
        with open(path, "wb") as out:
            for number, (name, (mode, data)) in enumerate([*self._entries.items(),
                                                           ("/TRAILER!!!", (0, b""))]):
                name = name.lstrip("/").encode() + b"\0"
                fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
                header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
                for part in (header, data):
                    out.write(part + bytes(-len(part) % 4))


class Modules:
    """The kernel's modules, each after those that it depends on."""

    def __init__(self, fetched):
        self._folder = next((fetched / "kernel").glob("**/lib/modules/*/kernel"))
        self._files = {path.name.split(".")[0].replace("-", "_"): path
                       for path in self._folder.rglob("*.ko*")}
        self.in_order = {}  # name: contents

    def add(self, name):
        """A module of the kernel's package; nothing where it is built in."""
        if name in self._files:
            path = self._files[name]
            data = path.read_bytes()
            self.add_data(name, lzma.decompress(data) if path.suffix == ".xz" else data)

    def add_data(self, name, data):
        if name in self.in_order:
            return
        depends = re.search(rb"\0depends=([^\0]*)\0", data)[1].decode()
        for needed in filter(None, depends.split(",")):
            self.add(needed.replace("-", "_"))
        self.in_order[name] = data


def make(path, fetched, programs, modules):
    """Writes the image; `modules` are names, or names with the contents of a .ko file."""
    image = Image()
    for folder in ("/dev", "/proc", "/sys", "/tmp", "/run", "/sbin"):
        image.folder(folder)
    image.add("/bin/busybox", (fetched / "qemu/bin/busybox").read_bytes(), 0o755)
    image.add_program("dash", "/bin/sh")
    for script in ("init", "agent"):
        source = pathlib.Path(__file__).parent / "guest" / script
        image.add(f"/{script}", source.read_bytes(), 0o755)
    for program in programs:
        image.add_program(program)
    needed = Modules(fetched)
    for name, data in modules.items():
        needed.add(name) if data is None else needed.add_data(name, data)
    for number, (name, data) in enumerate(needed.in_order.items()):
        image.add(f"/modules/{number:02}-{name}.ko", data)
    image.write(path)
