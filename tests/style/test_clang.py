"""clang-format and clang-tidy find nothing in any source file."""
import bisect
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VALINOR_BUILD", ROOT / "build"))

FORMATTED = sorted(p for folder in ("bench", "src", "tests") for p in (ROOT / folder).rglob("*")
                   if p.suffix in {".hpp", ".cpp"})
TIDIED = sorted((ROOT / "src").rglob("*.cpp"))


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FORMATTED, ids=name)
def test_format(path):
    done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", path],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Combined:
    """Several files of one folder as one, since nearly all of clang-tidy's time goes into headers.

    The text itself, and not #include, as the analyzer looks only at what is in the main file.
    """

    PREPROCESSED_ONCE = "-readability-duplicate-include"

    def __init__(self, paths, folder):
        self.paths = paths
        self.path = folder / (name(paths[0]).replace("/", "-"))
        lines = []
        self.starts = []
        for path in paths:
            self.starts.append(len(lines))
            lines += path.read_text().splitlines()
        self.path.write_text("\n".join(lines) + "\n")

    def origin(self, line):
        """The file and line there of a line here, counted from 1."""
        index = bisect.bisect_right(self.starts, line - 1) - 1
        return self.paths[index], line - self.starts[index]

    def findings(self):
        """What clang-tidy says about each file; what it says about a header stands at the first."""
        # GCC's warning options are not all clang's.
        done = subprocess.run(["clang-tidy-16", "-p", self.path.parent, "--quiet",
                               f"--checks={self.PREPROCESSED_ONCE}",
                               f"--config-file={ROOT / '.clang-tidy'}",
                               "--extra-arg=-Wno-unknown-warning-option", self.path],
                              capture_output=True, text=True)
        found = {path: [] for path in self.paths}
        about = self.paths[0]
        for text in done.stdout.splitlines():
            here = re.match(re.escape(str(self.path)) + r":(\d+):(.*)", text)
            if here:
                origin, line = self.origin(int(here[1]))
                text = f"{name(origin)}:{line}:{here[2]}"
                if ": error: " in text or ": warning: " in text:
                    about = origin
            found[about].append(text)
        if done.returncode != 0 and not done.stdout:
            found[about].append(done.stderr)
        return found


@pytest.fixture(scope="session")
def tidy(tmp_path_factory):
    """The findings in every file; all processors work on them."""
    if not shutil.which("clang-tidy-16"):
        pytest.skip("clang-tidy-16 is not installed")
    if not (BUILD / "compile_commands.json").exists():
        pytest.skip(f"no compile_commands.json in {BUILD}")
    commands = {(BUILD / entry["file"]).resolve(): entry["command"]
                for entry in json.loads((BUILD / "compile_commands.json").read_text())}
    folder = tmp_path_factory.mktemp("tidy")
    combined = []
    # Only what is compiled alike is put together.
    alike = itertools.groupby(TIDIED, lambda p: (p.parent, commands.get(p,"").split(" -MD ")[0].split(".p ")[0]))
    for _, paths in alike:
        paths = list(paths)
        combined += [Combined(paths[at:at + 16], folder) for at in range(0, len(paths), 16)]
    (folder / "compile_commands.json").write_text(json.dumps(
        [{"directory": str(BUILD), "file": str(one.path),
          "command": commands[one.paths[0]].rsplit(" -c ", 1)[0] + f" -c {one.path}"}
         for one in combined]))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(itertools.chain.from_iterable(
            found.items() for found in pool.map(Combined.findings, combined)))


@pytest.mark.parametrize("path", TIDIED, ids=name)
def test_tidy(path, tidy):
    assert not tidy[path], "\n".join(tidy[path])
