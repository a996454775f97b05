#!/usr/bin/env python3
"""Collects the results of scripts/test, which are JUnit XML files, one for each test program.

results.py check FILE NAME STATUS LOG    add a failure where the program died without saying which
results.py status FILE NAME STATUS LOG   write one result from an exit status
results.py failure FILE NAME MESSAGE     write one failure
results.py summary FOLDER                list failures and skips; last line: N passed, N failed, N skipped
"""
import pathlib
import sys
import xml.etree.ElementTree as xml


def write(path, name, failure=None):
    suite = xml.Element("testsuite", name=name)
    case = xml.SubElement(suite, "testcase", classname=name, name=name)
    if failure:
        xml.SubElement(case, "failure", message=failure)
    xml.ElementTree(suite).write(path)


def failed(case):
    return case.find("failure") is not None or case.find("error") is not None


def skipped(case):
    return case.find("skipped") is not None or case.get("status") == "notrun"


def cases_of(path):
    return list(xml.parse(path).getroot().iter("testcase"))


def check(path, name, status, log):
    """A program that was killed, or failed without a failing test, counts as one failure."""
    path = pathlib.Path(path)
    known = path.exists() and any(failed(case) for case in cases_of(path))
    ran = path.exists() and cases_of(path)
    if (status == 0 and ran) or known:
        return
    dead = path.with_name(path.stem + "-died.xml")
    write(dead, name, f"exit status {status}, see {log}")
    print("\n".join(pathlib.Path(log).read_text(errors="replace").splitlines()[-15:]))


def reason(case):
    skip = case.find("skipped")
    text = skip.get("message") or (skip.text or "") if skip is not None else "disabled"
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def summary(folder):
    passes, failures, skips = 0, [], []
    for path in sorted(pathlib.Path(folder).glob("*.xml")):
        for case in cases_of(path):
            name = f"{path.stem}: {case.get('classname')}.{case.get('name')}"
            if failed(case):
                failures.append(name)
            elif skipped(case):
                skips.append(f"{name}: {reason(case)}")
            else:
                passes += 1
    for name in skips:
        print("skipped ", name)
    for name in failures:
        print("FAILED  ", name)
    tail = f", {len(skips)} skipped" if skips else ""
    print(f"{passes} passed, {len(failures)} failed{tail}")
    return 0 if passes and not failures else 1


def main(command, *rest):
    if command == "check":
        check(rest[0], rest[1], int(rest[2]), rest[3])
    elif command == "status":
        write(rest[0], rest[1], None if rest[2] == "0" else f"exit status {rest[2]}, see {rest[3]}")
    elif command == "failure":
        write(rest[0], rest[1], rest[2])
    elif command == "summary":
        return summary(*rest)
    return 0


sys.exit(main(*sys.argv[1:]))
