#!/usr/bin/python3
"""Runs the examples of docs/server.md as they stand there, against byrond.

Usage: examples.py BYROND NODE_MODULES        (run by test_server.sh)
A block of python, js or sh is run, in a folder that has server/ in it, and the socket
byron.sock; a block of go is written to example.go, which the next of sh runs. The
text block right behind is what it must print. A language that is not here is
skipped, and said.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT + "/tests/docs")
from test_readme import blocks  # pylint: disable=wrong-import-position

DOCUMENT = ROOT + "/docs/server.md"
NEEDED = {"python": "/usr/bin/python3", "sh": "sh", "js": "node", "go": "go"}


def run_block(language, folder, text, environment):
    """Whether it ended well, and what it printed."""
    if language == "go":
        with open(folder + "/example.go", "w") as file:
            file.write(text)
        return True, ""
    command = {"python": [NEEDED["python"], "-c", text], "sh": ["sh", "-e", "-c", text],
               "js": ["node", "-e", text]}[language]
    ended = subprocess.run(command, cwd=folder, text=True, timeout=300, env=environment,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    return ended.returncode == 0, ended.stdout


def is_missing(language, text, modules):
    """What is not here for this block, or None."""
    if language == "js" and not os.path.exists(modules + "/@grpc/grpc-js"):
        return "@grpc/grpc-js"
    if language == "go" or "go_out" in text or "go run" in text:
        return None if shutil.which("protoc-gen-go-grpc") else "grpc-go"
    return None if shutil.which(NEEDED[language]) else NEEDED[language]


def run_document(byrond, folder, modules):
    environment = {**os.environ, "NODE_PATH": modules,
                   "PATH": os.path.dirname(byrond) + ":" + os.environ["PATH"],
                   "GOCACHE": ROOT + "/build/go", "no_proxy": "*"}
    passed = failed = 0
    for language, line, text, expected in blocks(DOCUMENT):
        if language not in NEEDED:
            continue
        where = "server.md:%d (%s)" % (line, language)
        missing = is_missing(language, text, modules)
        if missing:
            print("skipped: %s: %s is not there" % (where, missing))
            continue
        good, out = run_block(language, folder, text, environment)
        if good and (expected is None or language == "go" or out == expected):
            passed += 1
        else:
            print("FAILED %s, it printed:\n%s" % (where, out))
            failed += 1
    return passed, failed


def main():
    byrond, modules = (os.path.abspath(path) for path in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(ROOT + "/server", folder + "/server")
        os.makedirs(folder + "/go/src")
        process = subprocess.Popen(
            [byrond, "--store=store", "--database=data.db", "--listen=unix:byron.sock"],
            cwd=folder, stdout=subprocess.PIPE)
        for line in process.stdout:
            if line == b"ready\n":
                break
        passed, failed = run_document(byrond, folder, modules)
        process.send_signal(signal.SIGTERM)
        failed += process.wait(timeout=20) != 0
    print("examples: %d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
