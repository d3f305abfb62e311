#!/usr/bin/env python3
"""Runs every example of the documents.

In a document a block of sql, sh, python, js or c is run, in a folder of its own
that holds byron.so; the text block right behind it is what it must print. All
sql blocks of a document share one database, doc.db. A statement that ends with the
comment "-- refused" must fail. Ends with "N passed, N failed".
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODE = os.environ.get("MODE", "release")
BUILD = os.path.join(ROOT, "build", MODE)


def blocks(path):
    """Yields (language, first line, text, expected or None)."""
    lines = open(path, encoding="utf-8").read().split("\n")
    found = []
    start = None
    for number, line in enumerate(lines, 1):
        fence = re.match(r"^```(\w*)$", line)
        if fence and start is None:
            start, language, text = number, fence.group(1), []
        elif fence:
            found.append((language, start, "\n".join(text) + "\n"))
            start = None
        elif start is not None:
            text.append(line)
    for i, (language, number, text) in enumerate(found):
        after = found[i + 1] if i + 1 < len(found) else ("", 0, "")
        yield language, number, text, after[2] if after[0] == "text" else None


def run(command, folder, text=None):
    result = subprocess.run(command, cwd=folder, input=text, text=True, timeout=120,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={**os.environ, "NODE_PATH": os.path.join(
                                ROOT, "build", "node", "node_modules")})
    return result.returncode, result.stdout


def run_sql(folder, text):
    """The shell's words before the message differ: keep the message."""
    refused = text.count("-- refused")
    code, out = run(["sqlite3", "-cmd", ".load ./byron", "doc.db"], folder, text)
    out, errors = re.subn(r"^.*[Ee]rror[^:]*: (.*?)( \(\d+\))?$", r"\1", out, flags=re.M)
    return errors == refused and code in (0, 1), out


def run_c(folder, text):
    with open(os.path.join(folder, "example.c"), "w", encoding="utf-8") as file:
        file.write(text)
    engine = os.path.join(ROOT, "engine")
    command = ["cc", "-std=c11", "-Wall", "-Werror", "-I" + engine, "-o", "example",
               "example.c", os.path.join(BUILD, "libbyron.a"), "-pthread"]
    missing = run(["nm", "-u", os.path.join(BUILD, "libbyron.a")], folder)[1]
    libraries = ["-l" + name for name in ("lz4", "zstd") if name.upper() in missing]
    code, out = run(command + libraries, folder)
    if code != 0:
        return False, out
    code, out = run(["./example"], folder)
    return code == 0, out


def python_with_extensions():
    for name in ("python3", "/usr/bin/python3"):
        code, _ = run([name, "-c", "import sqlite3; sqlite3.connect(':memory:')"
                       ".enable_load_extension(True)"], ROOT)
        if code == 0:
            return name
    return None


def run_block(language, folder, text):
    """True and the output, False and the output, or None and a reason."""
    if language == "sql":
        return run_sql(folder, text)
    if language == "c":
        return run_c(folder, text)
    if language == "python":
        python = python_with_extensions()
        if not python:
            return None, "no python that may load extensions"
        code, out = run([python, "-c", text], folder)
        return code == 0, out
    if language == "sh":
        code, out = run(["sh", "-e"], folder, text)
        return code == 0, out
    build = [os.path.join(ROOT, "tests", "better-sqlite3"),
             os.path.join(ROOT, "build", "node")]
    if subprocess.run(build, timeout=700).returncode != 0:
        return None, "no better-sqlite3 for node"
    code, out = run(["node", "-e", text], folder)
    return code == 0, out


def run_document(document, folder, count):
    for language, line, text, expected in blocks(document):
        if language not in ("sql", "sh", "python", "js", "c"):
            continue
        good, out = run_block(language, folder, text)
        where = "%s:%d (%s)" % (os.path.basename(document), line, language)
        if good is None:
            print("skipped: %s: %s" % (where, out))
            count["skipped"] += 1
        elif good and (expected is None or out == expected):
            count["passed"] += 1
        else:
            print("FAILED %s, it printed:\n%s" % (where, out))
            count["failed"] += 1


def main():
    documents = sys.argv[1:] or [os.path.join(ROOT, name)
                                 for name in ("README.md", "docs/sql.md",
                                              "docs/queries.md",
                                              "docs/backup.md",
                                              "docs/recovery.md",
                                              "docs/index-format.md")]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    if MODE not in ("release", "debug"):
        print("skipped: the examples are run without sanitizers")
        print("docs: 0 passed, 0 failed, 1 skipped")
        return 0
    for document in documents:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(BUILD, "byron.so"), folder)
            run_document(document, folder, count)
    print("docs: %(passed)d passed, %(failed)d failed, %(skipped)d skipped" % count)
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
