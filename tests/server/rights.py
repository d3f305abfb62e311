#!/usr/bin/python3
"""What tokens and certificates may do, and every way round that we know.

Covers: caller, rights, permit, sql_guard, sql_extension, tls_names.
Usage: rights.py BYROND        (run by test_server.sh)
"""
import os
import random
import sys
import tempfile
import time

import grpc

from clients import BYRON, field, fields, run_cases, unary
from queries import request, unpacked
from secure import Server, make_certificates, make_client

OK, DENIED = grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED
STRANGER = grpc.StatusCode.UNAUTHENTICATED
INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = grpc.StatusCode.FAILED_PRECONDITION
ADMIN, WRITER, READER = "admin-" * 4, "write-" * 4, "read-" * 4
KEYS, SPAN, TABLES, LOOKER = "keys-" * 4, "span-" * 4, "table-" * 4, "look-" * 4
TOKENS = """
admin %s
write %s
read %s
write %s prefix=mine/
read %s prefix=shared/
write %s range=b..c range=c..d
write %s table=mine table=log table=kv
read %s table=shared
read %s table=mine
""" % (ADMIN, WRITER, READER, KEYS, KEYS, SPAN, TABLES, TABLES, LOOKER)


class Caller:
    """A channel, and the token that comes with each call."""

    def __init__(self, channel, token=None):
        self.channel = channel
        self.head = [("authorization", "Bearer " + token)] if token else []
        self.words = ""

    def code(self, call):
        try:
            self.words = ""
            call()
        except grpc.RpcError as error:
            self.words = error.details()
            return error.code()
        return OK

    def unary(self, method, message=b""):
        return unary(self.channel, BYRON + method, message, metadata=self.head)[0]

    def try_unary(self, method, message=b""):
        return self.code(lambda: self.unary(method, message))

    def stream(self, method, message=b""):
        return list(self.channel.unary_stream(BYRON + method)(
            message, metadata=self.head, timeout=20))

    def try_range(self, start, end, more=b""):
        return self.code(lambda: self.stream(
            "Range", field(1, start) + field(2, end) + more))

    def load(self, *messages):
        return self.channel.stream_unary(BYRON + "Load")(
            iter(messages), metadata=self.head, timeout=20)

    def sql(self, text, *params, more=b""):
        rows = []
        for message in self.stream("Query", request(text, *params, more=more)):
            rows += [tuple(unpacked(value) for _, value in fields(content))
                     for number, content in fields(message) if number == 2]
        return rows

    def try_sql(self, text, *params, more=b""):
        return self.code(lambda: self.sql(text, *params, more=more))


def put(key, value=b"v"):
    return field(1, field(1, key) + field(2, value))


def delete(key):
    return field(2, key)


def delete_range(start, end):
    return field(3, field(1, start) + field(2, end))


def write(*ops, more=b""):
    return b"".join(field(1, op) for op in ops) + more


def batch(number, *ops, load_id=b"l"):
    return field(1, load_id) + field(2, number) + b"".join(field(3, op) for op in ops)


# --- Keys --------------------------------------------------------------------

def rights_have_an_order(callers):
    for name, codes in (("admin", (OK, OK)), ("writer", (OK, OK)),
                        ("reader", (OK, DENIED)), ("nobody", (STRANGER, STRANGER))):
        caller = callers[name]
        assert (caller.try_unary("Get", field(1, b"k")),
                caller.try_unary("Put", field(1, b"k") + field(2, b"v"))) == codes, name
    assert callers["reader"].words == "the right to write is missing"
    assert callers["reader"].try_unary("Stats") == OK
    assert callers["keys"].try_unary("Stats") == DENIED
    assert callers["tables"].try_unary("Stats") == DENIED


def single_keys(callers):
    keys = callers["keys"]
    for key, reads, writes in ((b"mine/1", OK, OK), (b"shared/1", OK, DENIED),
                               (b"other/1", DENIED, DENIED), (b"mine", DENIED, DENIED),
                               (b"mine0", DENIED, DENIED), (b"min", DENIED, DENIED)):
        assert keys.try_unary("Get", field(1, key)) == reads, key
        assert keys.try_unary("Put", field(1, key) + field(2, b"v")) == writes, key
        assert keys.try_unary("Delete", field(1, key)) == writes, key
    assert keys.words == 'the right to write is missing for the key "min"', keys.words
    assert keys.try_unary("Get", field(1, b"\0\xff\xfe\"")) == DENIED
    assert keys.words.endswith('for the key "%00%ff%fe%22"'), keys.words
    assert callers["tables"].try_unary("Get", field(1, b"mine/1")) == DENIED
    # Nothing, a key that is the server's, one that is too long: as for all.
    for key in (b"", b"\xff" * 16, b"k" * (2**20 + 1)):
        assert keys.try_unary("Get", field(1, key)) == INVALID, key[:20]
    # The last of two fields counts.
    assert keys.try_unary("Get", field(1, b"mine/1") + field(1, b"other/1")) == DENIED


