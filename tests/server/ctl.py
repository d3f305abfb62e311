#!/usr/bin/python3
"""byronctl against byrond: answers, files, progress, Ctrl-C, secrets, ends.

Covers: byronctl, link, keys_command, range_command, load_command.
Covers: query_command, stats_command, requester, client.
Usage: ctl.py BYROND BYRONCTL        (run by test_server.sh)
"""
import json
import os
import pty
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

from secure import READ, WRITE, Server, make_certificates
from clients import run_cases, start

DONE, ABSENT, USAGE, REFUSED, LOST, FILE, STOPPED = 0, 1, 2, 3, 4, 5, 130
SEED = int(os.environ.get("BYRON_SEED", time.time_ns()))
EMPTY = {name: value for name, value in os.environ.items()
         if not name.startswith("BYRON_")}


class Ctl:
    """A server, and byronctl for it."""

    def __init__(self, byrond, path, folder, *more):
        self.byrond, self.path, self.folder, self.more = byrond, path, folder, more
        self.server, self.address = None, None
        self.begin()

    def begin(self):
        self.server, port = start(self.byrond, "--store=%s/store" % self.folder,
                                  "--database=%s/data.db" % self.folder, *self.more)
        self.address = "127.0.0.1:%d" % port

    def end(self, number=signal.SIGTERM):
        self.server.send_signal(number)
        return self.server.wait(timeout=20)

    def command(self, *arguments):
        return [self.path, "--server=" + self.address, *arguments]

    def open(self, *arguments, **more):
        # Without a buffer: communicate() would not see what is in it.
        return subprocess.Popen(self.command(*arguments), env=EMPTY, bufsize=0,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def run(self, *arguments, text=b"", **environment):
        """Exit code, output, errors."""
        ended = subprocess.run(self.command(*arguments), input=text, timeout=60,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**EMPTY, **environment})
        return ended.returncode, ended.stdout, ended.stderr

    def good(self, *arguments, text=b""):
        code, out, errors = self.run(*arguments, text=text)
        assert code == DONE, (arguments, code, errors)
        return out

    def fails(self, code, words, *arguments, text=b"", **environment):
        got, out, errors = self.run(*arguments, text=text, **environment)
        assert got == code and words in errors, (arguments, got, out, errors)
        return errors


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def some_rows(dice, count):
    """Rows with keys and values of any bytes."""
    def some(most):
        kinds = [b"\t\n\r\\\",{}x' ", "\u00e4\u20ac\u0085".encode(), bytes(range(256))]
        kind = dice.choice(kinds)
        return bytes(dice.choice(kind) for _ in range(dice.randint(1, most)))
    return {b"%06d" % i + some(20): some(200) for i in range(count)}


# --- What is tried -----------------------------------------------------------

def keys(ctl):
    ctl.fails(ABSENT, b"no such key", "get", "k")
    assert ctl.good("put", "k", "v") == b""
    assert ctl.good("get", "k") == b"v\n"
    assert ctl.good("get", "--raw", "k") == b"v"
    assert ctl.good("put", "k2", text=b"\0\xff\n") == b""
    assert ctl.good("get", "k2", "--raw") == b"\0\xff\n"
    assert ctl.good("get", "--as=hex", "6b32") == b"00ff0a\n"
    assert ctl.good("get", "--as=base64", "azI=") == b"AP8K\n"
    assert ctl.good("put", "--as=hex", "6b33", "c3a4") == b""
    assert ctl.run("get", "k3", "no", "k")[:2] == (ABSENT, "\u00e4\nv\n".encode())
    assert lines(ctl.run("get", "--json", "k3", "k2", "no")[1]) == [
        {"key": "k3", "found": True, "value": "\u00e4"},
        {"key": "k2", "found": True, "value": {"base64": "AP8K"}},
        {"key": "no", "found": False}]
    assert lines(ctl.good("put", "--json", "--buffered", "C:\\dir", "--", "--v")) \
        == [{"done": True}]
    assert ctl.good("get", "C:\\dir") == b"--v\n"
    ctl.fails(ABSENT, b"there already", "put", "--if-absent", "k", "w")
    assert ctl.good("put", "--if-absent", "k4", "w") == b""
    assert ctl.good("get", "k", "k4") == b"v\nw\n"
    ctl.good("put", "empty", "")
    assert ctl.good("get", "empty") == b"\n"
    assert ctl.good("delete", "k", "k2", "not there") == b""
    ctl.fails(ABSENT, b"k", "get", "k")
    ctl.good("delete", "--start=k", "--end=l")
    assert ctl.good("range", "--prefix=k") == b""
    value = os.urandom(3000000)
    ctl.good("put", "large", text=value)
    assert ctl.good("get", "--raw", "large") == value
    ctl.fails(REFUSED, b"RESOURCE_EXHAUSTED", "put", "large", text=value * 2)
    ctl.good("delete", "C:\\dir", "empty", "large")


