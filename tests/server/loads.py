#!/usr/bin/python3
"""Load, and conditions and ids of Write, by python3-grpcio.

Covers: load, write_request, committer.
Usage: loads.py BYROND        (run by test_server.sh)
"""
import os
import random
import signal
import sys
import threading
import time

import grpc

from clients import BYRON, code_of, field, fields, run_cases, unary
from clients import open_server, stop_server

OWN = b"\xff" * 16


def get(channel, key):
    return dict(fields(unary(channel, BYRON + "Get", field(1, key))[0])).get(2)


def put(key, value):
    return field(1, field(1, key) + field(2, value))


def write(channel, key, value, more=b""):
    return unary(channel, BYRON + "Write", field(1, put(key, value)) + more)[0]


def batch(number, *rows, name=b""):
    return (field(1, name) if name else b"") + field(2, number) + \
        b"".join(field(3, put(*row)) for row in rows)


def load(channel, messages, timeout=20):
    """How many batches are there, how many had been."""
    got = channel.stream_unary(BYRON + "Load")(iter(messages), timeout=timeout)
    got = dict(fields(got))
    return got.get(1, 0), got.get(2, 0)


# --- What is tried -----------------------------------------------------------

def conditions(channel):
    absent, present = field(2, field(1, b"c") + field(2, 1)), \
        field(2, field(1, b"c") + field(4, 1))
    is_one = field(2, field(1, b"c") + field(3, b"1"))
    failed = grpc.StatusCode.FAILED_PRECONDITION
    assert code_of(lambda: write(channel, b"c", b"0", present)) == failed
    assert code_of(lambda: write(channel, b"c", b"0", is_one)) == failed
    assert write(channel, b"c", b"1", absent) == b""
    assert code_of(lambda: write(channel, b"c", b"2", absent)) == failed
    assert write(channel, b"c", b"2", present + is_one) == b""
    assert get(channel, b"c") == b"2"
    try:
        write(channel, b"d", b"x", present + is_one)
        raise AssertionError("was written")
    except grpc.RpcError as error:
        assert error.details() == "condition 2 is not met", error.details()
    assert get(channel, b"d") is None


def one_of_many_wins(channel):
    """64 clients count to the same number: no count is lost."""
    def count():
        done = 0
        while done < 5:
            now = get(channel, b"count") or b""
            wanted = field(3, now) if now else field(2, 1)
            code = code_of(lambda: write(channel, b"count", b"%d" % (int(now or 0) + 1),
                                         field(2, field(1, b"count") + wanted)))
            assert code in (grpc.StatusCode.OK,
                            grpc.StatusCode.FAILED_PRECONDITION), code
            done += code == grpc.StatusCode.OK
    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert get(channel, b"count") == b"40"


def ids(channel):
    """The same request again is not done again."""
    name = field(4, b"request 1")
    absent = field(2, field(1, b"i") + field(2, 1))
    assert write(channel, b"i", b"1", absent + name) == b""
    assert write(channel, b"i", b"1", absent + name) == field(1, 1)
    write(channel, b"i", b"2")
    assert write(channel, b"i", b"1", absent + name) == field(1, 1)
    assert get(channel, b"i") == b"2"
    assert code_of(lambda: write(channel, b"i", b"3", name)) \
        == grpc.StatusCode.INVALID_ARGUMENT


def loads(channel):
    assert load(channel, []) == (0, 0)
    assert load(channel, [batch(0, (b"l%d" % i, b"x" * i)) for i in range(500)]) \
        == (500, 0)
    assert [get(channel, b"l%d" % i) for i in (1, 250, 499)] == \
        [b"x" * i for i in (1, 250, 499)]
    large = [batch(0, *((b"m%d-%d" % (i, j), b"y" * 300000) for j in range(12)))
             for i in range(8)]
    assert load(channel, large) == (8, 0)
    assert get(channel, b"m7-11") == b"y" * 300000


def taken_up_again(channel):
    batches = [batch(i + 1, (b"t%d" % i, b"%d" % i), name=b"L" if i == 0 else b"")
               for i in range(100)]
    name = field(1, b"L")
    assert load(channel, [name]) == (0, 0)
    assert load(channel, batches[:60]) == (60, 0)
    assert load(channel, [name]) == (60, 0)
    unary(channel, BYRON + "Put", field(1, b"t0") + field(2, b"mine"))
    assert load(channel, [name] + batches[40:]) == (100, 20)
    assert load(channel, batches) == (100, 100)
    assert get(channel, b"t0") == b"mine" and get(channel, b"t99") == b"99"
    assert code_of(lambda: load(channel, [name, batch(102, (b"x", b"x"))])) \
        == grpc.StatusCode.FAILED_PRECONDITION


def wrong_requests(channel):
    for messages in ([b"\xff"], [field(1, b"x" * 65)], [batch(0, (b"", b""))],
                     [batch(0, (b"k", b"v"), name=b"L")],
                     [batch(1, (b"k", b"v"), name=b"A"), field(1, b"B")],
                     [batch(0, *[(b"k", b"v")] * 10001)],
                     [batch(0, (OWN, b"v"))]):
        assert code_of(lambda m=messages: load(channel, m)) \
            == grpc.StatusCode.INVALID_ARGUMENT, messages[0][:20]
    for more in (field(4, b"x" * 65), field(2, b""), field(2, field(1, b"k")),
                 field(2, field(1, b"k") + field(2, 0)), field(2, field(2, 1)),
                 field(2, field(1, OWN) + field(2, 1))):
        assert code_of(lambda m=more: write(channel, b"w", b"x", m)) \
            == grpc.StatusCode.INVALID_ARGUMENT, more
    assert get(channel, b"w") is None