def many_keys(callers):
    keys = callers["keys"]
    some = [field(1, b"mine/%d" % i) for i in range(40)]
    assert keys.try_unary("MultiGet", b"".join(some)) == OK
    for at in (0, 20, 40):
        mixed = some[:at] + [field(1, b"other/1")] + some[at:]
        assert keys.try_unary("MultiGet", b"".join(mixed)) == DENIED, at
    callers["admin"].unary("Put", field(1, b"other/2") + field(2, b"kept"))
    for op in (put(b"other/2"), delete(b"other/2"), delete_range(b"other/", b"other0"),
               delete_range(b"mine/", b"\xff"), delete_range(b"a", b"z"),
               delete_range(b"min", b"mine0"), delete_range(b"mine/", b"mine00"),
               put(b"shared/1"), delete_range(b"shared/", b"shared0"),
               delete_range(b"mine/", b"\xff" * 17)):
        assert keys.try_unary("Write", write(put(b"mine/2"), op, put(b"mine/3"))) \
            == DENIED, op
        assert keys.code(lambda o=op: keys.load(batch(1, put(b"mine/2"), o))) == DENIED, op
    assert b"kept" in callers["admin"].unary("Get", field(1, b"other/2"))
    assert keys.unary("Get", field(1, b"mine/2")) == b"", "a part of it was written"
    assert keys.try_unary("Write", write(put(b"mine/2"), delete_range(
        b"mine/", b"mine0"))) == OK


def conditions_read(callers):
    keys = callers["keys"]
    callers["admin"].unary("Put", field(1, b"shared/1") + field(2, b"v"))
    for key, code in ((b"mine/9", FAILED), (b"shared/1", OK), (b"other/2", DENIED),
                      (b"other/none", DENIED)):
        condition = field(2, field(1, key) + field(4, 1))
        assert keys.try_unary("Write", write(put(b"mine/1"), more=condition)) \
            == code, key
        condition = field(2, field(1, key) + field(3, b"guess"))
        assert (keys.try_unary("Write", write(put(b"mine/1"), more=condition))
                == DENIED) == (code == DENIED), key


def ranges(callers):
    keys, span = callers["keys"], callers["span"]
    assert keys.try_range(b"mine/", b"mine0") == OK
    for start, end in ((b"", b""), (b"mine/", b""), (b"", b"mine0"), (b"m", b"mine0"),
                       (b"mine/", b"mine01"), (b"mine/", b"shared0"),
                       (b"\xff" * 17, b""), (b"shared/", b"\xff")):
        for more in (b"", field(4, 1), field(5, 1), field(3, 1)):
            assert keys.try_range(start, end, more) == DENIED, (start, end, more)
    assert 'the keys from "shared/" to "%ff"' in keys.words, keys.words
    # A token of another range leads nowhere.
    callers["admin"].unary("Write", write(*[put(b"other/r%03d" % i, b"x" * 500)
                                            for i in range(300)]))
    callers["admin"].unary("Write", write(*[put(b"mine/r%03d" % i, b"x" * 500)
                                            for i in range(300)]))
    first = next(callers["admin"].channel.unary_stream(BYRON + "Range")(
        field(1, b"other/") + field(2, b"other0"), metadata=callers["admin"].head))
    token = [value for number, value in fields(first) if number == 2][0]
    assert keys.try_range(b"mine/", b"mine0", field(8, token)) == INVALID
    assert keys.try_range(b"other/", b"other0", field(8, token)) == DENIED
    # Two that touch are one.
    assert span.try_range(b"b", b"d") == OK
    assert span.try_range(b"b", b"d0") == DENIED
    assert span.try_unary("Write", write(delete_range(b"b1", b"c9"))) == OK


def snapshots(callers):
    keys = callers["keys"]
    assert callers["tables"].try_unary("OpenSnapshot") == DENIED
    assert callers["tables"].try_unary("RenewSnapshot", b"\x09" + b"1" * 8) == DENIED
    assert callers["tables"].try_unary("CloseSnapshot", b"\x09" + b"1" * 8) == DENIED
    opened = callers["admin"].unary("OpenSnapshot")
    number = [value for field_number, value in fields(opened) if field_number == 1][0]
    number = number.to_bytes(8, "little")
    assert keys.try_unary("Get", field(1, b"other/2") + b"\x11" + number) == DENIED
    assert keys.try_unary("MultiGet", field(1, b"other/2") + b"\x11" + number) == DENIED
    assert keys.try_range(b"other/", b"other0", b"\x31" + number) == DENIED
    assert keys.try_unary("Get", field(1, b"mine/1") + b"\x11" + number) == OK
    assert keys.try_unary("OpenSnapshot") == OK


