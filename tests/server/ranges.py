#!/usr/bin/python3
"""Range and snapshots of byron.v1, by python3-grpcio.

Covers: range, snapshots.
Usage: ranges.py BYROND        (run by test_server.sh)
"""
import os
import random
import struct
import sys
import time

import grpc

from clients import BYRON, code_of, field, fields, run_cases, unary
from clients import open_server, stop_server

ROWS = 20000


def fixed(number, value):
    return bytes([number << 3 | 1]) + struct.pack("<Q", value)


def key(i):
    return b"key%06d" % i


def value(i):
    return b"value%d" % i * (i % 20)


def fill(channel):
    call = channel.unary_unary(BYRON + "Write")
    for first in range(0, ROWS, 5000):
        call(b"".join(field(1, field(1, field(1, key(i)) + field(2, value(i))))
                      for i in range(first, first + 5000)), timeout=20)


def messages(channel, request=b"", timeout=20):
    """Yields rows and resume token of each message."""
    for got in channel.unary_stream(BYRON + "Range")(request, timeout=timeout):
        rows, token = [], None
        for number, content in fields(got):
            if number == 1:
                row = dict(fields(content))
                rows.append((row[1], row.get(2, b"")))
            else:
                token = content
        yield rows, token


def rows_of(channel, request=b""):
    return [row for rows, _ in messages(channel, request) for row in rows]


def open_snapshot(channel, seconds=0):
    got, _ = unary(channel, BYRON + "OpenSnapshot", field(1, seconds))
    got = dict(fields(got))
    return got[1], got[2]


# --- What is tried -----------------------------------------------------------

def all_rows(channel):
    fill(channel)
    expected = [(key(i), value(i)) for i in range(ROWS)]
    assert rows_of(channel) == expected
    assert rows_of(channel, field(4, 1)) == expected[::-1]
    assert rows_of(channel, field(5, 1)) == [(key(i), b"") for i in range(ROWS)]
    assert rows_of(channel, field(7, 2**20)) == expected
    assert rows_of(channel, field(1, b"z")) == []


def parts(channel):
    for _ in range(30):
        first, end = sorted(random.sample(range(ROWS), 2))
        limit, reverse = random.choice([0, 1, 100]), random.randint(0, 1)
        expected = [(key(i), value(i)) for i in range(first, end)]
        expected = expected[::-1] if reverse else expected
        got = rows_of(channel, field(1, key(first)) + field(2, key(end)) +
                      field(3, limit) + field(4, reverse))
        assert got == (expected[:limit] if limit else expected)


def resumed(channel):
    """After any message the same request goes on, to the same limit."""
    for reverse in (0, 1):
        request = field(3, 7000) + field(4, reverse) + field(7, 4096)
        expected, rows, token = rows_of(channel, request), [], b""
        assert len(expected) == 7000
        while len(rows) < 7000:
            for count, (more, token) in enumerate(messages(
                    channel, request + (field(8, token) if token else b""))):
                rows += more
                if count == 20:
                    break
        assert rows == expected
        assert rows_of(channel, request + field(8, token)) == []


def wrong_requests(channel):
    for request in (field(1, b"b") + field(2, b"a"), field(8, b"x"),
                    field(1, b"x" * (2**20 + 1)), b"\xff",
                    field(1, b"b") + field(8, b"\1" + b"\0" * 8 + b"a")):
        assert code_of(lambda r=request: rows_of(channel, r)) \
            == grpc.StatusCode.INVALID_ARGUMENT, request[:20]
    assert code_of(lambda: rows_of(channel, fixed(6, 12345))) \
        == grpc.StatusCode.NOT_FOUND


def any_bytes(channel):
    """Requests that are damaged are answered, whatever they ask for."""
    good = field(1, b"key") + field(2, b"kez") + field(3, 9) + field(4, 1) + \
        field(7, 99) + field(8, b"\1" + b"\0" * 8 + b"key1") + fixed(6, 5)
    seed = int(os.environ.get("BYRON_SEED", time.time_ns()))
    dice = random.Random(seed)
    for _ in range(300):
        bad = bytearray(good[:dice.randint(1, len(good))])
        for _ in range(dice.randint(0, 3)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        code = code_of(lambda: next(messages(channel, bytes(bad)), None))
        assert code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT,
                        grpc.StatusCode.NOT_FOUND), "BYRON_SEED=%d" % seed


