#!/usr/bin/python3
"""Query of byron.v1: SQL on a database with byron tables, by python3-grpcio.

Covers: sql, sql_session.
Usage: queries.py BYROND        (run by test_server.sh)
"""
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import grpc

from clients import BYRON, code_of, field, fields, run_cases, start, unary, varint

# Under the sanitizers nothing is fast.
LEASE = 6 if os.environ.get("MODE") in ("asan", "tsan") else 2
PERMISSION = grpc.StatusCode.PERMISSION_DENIED
INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = grpc.StatusCode.FAILED_PRECONDITION


def real(number, value):
    return bytes([number << 3 | 1]) + struct.pack("<d", value)


def packed(value):
    """A Value."""
    if value is None:
        return field(1, b"")
    if isinstance(value, int):
        return b"\x10" + varint((value << 1 ^ value >> 63) & 2**64 - 1)
    if isinstance(value, float):
        return real(3, value)
    return field(4 if isinstance(value, str) else 5, value)


def unpacked(data):
    (number, value), = fields(data)
    if number == 2:
        return value >> 1 ^ -(value & 1)
    if number == 3:
        return struct.unpack("<d", struct.pack("<Q", value))[0]
    return {1: lambda: None, 4: value.decode, 5: lambda: value}[number]() \
        if number != 1 else None


def request(sql, *params, more=b""):
    return field(1, sql) + b"".join(field(2, packed(p)) for p in params) + more


def query(channel, sql, *params, more=b"", timeout=20):
    """Rows, names of columns, changes."""
    rows, columns, changes = [], [], 0
    call = channel.unary_stream(BYRON + "Query")
    for message in call(request(sql, *params, more=more), timeout=timeout):
        for number, content in fields(message):
            if number == 1:
                columns.append(content.decode())
            elif number == 2:
                rows.append(tuple(unpacked(value) for _, value in fields(content)))
            else:
                changes = content
    return rows, columns, changes


def refused(channel, sql, *params, more=b""):
    return code_of(lambda: query(channel, sql, *params, more=more))


# --- What is tried -----------------------------------------------------------

def tables(channel):
    query(channel, "CREATE VIRTUAL TABLE kv USING byron")
    query(channel, "CREATE TABLE plain(a, b)")
    assert query(channel, "INSERT INTO kv VALUES(?, ?), (?, ?)",
                 "one", 1, "two", None)[2] == 2
    assert query(channel, "INSERT INTO plain SELECT * FROM kv") == ([], [], 2)
    assert query(channel, "SELECT key AS k, value FROM kv ORDER BY 1") == \
        ([("one", 1), ("two", None)], ["k", "value"], 0)
    assert query(channel, "DELETE FROM kv WHERE key = ?", "two")[2] == 1
    assert query(channel, "SELECT count(*) FROM kv JOIN plain ON key = a")[0] == [(1,)]


def values(channel):
    """All types come back as they went."""
    for value in (0, 1, -1, 2**63 - 1, -2**63, 0.5, float("inf"), -1e300, "", "text",
                  "\u00e4\u20ac\U0001f600", b"", b"\0\xff", "x" * 100000, None):
        assert query(channel, "SELECT ?, typeof(?1)", value)[0][0][0] == value, value
    assert query(channel, "SELECT CAST(x'ff41' AS TEXT), CAST(x'eda080' AS TEXT), "
                 "'a' || char(0) || 'b'")[0] == [(b"\xffA", b"\xed\xa0\x80", "a\0b")]
    for lead in (b"\x80", b"\xc1", b"\xf5", b"\xff"):
        text = lead + b"\x80" * 12
        assert query(channel, "SELECT CAST(? AS TEXT)", text)[0] == [(text,)]


def many_rows(channel):
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n " \
        "LIMIT 20000) "
    assert query(channel, numbers + "INSERT INTO kv SELECT 'k' || i, i FROM n")[2] \
        == 20000
    for more in (b"", field(3, 1), field(3, 2**20)):
        rows = query(channel, "SELECT value FROM kv WHERE key LIKE 'k%' "
                     "ORDER BY value", more=more)[0]
        assert rows == [(i,) for i in range(1, 20001)]
    assert query(channel, "SELECT max(value) FROM kv", more=field(4, 1))[0] == [(20000,)]