def ids_are_their_own(callers):
    """Nobody can use up, or look at, the ids of whom has other keys."""
    keys, span, admin = callers["keys"], callers["span"], callers["admin"]
    assert keys.load(batch(1, put(b"mine/l")), batch(2, put(b"mine/l")))[:2] == b"\x08\x02"
    for caller, key in ((span, b"b1"), (admin, b"a1")):
        assert caller.load(batch(0)) == b"", "sees another's load"
        caller.load(batch(1, put(key, b"loaded")))
        assert b"loaded" in caller.unary("Get", field(1, key)), "skipped"
    assert keys.load(batch(0))[:2] == b"\x08\x02"
    assert keys.try_unary("Write", write(put(b"mine/i"), more=field(4, b"id"))) == OK
    assert span.unary("Write", write(put(b"b2"), more=field(4, b"id"))) == b""
    assert admin.unary("Write", write(put(b"b3"), more=field(4, b"id"))) == b""
    assert keys.unary("Write", write(put(b"mine/i"), more=field(4, b"id"))) != b""


def certificates(callers):
    """By the common name, or an alternative one; others have no rights."""
    alice, bob, carol = callers["alice"], callers["bob"], callers["carol"]
    assert (alice.try_unary("Get", field(1, b"mine/1")),
            alice.try_unary("Put", field(1, b"mine/1") + field(2, b"v"))) == (OK, DENIED)
    assert alice.try_unary("Get", field(1, b"other/1")) == DENIED
    assert alice.try_sql("SELECT 1") == DENIED
    assert bob.try_unary("Put", field(1, b"k") + field(2, b"v")) == OK
    assert carol.try_unary("Get", field(1, b"k")) == STRANGER
    token = Caller(carol.channel, READER)
    assert token.try_unary("Get", field(1, b"k")) == OK
    for name in ("alice", "bob.example.org"):
        assert Caller(callers["nobody"].channel, name).try_unary(
            "Get", field(1, b"mine/1")) == STRANGER, "a name is no secret"


# --- Tables ------------------------------------------------------------------

def schema(callers):
    admin = callers["admin"]
    for sql in ("CREATE TABLE mine(a, b)", "CREATE TABLE log(a, b)",
                "CREATE TABLE shared(a, b)", "CREATE TABLE secret(a, b)",
                "CREATE TABLE counted(a INTEGER PRIMARY KEY AUTOINCREMENT)",
                "CREATE VIRTUAL TABLE kv USING byron",
                "CREATE VIRTUAL TABLE hidden USING byron",
                "CREATE VIEW peek AS SELECT * FROM secret",
                "CREATE VIEW mirror AS SELECT * FROM mine",
                "CREATE VIEW counts AS SELECT count(*) AS n FROM secret",
                "CREATE VIEW names AS SELECT * FROM sqlite_schema",
                "CREATE VIEW columns AS SELECT * FROM pragma_table_info('secret')",
                "CREATE INDEX by_b ON secret(b)",
                "INSERT INTO secret VALUES('top', 'secret')",
                "INSERT INTO hidden VALUES('k', 'secret')",
                "INSERT INTO counted DEFAULT VALUES",
                "INSERT INTO shared VALUES(1, 2)", "INSERT INTO mine VALUES(1, 2)"):
        assert admin.try_sql(sql) == OK, (sql, admin.words)