def ranges(ctl):
    for i in range(20):
        ctl.good("put", "r%02d" % i, str(i))
    ctl.good("put", "--as=hex", "72ffff", "00")
    assert ctl.good("range", "--prefix=r", "--limit=2") == b"r00\t0\nr01\t1\n"
    assert ctl.good("range", "--start=r18", "--end=r\x7f", "--keys-only") == b"r18\nr19\n"
    assert ctl.good("range", "--prefix=r", "--reverse", "--limit=2") == \
        b"r\\xff\\xff\t\\x00\nr19\t19\n"
    assert ctl.good("range", "--as=hex", "--prefix=72ff", "--format=csv") == \
        b"key,value\n72ffff,00\n"
    assert lines(ctl.good("range", "--as=base64", "--prefix=cv8=", "--json")) == \
        [{"key": "cv//", "value": "AA=="}]
    assert ctl.good("range", "--prefix=nothing") == b""
    ctl.good("delete", "--start=r", "--end=s")


def files_come_back(ctl):
    """Rows of any bytes: out into a file and in again, in each way to write them."""
    rows = some_rows(random.Random(SEED), 3000)
    source = "".join(json.dumps({"key": key.hex(), "value": value.hex()}) + "\n"
                     for key, value in rows.items()).encode()
    path = ctl.folder + "/rows"
    ctl.good("load", "--format=json", "--as=hex", text=source)
    first = ctl.good("range", "--as=base64")
    assert first.count(b"\n") == 3000
    for form in ("tsv", "csv", "json"):
        for notation in ("text", "hex", "base64"):
            where = (form, notation, "BYRON_SEED=%d" % SEED)
            ctl.good("range", "--format=" + form, "--as=" + notation, "--to=" + path)
            ctl.good("delete", "--start=0", "--end=:")
            assert ctl.good("range", "--limit=1") == b"", where
            out = ctl.good("load", "--format=" + form, "--as=" + notation, path)
            assert out == b"loaded 3,000 rows\n", (where, out)
            assert ctl.good("range", "--as=base64") == first, where
    ctl.good("delete", "--start=0", "--end=:")


def wrong_files(ctl):
    for form, text, words in (
            ("tsv", b"a\tb\nc\n", b"standard input, line 2: no tab"),
            ("tsv", b"a\t\\q\n", b"line 1: a backslash"),
            ("csv", b"a,b\nc,d,e\n", b"line 2: not two fields"),
            ("json", b'{"key":"a","value":"b"}\n{"key":1}\n', b"line 2: ")):
        ctl.fails(FILE, words, "load", "--format=" + form, text=text)
    ctl.fails(FILE, b"line 1: hex", "load", "--as=hex", text=b"a\tb\n")
    ctl.fails(FILE, b"No such file", "load", "/not/there.csv")
    ctl.fails(FILE, b"No such file", "range", "--to=/not/there.csv")
    assert ctl.run("range", "--to=/dev/full", "--prefix=zz")[0] == DONE
    ctl.good("put", "full", "x" * 100000)
    ctl.fails(FILE, b"No space left", "range", "--to=/dev/full")
    ctl.fails(REFUSED, b"INVALID_ARGUMENT", "load", text=b"\tno key\n")
    ctl.good("delete", "full")