def mistakes(channel):
    for sql, params in (("SELEC 1", ()), ("", ()), ("SELECT 1; SELECT 2", ()),
                        ("SELECT ?", ()), ("SELECT 1", (1,)), ("SELECT * FROM no", ()),
                        ("-- nothing", ())):
        assert refused(channel, sql, *params) == INVALID, sql
    assert refused(channel, "INSERT INTO kv VALUES('one', 1)") == FAILED
    assert refused(channel, "DELETE FROM kv", more=field(4, 1)) == FAILED
    assert refused(channel, "SELECT byron_config('kv', 'bloom_bits', '5')",
                   more=field(4, 1)) != grpc.StatusCode.OK
    assert refused(channel, "SELECT zeroblob(17000000)") \
        == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refused(channel, "SELECT max(%s) IS NULL"
                   % ", ".join(["hex(zeroblob(8000000))"] * 40)) \
        == grpc.StatusCode.RESOURCE_EXHAUSTED, "all of the machine's memory"
    assert refused(channel, b"SELECT 1 AS \"\xff\"") == INVALID
    assert query(channel, "SELECT 1 ; \n")[0] == [(1,)]
    try:
        query(channel, "SELECT * FROM missing")
    except grpc.RpcError as error:
        assert error.details() == "no such table: missing", error.details()


def what_is_not_for_clients(channel):
    """Other files, and transactions beyond the statement."""
    with tempfile.TemporaryDirectory() as folder:
        for sql in ("ATTACH '%s/a' AS a", "VACUUM INTO '%s/a'", "vacuum main into '%s/a'",
                    "CREATE VIRTUAL TABLE p USING byron(a, path='%s/a')",
                    "create virtual/**/table p using byron(a, PATH = '%s/a')",
                    "SELECT * FROM byron_backup('%s/a')",
                    "SELECT byron_backup('%s/a')",
                    "SELECT * FROM byron_salvage('kv', 'other')",
                    "CREATE VIEW v AS SELECT * FROM byron_backup('%s/a')",
                    "SELECT load_extension('%s/a')"):
            code = refused(channel, sql.replace("%s", folder + "/x"))
            refused(channel, "SELECT * FROM v")
            refused(channel, "DROP VIEW v")
            assert code in (PERMISSION, INVALID, grpc.StatusCode.OK), (sql, code)
            assert code != grpc.StatusCode.OK or "VIEW" in sql, sql
            assert os.listdir(folder) == [], sql
    for sql in ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "DETACH main",
                "PRAGMA journal_mode = OFF", "PRAGMA writable_schema = 1",
                "PRAGMA synchronous = 0", "CREATE VIRTUAL TABLE f USING fts5(a)"):
        assert refused(channel, sql) in (PERMISSION, INVALID), sql
    assert len(query(channel, "PRAGMA table_info(kv)")[0]) >= 2


def stores_stay_where_they_are(channel):
    """The paths of stores are rows, which may be read."""
    for sql in ("UPDATE byron_store SET path = '/x'", "DELETE FROM BYRON_STORE",
                "INSERT INTO main.\"byron_store\"(path) VALUES('/x')",
                "CREATE TRIGGER t AFTER INSERT ON plain BEGIN "
                "UPDATE byron_store SET path = '/x'; END",
                "ALTER TABLE plain RENAME TO byron_index",
                "DROP TABLE byron_catalog", "DELETE FROM byron_catalog",
                "CREATE TABLE byron_index(a)"):
        assert refused(channel, sql) == PERMISSION, sql
    assert query(channel, "SELECT count(*) FROM byron_store")[0] == [(1,)]
    query(channel, "CREATE VIRTUAL TABLE more USING byron")
    query(channel, "ALTER TABLE more RENAME TO less")
    query(channel, "SELECT byron_config('less', 'bloom_bits', '5')")
    query(channel, "DROP TABLE less")


def nothing_is_left_behind(channel):
    """What is TEMP would be there for whoever has the connection next."""
    for sql in ("CREATE TEMP TABLE kv(key, value)", "CREATE TABLE temp.kv(key)",
                "CREATE TEMP VIEW kv AS SELECT 1 AS key, 2 AS value",
                "CREATE TEMP TRIGGER t AFTER INSERT ON plain BEGIN SELECT 1; END",
                "CREATE VIRTUAL TABLE temp.kv USING byron"):
        assert refused(channel, sql) == PERMISSION, sql