def graded(callers):
    """Read, write and admin, everywhere."""
    reading = ("SELECT * FROM secret", "SELECT count(*) FROM peek",
               "SELECT * FROM hidden", "SELECT sql FROM sqlite_schema",
               "PRAGMA table_info(secret)", "SELECT * FROM byron_tables",
               "SELECT * FROM byron_stats('kv')", "SELECT byron_count('kv')",
               "SELECT * FROM byron_dump('kv')", "SELECT byron_config('kv')",
               "WITH n(i) AS (SELECT 1) SELECT count(*) FROM n", "EXPLAIN SELECT 1",
               "SELECT byron_check('kv')", "PRAGMA integrity_check")
    writing = ("INSERT INTO mine VALUES(3, 4)", "UPDATE mine SET b = 5 WHERE a = 3",
               "DELETE FROM mine WHERE a = 3", "INSERT INTO kv VALUES('a', 1)",
               "REPLACE INTO kv VALUES('a', 2)", "DELETE FROM kv WHERE key = 'a'",
               "UPDATE kv SET value = 1", "INSERT INTO kv(kv) VALUES('flush')",
               "SELECT byron_delete_range('kv', 'x', 'y')",
               "INSERT INTO counted DEFAULT VALUES")
    changing = ("CREATE TABLE x(a)", "DROP TABLE mine", "CREATE INDEX i ON mine(a)",
                "ALTER TABLE mine ADD COLUMN c", "ALTER TABLE mine RENAME TO yours",
                "CREATE TRIGGER t AFTER INSERT ON mine BEGIN DELETE FROM secret; END",
                "CREATE VIEW v AS SELECT 1", "DROP VIEW peek", "DROP INDEX by_b",
                "CREATE VIRTUAL TABLE z USING byron", "DROP TABLE kv", "ANALYZE",
                "REINDEX", "SELECT byron_compact('kv')", "SELECT byron_flush('kv')",
                "SELECT byron_config('kv', 'bloom_bits', '5')",
                "INSERT INTO kv(kv, arg) VALUES('set', 'bloom_bits=5')",
                "INSERT INTO kv(kv, arg) VALUES('add-index', 'by_value(value)')",
                "PRAGMA optimize", "PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint",
                "DELETE FROM sqlite_sequence", "UPDATE sqlite_sequence SET seq = 9",
                "CREATE TABLE y AS SELECT 1", "ALTER TABLE mine DROP COLUMN b")
    for sql in reading:
        for name in ("reader", "writer", "admin"):
            assert callers[name].try_sql(sql) == OK, (name, sql, callers[name].words)
    for sql in writing:
        assert callers["reader"].try_sql(sql) == DENIED, (sql, callers["reader"].words)
        assert callers["writer"].try_sql(sql) == OK, (sql, callers["writer"].words)
    for sql in changing:
        for name in ("reader", "writer", "tables"):
            assert callers[name].try_sql(sql) == DENIED, (name, sql, callers[name].words)
    admin = callers["admin"]
    for sql in ("CREATE TABLE x(a)", "SELECT byron_compact('kv')", "DROP TABLE x",
                "SELECT byron_config('kv', 'bloom_bits', '5')", "ANALYZE",
                "INSERT INTO kv(kv, arg) VALUES('set', 'bloom_bits=6')",
                "INSERT INTO kv(kv, arg) VALUES('add-index', 'by_value(value)')",
                "INSERT INTO kv(kv, arg) VALUES('drop-index', 'by_value')"):
        assert admin.try_sql(sql) == OK, (sql, admin.words)
    assert callers["keys"].try_sql("SELECT 1") == DENIED


def tables(callers):
    """What a token for tables may do, with all of SQL on them."""
    caller = callers["tables"]
    for sql in ("SELECT * FROM mine", "SELECT count(*) FROM MINE", "SELECT 1",
                "SELECT * FROM main.shared JOIN mine USING(a)",
                "INSERT INTO mine SELECT * FROM shared", "UPDATE mine SET a = 1",
                "INSERT INTO mine VALUES(1, 2) RETURNING a", "DELETE FROM mine",
                "INSERT INTO kv VALUES('t', 1)", "SELECT * FROM kv WHERE key = 't'",
                "UPDATE kv SET value = 2 WHERE key = 't'", "DELETE FROM kv",
                "SELECT byron_delete_range('kv', 'x', 'y')", "SELECT byron_version()",
                "INSERT INTO kv(kv) VALUES('delete-all')",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                "LIMIT 9) SELECT count(*) FROM n",
                "WITH n AS (SELECT * FROM mine) SELECT 1 FROM n",
                "SELECT count(*) FROM json_each('[1, 2]')",
                "SELECT value FROM json_each('[1]')",
                "SELECT count(*) FROM (SELECT * FROM shared)"):
        assert caller.try_sql(sql) == OK, (sql, caller.words)
    assert callers["looker"].try_sql("SELECT count(*) FROM mine") == OK
    assert callers["looker"].try_sql("INSERT INTO mine VALUES(1, 2)") == DENIED
    assert callers["looker"].words == \
        'the right to write is missing for the table "mine"', callers["looker"].words


