"""clang-format and clang-tidy find nothing in any source file."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VALINOR_BUILD", ROOT / "build"))

FORMATTED = sorted(p for folder in ("src", "tests") for p in (ROOT / folder).rglob("*")
                   if p.suffix in {".hpp", ".cpp"})
TIDIED = sorted((ROOT / "src").rglob("*.cpp"))


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FORMATTED, ids=name)
def test_format(path):
    done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", path],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def tidy():
    """The findings in every file; all processors work on them."""
    if not shutil.which("clang-tidy-16"):
        pytest.skip("clang-tidy-16 is not installed")
    if not (BUILD / "compile_commands.json").exists():
        pytest.skip(f"no compile_commands.json in {BUILD}")

    def run(path):
        # GCC's warning options are not all clang's.
        done = subprocess.run(["clang-tidy-16", "-p", BUILD, "--quiet",
                               "--extra-arg=-Wno-unknown-warning-option", path],
                              capture_output=True, text=True)
        return done.returncode, done.stdout

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(TIDIED, pool.map(run, TIDIED)))


@pytest.mark.parametrize("path", TIDIED, ids=name)
def test_tidy(path, tidy):
    status, findings = tidy[path]
    assert status == 0, findings