def the_servers_own_keys(channel):
    """They are neither read nor deleted by clients."""
    for method, request in (("Get", field(1, OWN)), ("Put", field(1, OWN + b"i")),
                            ("Delete", field(1, OWN + b"irequest 1"))):
        assert code_of(lambda m=method, r=request: unary(channel, BYRON + m, r)) \
            == grpc.StatusCode.INVALID_ARGUMENT
    write(channel, b"\xff" * 15, b"mine")
    call = channel.unary_stream(BYRON + "Range")
    for end in (b"", field(2, OWN + OWN)):
        rows = b"".join(call(field(1, b"\xff") + end, timeout=10))
        assert rows.count(b"mine") == 1 and OWN not in rows, rows
    assert list(call(field(1, OWN), timeout=10)) == []
    everything = field(1, field(3, field(1, b"\0") + field(2, OWN + OWN)))
    unary(channel, BYRON + "Write", everything)
    assert get(channel, b"\xff" * 15) is None
    assert load(channel, [field(1, b"L")]) == (100, 0)


def any_bytes(channel):
    """Messages that are damaged are answered."""
    seed = int(os.environ.get("BYRON_SEED", time.time_ns()))
    dice = random.Random(seed)
    good = batch(1, (b"a", b"b"), (b"c", b"d"), name=b"damaged")
    wanted = put(b"e", b"f") + field(2, field(1, b"k") + field(3, b"v")) + \
        field(3, 1) + field(4, b"id")
    wanted = field(1, wanted) + field(2, field(1, b"k") + field(2, 1))
    for i in range(300):
        bad = bytearray(wanted if i % 2 else good)
        for _ in range(dice.randint(1, 3)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        bad = bytes(bad[:dice.randint(0, len(bad))])
        code = code_of((lambda: unary(channel, BYRON + "Write", bad)) if i % 2 else
                       (lambda: load(channel, [bad, good])))
        assert code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT,
                        grpc.StatusCode.FAILED_PRECONDITION), \
            "BYRON_SEED=%d: %r" % (seed, code)


def many_loads(channel):
    """Nine at once: one is refused; one that says nothing ends by itself."""
    stop = threading.Event()

    def slowly():
        yield batch(0, (b"n", b"1"))
        stop.wait(10)
    call = channel.stream_unary(BYRON + "Load")
    futures = [call.future(slowly(), timeout=20) for _ in range(9)]
    until, refused = time.time() + 1.5, []
    while not refused and time.time() < until:
        time.sleep(0.01)
        refused = [future for future in futures if future.done()]
    assert len(refused) == 1
    assert refused[0].code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert get(channel, b"n") == b"1", "others are served"
    codes = [future.code() for future in futures]
    stop.set()
    assert codes.count(grpc.StatusCode.ABORTED) == 8, codes
    assert load(channel, [batch(0, (b"n", b"2"))]) == (1, 0)


def cancelled(channel):
    stop = threading.Event()

    def slowly():
        for i in range(100):
            yield batch(0, (b"q%d" % i, b"1" * 10000))
        stop.wait(10)
    for i in range(20):
        future = channel.stream_unary(BYRON + "Load").future(slowly(), timeout=20)
        time.sleep(0.002 * i)
        future.cancel()
    stop.set()
    assert load(channel, [batch(0, (b"n", b"3"))]) == (1, 0)


def killed(path, folder):
    """SIGKILL under a load: it is taken up where it was broken off."""
    process, channel, _ = open_server(path, folder=folder)
    batches = [batch(i + 1, (b"k%d" % i, b"%d" % i), (b"last", b"%d" % i),
                     name=b"killed") for i in range(20000)]
    future = channel.stream_unary(BYRON + "Load").future(iter(batches), timeout=30)
    time.sleep(0.4)
    process.kill()
    process.wait()
    assert future.exception(), "killed too late to tell"
    channel.close()
    process, channel, _ = open_server(path, folder=folder)
    there, _ = load(channel, [field(1, b"killed")])
    assert there > 0, "killed too early to tell"
    assert get(channel, b"last") == b"%d" % (there - 1)
    assert get(channel, b"k%d" % there) is None
    assert load(channel, batches[there:there + 100]) == (there + 100, 0)
    return stop_server(process, channel)


def main():
    process, channel, folder = open_server(sys.argv[1], "--lease=2")
    cases = [conditions, one_of_many_wins, ids, loads, taken_up_again,
             wrong_requests, the_servers_own_keys, any_bytes, many_loads, cancelled]

    def restarted(_):
        nonlocal process, channel
        assert not stop_server(process, channel)
        assert not killed(sys.argv[1], folder)
        process, channel, _ = open_server(sys.argv[1], folder=folder)
        assert load(channel, [field(1, b"L")]) == (100, 0)
    failed = run_cases("loads", channel, cases + [restarted])
    sys.exit(stop_server(process, channel, folder) or failed)


if __name__ == "__main__":
    main()