def ways_to_read(callers):
    """Of a table that a token is not for."""
    caller = callers["tables"]
    for sql in ("SELECT * FROM secret", "SELECT a FROM secret", "SELECT 1 FROM secret",
                "SELECT count(*) FROM secret", "SELECT count(*) FROM main.secret",
                "SELECT count(*) FROM \"SECRET\" AS mine", "SELECT rowid FROM secret",
                "SELECT EXISTS(SELECT 1 FROM secret)", "SELECT max(a) FROM [secret]",
                "SELECT * FROM mine WHERE (a, b) IN secret",
                "SELECT mine.* FROM mine, secret", "SELECT mine.a FROM mine CROSS JOIN secret",
                "SELECT * FROM mine NATURAL JOIN secret",
                "SELECT a FROM mine UNION ALL SELECT a FROM secret",
                "SELECT a FROM mine EXCEPT SELECT a FROM secret",
                "WITH mine AS (SELECT * FROM secret) SELECT * FROM mine",
                "WITH mine AS (SELECT 1 FROM secret) SELECT count(*) FROM mine",
                "WITH n AS (SELECT 1) SELECT count(*) FROM n, secret",
                "SELECT (SELECT a FROM secret)", "VALUES((SELECT a FROM secret))",
                "SELECT * FROM mine ORDER BY (SELECT a FROM secret)",
                "SELECT 1 LIMIT (SELECT count(*) FROM secret)",
                "SELECT sum(1) OVER (ORDER BY a) FROM secret",
                "SELECT count(*) FROM secret INDEXED BY by_b",
                "SELECT * FROM peek", "SELECT count(*) FROM peek", "SELECT * FROM counts",
                "SELECT 1 FROM counts", "SELECT * FROM mirror",
                "SELECT kv.key FROM kv NATURAL JOIN hidden", "SELECT 1 FROM kv JOIN hidden USING(key)",
                "SELECT * FROM kv NATURAL LEFT JOIN hidden AS mine", "SELECT * FROM hidden NATURAL JOIN kv",
                "SELECT 1 FROM mine JOIN secret USING(a)", "DELETE FROM kv WHERE key IN "
                "(SELECT kv.key FROM kv NATURAL JOIN hidden)", "EXPLAIN SELECT * FROM mine",
                "INSERT INTO mine SELECT kv.key, 1 FROM kv NATURAL JOIN hidden",
                "SELECT * FROM hidden", "SELECT count(*) FROM hidden",
                "SELECT value FROM hidden WHERE key = 'k'", "SELECT 1 FROM hidden",
                "EXPLAIN SELECT * FROM secret", "EXPLAIN QUERY PLAN SELECT 1 FROM secret",
                "INSERT INTO mine SELECT * FROM secret", "REPLACE INTO log SELECT * FROM secret",
                "INSERT INTO log SELECT * FROM main.secret",
                "INSERT INTO mine SELECT a, b FROM secret",
                "INSERT INTO mine SELECT 1, 2 FROM secret",
                "INSERT INTO mine SELECT a.* FROM secret AS a",
                "INSERT OR IGNORE INTO log SELECT * FROM sqlite_sequence",
                "/* */ INSERT INTO log SELECT * FROM secret --",
                "INSERT INTO kv SELECT * FROM hidden",
                "INSERT INTO mine VALUES(1, 2) RETURNING (SELECT a FROM secret)",
                "UPDATE mine SET a = (SELECT a FROM secret)",
                "UPDATE mine SET a = secret.a FROM secret",
                "UPDATE mine SET b = 1 FROM secret",
                "DELETE FROM mine WHERE EXISTS (SELECT 1 FROM secret)",
                "SELECT * FROM sqlite_schema", "SELECT count(*) FROM sqlite_master",
                "SELECT 1 FROM main.sqlite_schema", "SELECT rowid FROM sqlite_schema",
                "SELECT max(rowid) FROM sqlite_master", "SELECT rowid FROM names",
                "SELECT * FROM mine WHERE rowid IN (SELECT rowid FROM sqlite_schema)", "SELECT * FROM sqlite_temp_schema",
                "SELECT * FROM sqlite_sequence", "SELECT count(*) FROM sqlite_sequence",
                "SELECT * FROM sqlite_stat1", "SELECT * FROM names", "SELECT 1 FROM names",
                "SELECT * FROM columns", "SELECT count(*) FROM columns",
                "PRAGMA table_info(secret)", "PRAGMA table_info(mine)", ";PRAGMA table_list",
                "PRAGMA index_list(secret)", "PRAGMA database_list", "PRAGMA page_count",
                "PRAGMA integrity_check", "EXPLAIN PRAGMA table_list",
                "SELECT * FROM pragma_table_info('secret')",
                "SELECT count(*) FROM pragma_table_info('secret')",
                "SELECT 1 FROM pragma_table_list", "SELECT * FROM pragma_database_list",
                "SELECT * FROM dbstat", "SELECT count(*) FROM dbstat",
                "SELECT sum(pgsize) FROM dbstat WHERE name = 'secret'",
                "SELECT * FROM byron_tables", "SELECT count(*) FROM byron_tables",
                "SELECT * FROM byron_dump('hidden')", "SELECT 1 FROM byron_dump('hidden')",
                "SELECT count(*) FROM byron_stats('hidden')",
                "SELECT * FROM byron_sstables('hidden')", "SELECT byron_count('hidden')",
                "SELECT byron_count('hidden', 'k')", "SELECT byron_config('hidden')",
                "SELECT byron_check('hidden')", "SELECT byron_debug()",
                "SELECT * FROM byron_store", "SELECT count(*) FROM byron_store",
                "SELECT * FROM byron_catalog", "SELECT 1 FROM byron_index",
                "SELECT * FROM byron_ending", "SELECT changes()", "SELECT total_changes()"):
        for more in (b"", field(4, 1)):
            code = caller.try_sql(sql, more=more)
            assert code == DENIED or (code == INVALID and (
                "no such table" in caller.words or "syntax error" in caller.words)), \
                (sql, code, caller.words)
    for sql in ("SELECT a FROM mine WHERE a = 'top'", "SELECT * FROM mine",
                "SELECT * FROM log", "SELECT * FROM kv"):
        assert not any("secret" in row for row in caller.sql(sql)), sql
    assert caller.sql("SELECT last_insert_rowid()") == [(0,)]


