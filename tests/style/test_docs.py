"""docs/ name what the code names: every error code, every counter."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sources():
    return "\n".join(p.read_text() for p in (ROOT / "src").rglob("*") if p.suffix in {".hpp", ".cpp"})


def test_every_error_code_is_explained_and_none_more():
    used = set(re.findall(r'"([A-Z]+(?:-[A-Z]+)?-\d\d)"', sources()))
    explained = set(re.findall(r"^\| ([A-Z]+(?:-[A-Z]+)?-\d\d) \|", (ROOT / "docs/errors.md").read_text(),
                               re.MULTILINE))
    assert used == explained


def test_every_counter_is_explained():
    text = (ROOT / "docs/counters.md").read_text()
    for header, array in (("src/base/drop_reason.hpp", "kNames"),
                          ("src/exporter/exporter_stats.hpp", "kNames")):
        names = re.search(array + r"\{([^}]*)\}", (ROOT / header).read_text()).group(1)
        for name in re.findall(r'"([a-z_]+)"', names):
            if name != "none":
                assert f"| {name} |" in text, name


def test_links_in_documents_lead_somewhere():
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_paths_in_the_readme_exist():
    for path in re.findall(r"`((?:src|bpf|docs|conf|tests|scripts)/[\w./-]*)`", (ROOT / "README.md").read_text()):
        assert (ROOT / path).exists(), path