def no_addresses(channel):
    """What SQLite takes for code is not given nor taken."""
    for sql in ("SELECT fts3_tokenizer('simple')", "SELECT * FROM fts3tokenize('a b')",
                "SELECT fts3_tokenizer('simple', x'4141414141414141')",
                "SELECT count(*) FROM fts3tokenize WHERE input = 'a'"):
        assert refused(channel, sql) in (PERMISSION, INVALID), sql


def left_early(channel):
    """What is not read to its last row has not been written."""
    query(channel, "CREATE TABLE early(a)")
    call = channel.unary_stream(BYRON + "Query")(request(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
        "INSERT INTO early SELECT i FROM n RETURNING printf('%01000d', a)"), timeout=20)
    next(call)
    call.cancel()
    query(channel, "DELETE FROM early WHERE a = 0")
    assert query(channel, "SELECT count(*) FROM early")[0] == [(0,)]


def words_of_waiters(channel, large):
    """What 40 of them are told while others have every connection, for two seconds."""
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) " \
        "SELECT count(*) FROM n"
    call = channel.unary_stream(BYRON + "Query")
    calls = [call(request(sql), timeout=20) for _ in range(4)]
    time.sleep(0.2)
    calls += [call(large, timeout=20) for _ in range(40)]
    words = set()
    for one in calls[4:]:
        code_of(lambda c=one: list(c))
        words.add(one.details())
    for one in calls:
        one.cancel()
    return words


def large_waiters(channel):
    """What waits is bounded in memory too: small parameters are large there."""
    assert refused(channel, "SELECT 1", *[None] * 32767) == INVALID
    large = request("SELECT 1", *[None] * 32000)
    # Where the machine is busy not all of them come within the two seconds.
    words = [words_of_waiters(channel, large)]
    while "too many queries wait" not in words[-1] and len(words) < 5:
        words.append(words_of_waiters(channel, large))
    assert "too many queries wait" in words[-1], words
    assert query(channel, "SELECT 1")[0] == [(1,)]


def any_bytes(channel):
    """Requests that are damaged are answered, and leave the table alone."""
    seed = int(os.environ.get("BYRON_SEED", time.time_ns()))
    dice = random.Random(seed)
    good = request("SELECT ?, value FROM kv WHERE key = ?", 7, "one", more=field(4, 1))
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(dice.randint(1, 3)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        bad = bytes(bad[:dice.randint(0, len(bad))]) + field(4, 1)
        code = code_of(lambda: list(channel.unary_stream(BYRON + "Query")(
            bad, timeout=20)))
        assert code in (grpc.StatusCode.OK, INVALID, FAILED, PERMISSION), \
            "BYRON_SEED=%d: %r" % (seed, code)
    assert query(channel, "SELECT value FROM kv WHERE key = 'one'")[0] == [(1,)]


def endless(channel):
    """More of them than connections: they end with their calls, others go on."""
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) " \
        "SELECT count(*) FROM n"
    call = channel.unary_stream(BYRON + "Query")
    calls = [call(request(sql), timeout=20) for _ in range(10)]
    time.sleep(0.2)
    assert code_of(lambda: query(channel, "SELECT 1", timeout=0.5)) \
        == grpc.StatusCode.DEADLINE_EXCEEDED
    for one in calls:
        one.cancel()
    assert query(channel, "SELECT 1")[0] == [(1,)]
    assert refused(channel, sql) == grpc.StatusCode.ABORTED, "after --lease"


def too_many(channel):
    """What waits is bounded."""
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) " \
        "SELECT count(*) FROM n"
    call = channel.unary_stream(BYRON + "Query")
    second = grpc.insecure_channel(channel.target, channel.options)
    calls = [call(request(sql), timeout=20) for _ in range(200)]
    calls += [second.unary_stream(BYRON + "Query")(request(sql), timeout=20)
              for _ in range(100)]
    codes = set()
    for one in calls[::-1]: # Whichever came when the queue was full.
        codes.add(code_of(lambda: list(one)))
        if grpc.StatusCode.RESOURCE_EXHAUSTED in codes:
            break
    assert grpc.StatusCode.RESOURCE_EXHAUSTED in codes, codes
    for one in calls:
        one.cancel()
    second.close()
    assert query(channel, "SELECT 1")[0] == [(1,)]