def ways_to_write(callers):
    caller, admin = callers["tables"], callers["admin"]
    before = admin.sql("SELECT * FROM secret"), admin.sql("SELECT * FROM hidden"), \
        admin.sql("SELECT * FROM shared")
    for table in ("secret", "shared", "hidden", "main.secret", "\"Secret\"", "peek"):
        for sql in ("DELETE FROM %s", "DELETE FROM %s WHERE 1", "UPDATE %s SET rowid = 9",
                    "INSERT INTO %s VALUES(1, 2)", "REPLACE INTO %s VALUES(1, 2)",
                    "INSERT INTO %s DEFAULT VALUES", "INSERT INTO %s SELECT * FROM mine",
                    "INSERT INTO %s VALUES(1, 2) ON CONFLICT DO NOTHING",
                    "WITH x AS (SELECT 1) DELETE FROM %s",
                    "EXPLAIN DELETE FROM %s", "ALTER TABLE %s ADD COLUMN c",
                    "DROP TABLE %s", "CREATE INDEX i ON %s(a)"):
            code = caller.try_sql(sql % table)
            # Some of it cannot be done to a view, or to a byron table.
            assert code in (DENIED, INVALID), (sql % table, code, caller.words)
    for sql in ("SELECT byron_delete_range('hidden', 'a', 'z')",
                "SELECT byron_delete_range('main.hidden', 'a', 'z')",
                "INSERT INTO hidden(hidden) VALUES('delete-all')",
                "INSERT INTO byron_store DEFAULT VALUES", "DELETE FROM byron_catalog",
                "INSERT INTO byron_ending VALUES(1)", "SELECT byron_flush('kv')",
                "INSERT INTO byron_ending SELECT 0 WHERE 0",
                "INSERT INTO kv(kv, arg) VALUES('set', 'bloom_bits=5')",
                "INSERT INTO kv(kv, arg) VALUES('add-index', 'i(value)')",
                "VACUUM", "ATTACH ':memory:' AS a", "BEGIN", "CREATE TEMP TABLE mine(a)",
                "CREATE TABLE temp.mine(a)"):
        assert caller.try_sql(sql) == DENIED, (sql, caller.words)
    for sql in ("UPDATE sqlite_schema SET sql = ''", "DELETE FROM sqlite_schema",
                "INSERT INTO sqlite_schema DEFAULT VALUES",
                "INSERT INTO sqlite_master SELECT * FROM sqlite_master",
                "INSERT INTO sqlite_master SELECT 1, 2, 3, 4, 5"):
        for name in ("tables", "writer", "reader"):
            code = callers[name].try_sql(sql)
            assert code in (DENIED, INVALID), (name, sql, code)
    assert before == (admin.sql("SELECT * FROM secret"), admin.sql("SELECT * FROM hidden"),
                      admin.sql("SELECT * FROM shared"))


def views_and_triggers_give_nothing(callers):
    """Who uses one needs the rights to all that it does."""
    admin, caller = callers["admin"], callers["tables"]
    for sql in ("CREATE TRIGGER spy AFTER INSERT ON mine BEGIN "
                "INSERT INTO log SELECT a, b FROM secret; END",
                "CREATE TRIGGER copy AFTER UPDATE ON mine BEGIN "
                "INSERT INTO log SELECT * FROM secret; END",
                "CREATE TRIGGER count AFTER DELETE ON mine BEGIN "
                "INSERT INTO log SELECT count(*), 1 FROM secret; END",
                "CREATE TRIGGER out AFTER INSERT ON log BEGIN "
                "INSERT INTO secret VALUES(new.a, new.b); END",
                "CREATE TRIGGER through INSTEAD OF INSERT ON mirror BEGIN "
                "INSERT INTO secret VALUES(new.a, new.b); END"):
        assert admin.try_sql(sql) == OK, (sql, admin.words)
    admin.sql("INSERT INTO kv VALUES('a', 1)")
    for sql in ("INSERT INTO mine VALUES(1, 2)", "UPDATE mine SET a = 2",
                "DELETE FROM mine", "INSERT INTO log VALUES(1, 2)",
                "INSERT INTO mirror VALUES(1, 2)"):
        admin.try_sql("INSERT INTO mine VALUES(1, 2)")
        assert caller.try_sql(sql) == DENIED, (sql, caller.words)
    for name in ("spy", "copy", "count", "out", "through"):
        admin.sql("DROP TRIGGER " + name)
    assert caller.try_sql("INSERT INTO mine VALUES(1, 2)") == OK