def a_range_is_one_state(channel):
    """What is written while it is read, it does not show."""
    got = messages(channel)
    rows, _ = next(got)
    unary(channel, BYRON + "Put", field(1, key(ROWS - 1) + b"x") + field(2, b"x"))
    for more, _ in got:
        rows += more
    assert len(rows) == ROWS
    unary(channel, BYRON + "Delete", field(1, key(ROWS - 1) + b"x"))


def snapshots(channel):
    """A state of the store that stays readable by its number."""
    put = channel.unary_unary(BYRON + "Put")
    put(field(1, b"s1") + field(2, b"old"), timeout=10)
    snapshot, seconds = open_snapshot(channel)
    assert seconds == 2, "what --lease=2 lets be"
    put(field(1, b"s1") + field(2, b"new"), timeout=10)
    put(field(1, b"s2") + field(2, b"new"), timeout=10)
    old, new = field(1, 1) + field(2, b"old"), field(1, 1) + field(2, b"new")
    at = fixed(2, snapshot)
    assert unary(channel, BYRON + "Get", field(1, b"s1") + at)[0] == old
    assert unary(channel, BYRON + "Get", field(1, b"s1"))[0] == new
    assert unary(channel, BYRON + "MultiGet",
                 field(1, b"s1") + field(1, b"s2") + at)[0] \
        == field(1, old) + field(1, b"")
    assert rows_of(channel, field(1, b"s") + fixed(6, snapshot)) == [(b"s1", b"old")]
    unary(channel, BYRON + "CloseSnapshot", fixed(1, snapshot))
    unary(channel, BYRON + "CloseSnapshot", fixed(1, snapshot))
    for method, request in (("Get", field(1, b"s1") + at),
                            ("RenewSnapshot", fixed(1, snapshot))):
        assert code_of(lambda m=method, r=request: unary(channel, BYRON + m, r)) \
            == grpc.StatusCode.NOT_FOUND
    for name in (b"s1", b"s2"):
        unary(channel, BYRON + "Delete", field(1, name))


def leases_end(channel):
    """The one that is renewed lives on; the other ends by itself."""
    first, second = open_snapshot(channel, 2)[0], open_snapshot(channel, 1)[0]
    for _ in range(4):
        time.sleep(0.6)
        unary(channel, BYRON + "RenewSnapshot", fixed(1, first) + field(2, 2))
    get = channel.unary_unary(BYRON + "Get")
    get(field(1, b"x") + fixed(2, first), timeout=10)
    assert code_of(lambda: get(field(1, b"x") + fixed(2, second), timeout=10)) \
        == grpc.StatusCode.NOT_FOUND
    unary(channel, BYRON + "CloseSnapshot", fixed(1, first))


def many_snapshots(channel):
    """Too many are refused, and those that are lost make room."""
    call = channel.unary_unary(BYRON + "OpenSnapshot")
    futures = [call.future(field(1, 1)) for _ in range(300)]
    codes = [future.code() for future in futures]
    assert codes.count(grpc.StatusCode.OK) == 256
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 44
    time.sleep(1.3)
    unary(channel, BYRON + "CloseSnapshot", fixed(1, open_snapshot(channel)[0]))


def slow_readers(channel):
    """A range that is not read on costs little, and not for ever."""
    calls = [channel.unary_stream(BYRON + "Range")(b"", timeout=30)
             for _ in range(50)]
    for call in calls:
        next(call)
    time.sleep(2.5)
    codes = {code_of(lambda c=call: list(c)) for call in calls}
    assert codes <= {grpc.StatusCode.ABORTED, grpc.StatusCode.OK}, codes
    assert grpc.StatusCode.ABORTED in codes, codes


def cancelled(channel):
    """Ranges that nobody reads to the end leave nothing behind."""
    for _ in range(100):
        call = channel.unary_stream(BYRON + "Range")(b"", timeout=30)
        if random.randint(0, 1):
            next(call)
        call.cancel()
    assert len(rows_of(channel)) == ROWS


def main():
    process, channel, folder = open_server(sys.argv[1], "--lease=2", "--grace=1")
    failed = run_cases("ranges", channel, [
        all_rows, parts, resumed, wrong_requests, any_bytes, a_range_is_one_state,
        snapshots, leases_end, many_snapshots, slow_readers, cancelled])
    # A snapshot, a range and a cancelled one are open when it ends.
    open_snapshot(channel)
    call = channel.unary_stream(BYRON + "Range")(b"", timeout=30)
    next(call)
    sys.exit(stop_server(process, channel, folder) or failed)


if __name__ == "__main__":
    main()