def slow_readers(channel):
    """Who does not read on keeps a connection for so long and no longer."""
    call = channel.unary_stream(BYRON + "Query")
    calls = [call(request("SELECT * FROM kv JOIN (SELECT 1 UNION SELECT 2)"),
                  timeout=30) for _ in range(8)]
    next(calls[0])
    time.sleep(LEASE + 0.2)
    assert query(channel, "SELECT 1")[0] == [(1,)]
    codes = {code_of(lambda c=one: list(c)) for one in calls}
    assert grpc.StatusCode.ABORTED in codes, codes


def writers(channel):
    """Many at once: each is committed, or told to try again."""
    query(channel, "CREATE VIRTUAL TABLE w USING byron")
    done = []

    def write(i):
        for j in range(10):
            code = refused(channel, "INSERT INTO w VALUES(?, ?)", "%d-%d" % (i, j), j)
            assert code in (grpc.StatusCode.OK, grpc.StatusCode.ABORTED), code
            done.append(code == grpc.StatusCode.OK)
    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 80
    assert query(channel, "SELECT count(*) FROM w")[0] == [(sum(done),)]


class Channel:
    """A channel that knows where it leads."""

    def __init__(self, port):
        self.target = "127.0.0.1:%d" % port
        self.options = (("grpc.max_receive_message_length", -1),
                        ("grpc.use_local_subchannel_pool", 1),
                        ("grpc.http2.bdp_probe", 0))
        self.channel = grpc.insecure_channel(self.target, self.options)
        self.unary_stream = self.channel.unary_stream
        self.unary_unary = self.channel.unary_unary


def killed(path, database):
    """SIGKILL: what was answered is there afterwards."""
    process, port = start(path, "--database=" + database)
    channel = Channel(port)
    query(channel, "CREATE VIRTUAL TABLE kv USING byron")
    query(channel, "INSERT INTO kv VALUES('kept', 1)")
    process.kill()
    process.wait()
    process, port = start(path, "--database=" + database)
    channel = Channel(port)
    assert query(channel, "SELECT value FROM kv WHERE key = 'kept'")[0] == [(1,)]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def both(path, folder):
    """Keys and SQL from one server; what is not served is not known."""
    process, port = start(path, "--database=%s/both.db" % folder,
                          "--store=%s/both" % folder)
    channel = Channel(port)
    query(channel, "CREATE VIRTUAL TABLE kv USING byron")
    unary(channel, BYRON + "Put", field(1, b"k") + field(2, b"v"))
    assert unary(channel, BYRON + "Get", field(1, b"k"))[0] != b""
    assert query(channel, "SELECT count(*) FROM kv")[0] == [(0,)]
    call = channel.unary_stream(BYRON + "Query")(request("SELECT * FROM kv"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    code_of(lambda: list(call))
    bad = folder + "/no.db"
    with open(bad, "wb") as file:
        file.write(b"no database" * 1000)
    ended = subprocess.run([path, "--database=" + bad], stderr=subprocess.PIPE,
                           timeout=20)
    assert ended.returncode == 1 and b"not a database" in ended.stderr, ended


def main():
    path = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        database = folder + "/sql.db"
        process, port = start(path, "--database=" + database, "--lease=%d" % LEASE)
        channel = Channel(port)
        failed = run_cases("queries", channel, [
            tables, values, many_rows, mistakes, what_is_not_for_clients,
            stores_stay_where_they_are, nothing_is_left_behind, no_addresses, left_early,
            large_waiters, any_bytes,
            endless, too_many, slow_readers, writers,
            lambda _: killed(path, folder + "/killed.db"),
            lambda _: both(path, folder)])
        assert code_of(lambda: unary(channel, BYRON + "Get", field(1, b"k"))) \
            == grpc.StatusCode.UNIMPLEMENTED
        process.send_signal(signal.SIGTERM)
        if process.wait(timeout=20) != 0:
            print("FAILED: the server ended with %d" % process.returncode)
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