def nothing_stays(callers):
    """A connection that a token had is not limited for the next, nor free for it."""
    for _ in range(12):
        assert callers["admin"].try_sql("SELECT count(*) FROM secret") == OK
        assert callers["tables"].try_sql("SELECT count(*) FROM secret") == DENIED
        assert callers["looker"].try_sql("INSERT INTO mine VALUES(1, 2)") == DENIED
        assert callers["tables"].try_sql("INSERT INTO mine VALUES(1, 2)") == OK
        assert callers["reader"].try_sql("DELETE FROM mine") == DENIED
        assert callers["writer"].try_sql("INSERT INTO kv VALUES(random(), 2)") == OK
        assert callers["tables"].try_sql("INSERT INTO kv VALUES(random(), 2)") == OK


def a_schema_that_changes(callers):
    """What was prepared before is asked anew."""
    caller, admin = callers["tables"], callers["admin"]
    for _ in range(10):
        admin.sql("CREATE TABLE passing(a)")
        assert caller.try_sql("SELECT * FROM mine") == OK, caller.words
        assert caller.try_sql("SELECT key FROM kv") == OK, caller.words
        assert caller.try_sql("INSERT INTO kv VALUES(random(), 1)") == OK, caller.words
        admin.sql("DROP TABLE passing")
        assert caller.try_sql("INSERT INTO kv VALUES(random(), 1)") == OK, caller.words
        assert caller.try_sql("SELECT * FROM secret") == DENIED


class Words:
    """Statements at random, over tables that may be read and those that may not."""

    def __init__(self, dice):
        self.dice = dice

    def table(self, depth):
        names = ["mine", "shared", "log", "kv"] * 2 + [
            "secret", "hidden", "peek", "mirror", "counts", "names", "columns", "counted",
            "sqlite_schema", "sqlite_sequence", "dbstat", "byron_tables", "byron_store",
            "byron_dump('hidden')", "byron_stats('hidden')", "pragma_table_list",
            "pragma_table_info('secret')", "json_each('[1]')", "main.secret"]
        if depth and self.dice.random() < 0.3:
            return "(%s)" % self.select(depth - 1)
        return self.dice.choice(names)

    def value(self, depth):
        if depth and self.dice.random() < 0.2:
            return self.dice.choice(("(%s)", "EXISTS(%s)", "1 IN (%s)")) \
                % self.select(depth - 1, 1)
        return self.dice.choice(("1", "a", "b", "*", "count(*)", "max(a)", "rowid", "value",
                                 "t1.a", "t2.b", "key", "byron_count('hidden')",
                                 "group_concat(a)", "t1.*", "NULL", "total_changes()"))

    def select(self, depth, width=None):
        values = ", ".join(self.value(depth) for _ in range(
            width or self.dice.choice((1, 1, 2))))
        tables = self.table(depth) + " AS t1"
        if self.dice.random() < 0.4:
            tables += self.dice.choice((", ", " JOIN ", " LEFT JOIN ", " NATURAL JOIN ")) \
                + self.table(depth) + " AS t2"
        more = self.dice.choice(("", "", " WHERE %s" % self.value(depth), " LIMIT 9",
                                 " GROUP BY 1", " ORDER BY 1", " LIMIT %s" % self.value(depth)))
        out = "SELECT %s FROM %s%s" % (values, tables, more)
        if depth and self.dice.random() < 0.15:
            out += self.dice.choice((" UNION ALL ", " EXCEPT ")) + self.select(depth - 1)
        if self.dice.random() < 0.15:
            out = "WITH %s AS (%s) %s" % (self.dice.choice(("mine", "secret", "n")),
                                          self.select(0), out)
        return out

    def statement(self):
        into = self.dice.choice(("mine", "log", "mine", "log", "kv", "secret", "hidden",
                                 "shared", "mirror", "peek"))
        return self.dice.choice((
            lambda: self.select(2), lambda: self.select(3),
            lambda: "INSERT INTO %s %s" % (into, self.select(1)),
            lambda: "REPLACE INTO %s SELECT * FROM %s" % (into, self.table(0)),
            lambda: "INSERT INTO %s SELECT a, b FROM %s" % (into, self.table(1)),
            lambda: "UPDATE %s SET b = %s" % (into, self.value(2)),
            lambda: "UPDATE %s SET b = %s FROM %s AS t1" % (into, self.value(1),
                                                            self.table(1)),
            lambda: "DELETE FROM %s WHERE %s RETURNING %s" % (into, self.value(1),
                                                              self.value(1))))()