def load_is_taken_up_again(ctl):
    """Ctrl-C while more could come; then all of it again."""
    rows = b"".join(b"i%06d\t%d\n" % (i, i) for i in range(50000))
    process = ctl.open("load", "--id=mine", "--batch=100", stdin=subprocess.PIPE)
    process.stdin.write(rows[:len(rows) // 2])
    process.stdin.flush()
    until = time.time() + 20
    while ctl.run("get", "i010000")[0] != DONE and time.time() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert process.returncode == STOPPED and out == b"", errors
    assert b"interrupted" in errors and b"--id=mine" in errors, errors
    there = int(errors.split(b"interrupted; ")[1].split(b" rows")[0].replace(b",", b""))
    assert 10000 <= there <= 25000 and there % 100 == 0, errors
    ctl.good("delete", "i000000")
    out = ctl.good("load", "--id=mine", "--batch=100", text=rows)
    told = int(out.split(b"of which ")[1].split(b" ")[0].replace(b",", b""))
    assert out.startswith(b"loaded 50,000 rows") and told >= there, out
    ctl.fails(ABSENT, b"i000000", "get", "i000000")
    assert ctl.good("range", "--prefix=i").count(b"\n") == 49999
    ctl.fails(FILE, b"of another input", "load", "--id=mine", "--batch=100",
              text=b"a\tb\n")
    ctl.good("delete", "--start=i", "--end=j")


def load_survives_the_server(ctl):
    """SIGKILL under a load, which tells its id; then all of it again."""
    rows = b"".join(b"s%06d\t%d\n" % (i, i) for i in range(20000))
    process = ctl.open("load", stdin=subprocess.PIPE)
    process.stdin.write(rows[:len(rows) // 2])
    process.stdin.flush()
    until = time.time() + 20
    while ctl.run("get", "s003000")[0] != DONE and time.time() < until:
        time.sleep(0.05)
    ctl.end(signal.SIGKILL)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == LOST and b"unknown number" in errors, errors
    name = errors.split(b"--id=")[1].split()[0].decode()
    ctl.begin()
    out = ctl.good("load", "--id=" + name, text=rows)
    assert b"had been there" in out, out
    assert ctl.good("range", "--prefix=s").count(b"\n") == 20000
    ctl.good("delete", "--start=s", "--end=t")


def slow_readers_go_on(ctl):
    """--lease=2: the server ends the call, and byronctl takes it up again."""
    rows = b"".join(b"w%06d\t%s\n" % (i, b"x" * 1000) for i in range(20000))
    ctl.good("load", text=rows)
    process = ctl.open("range", "--prefix=w")
    got = process.stdout.read(100000)
    time.sleep(4)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == DONE and got + out == rows, errors
    assert b"taken up again" in errors, errors
    process = ctl.open("range", "--prefix=w")
    process.stdout.read(1000)
    process.stdout.close()  # Like head.
    assert process.wait(timeout=20) == FILE
    assert process.stderr.read() == b""


def ctrl_c_ends_ranges(ctl):
    process = ctl.open("range", "--prefix=w")
    process.stdout.read(1000)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert process.returncode == STOPPED and b"rows" in errors, errors
    told = int(errors.split(b"rows")[0].split()[-1].replace(b",", b""))
    assert out.count(b"\n") <= told < 20000, (told, out.count(b"\n"))


def on_a_terminal(ctl, *arguments):
    """What it says to a terminal, where standard error is one."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(ctl.command(*arguments), env=EMPTY, stderr=follower,
                               stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    os.close(follower)
    said = b""
    while select.select([leader], [], [], 20)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        said += piece
        if not piece:
            break
    os.close(leader)
    process.communicate()
    assert process.returncode == DONE, said
    return said


def progress_is_for_terminals(ctl):
    path = ctl.folder + "/w.tsv"
    said = on_a_terminal(ctl, "range", "--prefix=w", "--to=" + path)
    assert b"read " in said and b" rows, " in said and b"\r\x1b[K" in said, said
    said = on_a_terminal(ctl, "load", path)
    assert b"loaded [" in said and b"%  " in said and b"/s" in said, said
    assert ctl.run("load", path)[2] == b""
    assert ctl.run("range", "--prefix=w", "--to=" + path)[2] == \
        path.encode() + b": 20,000 rows\n"
    ctl.good("delete", "--start=w", "--end=x")


def queries(ctl):
    assert ctl.good("query", "CREATE TABLE t (a, b)") == b"done, 0 rows changed\n"
    assert ctl.good("query", "INSERT INTO t VALUES (?, ?), (?, ?), (?, ?)", "1", "x'00fF'",
                    "-2.5", "tab\tand \u00e4", "null", '"007"') == b"done, 3 rows changed\n"
    assert ctl.good("query", "SELECT typeof(a), typeof(b) FROM t", "--format=csv") == \
        b"typeof(a),typeof(b)\ninteger,blob\nreal,text\nnull,text\n"
    assert ctl.good("query", "SELECT * FROM t").decode() == (
        "a     b\n"
        "----  ----------\n"
        "   1  x'00ff'\n"
        "-2.5  tab\\tand \u00e4\n"
        "NULL  007\n"
        "(3 rows)\n")
    assert lines(ctl.good("query", "--json", "SELECT * FROM t")) == [
        {"a": 1, "b": {"base64": "AP8="}}, {"a": -2.5, "b": "tab\tand \u00e4"},
        {"a": None, "b": "007"}]
    assert ctl.good("query", "--format=tsv", "SELECT * FROM t").split(b"\n")[3] == b"\\N\t007"
    assert lines(ctl.good("query", "--json", "DELETE FROM t WHERE a = 1")) == [{"changes": 1}]
    assert ctl.good("query", "-", text=b"SELECT 1.0 AS n") == b"n\n---\n1.0\n(1 row)\n"
    assert ctl.good("query", "SELECT a FROM t WHERE 0") == b"a\n-\n(0 rows)\n"
    many = ctl.good("query", "--format=csv", "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL "
                    "SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n")
    assert many == b"i\n" + b"".join(b"%d\n" % i for i in range(1, 100001))
    ctl.fails(REFUSED, b"syntax error", "query", "no SQL")
    ctl.fails(REFUSED, b"FAILED_PRECONDITION", "query", "--read-only", "DELETE FROM t")
    ctl.fails(USAGE, b"hex", "query", "SELECT ?", "x'0'")
    said = json.loads(ctl.fails(REFUSED, b"", "query", "--json", "no SQL"))
    assert said["error"] == "INVALID_ARGUMENT" and "syntax" in said["words"], said


def ctrl_c_ends_queries(ctl):
    process = ctl.open("query", "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT "
                       "i + 1 FROM n) SELECT i FROM n WHERE i < 0")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=5)
    assert process.returncode == STOPPED and b"interrupted" in errors, errors
    assert ctl.good("query", "SELECT 1")


def stats(ctl):
    out = ctl.good("stats").decode()
    assert "byron_wal_bytes" in out and "_bucket" not in out and "iB\n" in out, out
    out = ctl.good("stats", "byron_level_files").decode().splitlines()
    assert all(line.startswith("byron_level_files{level=") for line in out), out
    figures = lines(ctl.good("stats", "--json"))
    assert any(figure["name"] == "byrond_call_seconds_bucket" for figure in figures)
    ctl.fails(ABSENT, b"no figure", "stats", "nothing")


def ends(ctl):
    """Exit codes, and words with a way out."""
    _, said, _ = ctl.run("--version")
    assert said.startswith(b"byronctl ")
    for command in ("", "get", "put", "delete", "range", "load", "query", "stats"):
        code, out, _ = ctl.run(*([command] if command else []), "--help")
        assert code == DONE and b"  byronctl " + command.encode() in out, command
    ctl.fails(USAGE, b"--help", "get")
    ctl.fails(USAGE, b"byronctl get --help", "get", "--limit=3", "k")
    assert b"secret" not in ctl.fails(USAGE, b"--token-file", "get", "--token=secret", "k")
    ctl.fails(USAGE, b"no such command", "watch")
    ctl.fails(REFUSED, b"INVALID_ARGUMENT", "put", "", "v")
    # What the server quotes is not obeyed by the terminal.
    assert b"\x1b" not in ctl.fails(REFUSED, b"unrecognized", "query", "SELECT \x1b[2J")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        where = "--server=127.0.0.1:%d" % port
        ctl.fails(LOST, b"--timeout", "get", where, "--timeout=1", "k")
    ctl.fails(LOST, b"Connection refused (UNAVAILABLE); is byrond running", "get", where, "k")
    ctl.fails(LOST, b"No such file", "get", "--server=unix:/no/socket", "k")
    ctl.fails(LOST, b"not HOST:PORT", "get", "--server=nowhere", "k")
    said = json.loads(ctl.fails(LOST, b"", "get", "--json", where, "k"))
    assert said["error"] == "UNAVAILABLE", said


def answers_of_others(ctl):
    """Servers that speak something else, or end in the middle."""
    frames = b"\0\0\0\4\0\0\0\0\0"
    for answer in (b"", b"HTTP/1.1 200 OK\r\n\r\nhello", os.urandom(1000), frames,
                   frames + b"\0\0\1\1\4\0\0\0\1\x88" + b"\0\0\5\0\1\0\0\0\1\0\0\0\0\1",
                   frames + b"\0\0\1\1\5\0\0\0\1\x88",
                   frames + b"\0\0\4\3\0\0\0\0\1\0\0\0\7"):
        with socket.create_server(("127.0.0.1", 0)) as server:
            process = subprocess.Popen(
                [ctl.path, "--server=127.0.0.1:%d" % server.getsockname()[1], "get", "k"],
                stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=EMPTY)
            peer, _ = server.accept()
            with peer:
                peer.sendall(answer)
                peer.recv(1000)
                time.sleep(0.1)
            out, errors = process.communicate(timeout=20)
            assert process.returncode in (LOST, REFUSED), (answer, errors)
            assert out == b"" and errors.startswith(b"byronctl: get: "), (answer, errors)


def pass_on(ctl, proxy, dice):
    """One connection's bytes to the server, and its answer, damaged, back."""
    peer, _ = proxy.accept()
    host, port = ctl.address.split(":")
    with peer, socket.create_connection((host, int(port))) as server:
        answer = b""
        while select.select([peer, server], [], [], 0.05)[0]:
            if select.select([peer], [], [], 0)[0]:
                server.sendall(peer.recv(65536))
            if select.select([server], [], [], 0)[0]:
                answer += server.recv(65536)
        bad = bytearray(answer)
        for _ in range(dice.randint(1, 3) if bad else 0):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        peer.sendall(bytes(bad[:dice.randint(1, len(bad))] if dice.random() < 0.2 else bad))


def damaged_answers(ctl):
    """Whatever the server says, byronctl ends by itself, with one of its codes."""
    dice = random.Random(SEED)
    ctl.good("load", text=b"".join(b"d%03d\t%d\n" % (i, i) for i in range(200)))
    commands = [["range", "--prefix=d"], ["get", "d001", "d002"], ["put", "d1", "x"],
                ["query", "SELECT 1, 2.5, 'a', x'00', null"], ["stats"], ["load"]]
    for i in range(48):
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            process = subprocess.Popen(
                [ctl.path, "--server=127.0.0.1:%d" % proxy.getsockname()[1], "--timeout=2",
                 *commands[i % len(commands)]], stdin=subprocess.PIPE,
                stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=EMPTY)
            process.stdin.write(b"d2\ty\n")
            process.stdin.close()
            process.stdin = None
            try:
                pass_on(ctl, proxy, dice)
            except OSError:
                pass  # byronctl has had enough.
        _, errors = process.communicate(timeout=30)
        assert process.returncode in (DONE, ABSENT, REFUSED, LOST), \
            ("BYRON_SEED=%d" % SEED, i, process.returncode, errors)
    ctl.good("delete", "--start=d", "--end=e")


def secrets(ctl):
    """TLS, tokens, certificates; no token without TLS, or from an open file."""
    folder = ctl.folder + "/tls"
    os.mkdir(folder)
    make_certificates(folder)
    with open(folder + "/tokens", "w") as file:
        file.write("read %s\nwrite %s\n" % (READ, WRITE))
    os.chmod(folder + "/tokens", 0o600)
    server = Server(ctl.byrond, folder, "--tokens=%s/tokens" % folder,
                    "--tls-clients=%s/ours.pem" % folder)
    token = folder + "/token"
    with open(token, "w") as file:
        file.write(WRITE + "\n")
    os.chmod(token, 0o600)
    for host in ("localhost", "127.0.0.1"):
        where = ["--server=%s:%d" % (host, server.port),
                 "--tls-roots=%s/ours.pem" % folder]
        ctl.good("put", *where, "--token-file=" + token, "k", "v")
    assert ctl.run("get", *where, "k", BYRON_TOKEN=READ)[:2] == (DONE, b"v\n")
    ctl.fails(REFUSED, b"PERMISSION_DENIED", "put", *where, "k", "v", BYRON_TOKEN=READ)
    ctl.fails(REFUSED, b"--token-file=FILE, BYRON_TOKEN", "get", *where, "k")
    words = ctl.fails(REFUSED, b"does not know this token", "get", *where, "k",
                      BYRON_TOKEN="x" * 20)
    assert b"xxx" not in words
    ctl.good("get", *where, "--tls-certificate=%s/ours-client.pem" % folder,
             "--tls-key=%s/ours-client.key" % folder, "k")
    for roots in (["--tls"], ["--tls-roots=%s/theirs.pem" % folder]):
        ctl.fails(LOST, b"certificate", "get", where[0], *roots, "k", BYRON_TOKEN=READ)
    # Another name of this machine, which the certificate does not have.
    ctl.fails(LOST, b"mismatch", "get", "--server=127.1:%d" % server.port, where[1], "k")
    ctl.fails(FILE, b"not what TLS needs", "get", where[0], "--tls-roots=/dev/null", "k")
    ctl.fails(USAGE, b"TLS alone", "get", "k", BYRON_TOKEN=READ)
    ctl.fails(USAGE, b"TLS alone", "get", "--token-file=" + token, "k")
    os.chmod(token, 0o644)
    ctl.fails(FILE, b"chmod 600", "get", *where, "--token-file=" + token, "k")
    with open(token, "w") as file:
        file.write("two words\n")
    os.chmod(token, 0o600)
    words = ctl.fails(FILE, b"no token", "get", *where, "--token-file=" + token, "k")
    assert b"two words" not in words
    ctl.good("get", "--server=unix:" + server.socket, "k")
    ctl.fails(LOST, b"", "get", where[0], "k")
    server.stop()


def main():
    byrond, path = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        ctl = Ctl(byrond, path, folder, "--lease=2")
        failed = run_cases("ctl", ctl, [
            keys, ranges, files_come_back, wrong_files, load_is_taken_up_again,
            load_survives_the_server, slow_readers_go_on, ctrl_c_ends_ranges,
            progress_is_for_terminals, queries, ctrl_c_ends_queries, stats, ends,
            answers_of_others, damaged_answers, secrets])
        failed |= ctl.end() != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