def any_statement(callers):
    """None tells, or changes, anything of a table that the token is not for."""
    seed = int(os.environ.get("BYRON_SEED", time.time_ns()))
    words = Words(random.Random(seed))
    caller, admin = callers["tables"], callers["admin"]
    for sql in ("DELETE FROM secret", "DELETE FROM hidden", "DELETE FROM mine",
                "DELETE FROM log", "DELETE FROM kv"):
        admin.sql(sql)
    assert caller.try_sql("SELECT * FROM kv NATURAL JOIN json_each('[1]')") == OK
    numbers = "WITH RECURSIVE n(i) AS (SELECT 700001 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
    admin.sql(numbers % 7919 + "INSERT INTO secret SELECT 'MARK' || i, i FROM n")
    admin.sql(numbers % 7907 + "INSERT INTO hidden SELECT 'MARK' || i, i FROM n")
    closed = ("SELECT * FROM secret", "SELECT * FROM hidden", "SELECT * FROM shared",
              "SELECT * FROM sqlite_schema", "SELECT * FROM sqlite_sequence")
    before = [admin.sql(sql) for sql in closed]
    done = 0
    for i in range(600):
        sql = words.statement()
        rows = []
        code = caller.code(lambda s=sql: rows.extend(caller.sql(s)))
        done += code == OK
        if i % 10 == 9: # Before joins have made many of them.
            for table in ("mine", "log", "kv"):
                rows += admin.sql("SELECT * FROM " + table)
                admin.sql("DELETE FROM " + table)
            admin.sql("INSERT INTO mine VALUES(1, 2), (3, 4)")
        told = repr(rows)
        for mark in ("MARK", "7000", "7919", "7907", "secret", "hidden"):
            assert mark not in told, "BYRON_SEED=%d: %s tells %s" % (seed, sql, mark)
    assert done > 20, done
    assert before == [admin.sql(sql) for sql in closed], "BYRON_SEED=%d" % seed


def cold(path, folder):
    """A server that has connected no table yet, for whom may do little."""
    for sql in ("SELECT * FROM kv", "INSERT INTO kv VALUES(random(), 1)",
                "SELECT byron_delete_range('kv', 'x', 'y')", "SELECT * FROM json_each('[1]')"):
        server = serve(path, folder)
        caller = Caller(server.channel(), TABLES)
        assert caller.try_sql(sql) == OK, (sql, caller.words)
        assert caller.try_sql("SELECT * FROM hidden") == DENIED, caller.words
        assert caller.try_sql("SELECT * FROM dbstat") == DENIED, caller.words
        assert caller.try_sql("SELECT * FROM pragma_table_list") == DENIED, caller.words
        server.stop()


def no_secret_is_told(callers):
    for caller in callers.values():
        for token in (ADMIN, WRITER, READER, KEYS, SPAN, TABLES, LOOKER):
            assert token not in caller.words


def serve(path, folder):
    return Server(path, folder, "--tokens=%s/tokens" % folder,
                  "--tls-clients=%s/ours.pem" % folder, "--database=%s/sql.db" % folder)


def main():
    path = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        make_client(folder, "alice", "/CN=alice", "DNS:elsewhere")
        make_client(folder, "bob", "/CN=somebody", "DNS:bob.example.org")
        make_client(folder, "carol", "/CN=carol", "email:alice@example.org")
        with open(folder + "/tokens", "w") as file:
            file.write(TOKENS + "read certificate alice prefix=mine/\n"
                       "write certificate bob.example.org\n")
        os.chmod(folder + "/tokens", 0o600)
        server = serve(path, folder)
        channel = server.channel()
        callers = {name: Caller(channel, token) for name, token in (
            ("admin", ADMIN), ("writer", WRITER), ("reader", READER), ("keys", KEYS),
            ("span", SPAN), ("tables", TABLES), ("looker", LOOKER), ("nobody", None))}
        for name in ("alice", "bob", "carol"):
            callers[name] = Caller(server.channel(client=name))
        failed = run_cases("rights", callers, [
            rights_have_an_order, single_keys, many_keys, conditions_read, ranges,
            snapshots, ids_are_their_own, certificates, schema, graded, tables,
            ways_to_read, ways_to_write, views_and_triggers_give_nothing, nothing_stays,
            a_schema_that_changes, any_statement, no_secret_is_told, lambda _: server.stop(),
            lambda _: cold(path, folder)])
    sys.exit(failed)


if __name__ == "__main__":
    main()
