#!/usr/bin/python3
"""byron.v1.Byron, by python3-grpcio: what is written is read, and is kept.

Covers: store, read_request.
Usage: store.py BYROND        (run by test_server.sh)
"""
import os
import random
import signal
import sys
import tempfile
import time

import grpc

from clients import code_of, field, start, unary

BYRON = "/byron.v1.Byron/"
BUFFERED = field(3, 1)


def get(channel, key):
    """None where the key is absent."""
    got, _ = unary(channel, BYRON + "Get", field(1, key))
    if not got:
        return None
    assert got[:2] == field(1, 1), got
    value = got[2:]
    if not value:
        return b""
    for head in (2, 3, 4, 5):
        if value == field(2, value[head:]):
            return value[head:]
    raise AssertionError("not a value: %r" % value[:20])


def put(channel, key, value, more=b""):
    got, _ = unary(channel, BYRON + "Put", field(1, key) + field(2, value) + more)
    assert got == b""


# --- What is tried -----------------------------------------------------------

def puts_are_read(channel):
    assert get(channel, b"nobody") is None
    for value in (b"", b"x", b"\0\xff" * 1000, os.urandom(3000000)):
        put(channel, b"\0key\xff", value)
        assert get(channel, b"\0key\xff") == value
    put(channel, b"buffered", b"1", BUFFERED)
    assert get(channel, b"buffered") == b"1"


def deletes_are_seen(channel):
    put(channel, b"gone", b"x")
    assert unary(channel, BYRON + "Delete", field(1, b"gone"))[0] == b""
    assert get(channel, b"gone") is None
    unary(channel, BYRON + "Delete", field(1, b"gone"))


def a_write_is_one(channel):
    """Put, delete, delete a range; and nothing where one of them is wrong."""
    def op_put(key, value):
        return field(1, field(1, field(1, key) + field(2, value)))
    put(channel, b"w1", b"old")
    put(channel, b"r1", b"old")
    put(channel, b"r2", b"old")
    ops = op_put(b"w2", b"new") + field(1, field(2, b"w1")) + \
        field(1, field(3, field(1, b"r1") + field(2, b"r2"))) + \
        op_put(b"w3", b"first") + op_put(b"w3", b"second")
    assert unary(channel, BYRON + "Write", ops)[0] == b""
    assert [get(channel, key) for key in (b"w1", b"w2", b"w3", b"r1", b"r2")] == \
        [None, b"new", b"second", None, b"old"]
    assert code_of(lambda: unary(
        channel, BYRON + "Write", op_put(b"w4", b"x") + op_put(b"", b"x"))) \
        == grpc.StatusCode.INVALID_ARGUMENT
    assert get(channel, b"w4") is None


def many_keys_at_once(channel):
    put(channel, b"m1", b"1")
    put(channel, b"m3", b"")
    got, _ = unary(channel, BYRON + "MultiGet",
                   b"".join(field(1, key) for key in (b"m1", b"m2", b"m3", b"m1")))
    one = field(1, field(1, 1) + field(2, b"1"))
    assert got == one + field(1, b"") + field(1, field(1, 1)) + one, got
    assert unary(channel, BYRON + "MultiGet", b"")[0] == b""


def large_answers(channel):
    """As many keys as may be asked for; but not as many bytes."""
    put(channel, b"large", b"x" * 3000000)
    call = channel.unary_unary(BYRON + "MultiGet")
    got = call(field(1, b"large") * 5 + field(1, b"nobody") * 9995, timeout=20)
    assert got.count(b"x" * 3000000) == 5
    assert code_of(lambda: call(field(1, b"large") * 10000, timeout=20)) \
        == grpc.StatusCode.RESOURCE_EXHAUSTED


def wrong_requests(channel):
    for method, request in (
            ("Get", b""), ("Get", field(1, b"k" * (2**20 + 1))), ("Get", b"\xff"),
            ("Put", field(2, b"x")), ("Delete", b""), ("Write", b""),
            ("Write", field(1, b"")), ("Write", field(1, field(2, b""))),
            ("Write", field(1, field(3, field(1, b"a")))),
            ("MultiGet", field(1, b"a") + field(1, b"")),
            ("MultiGet", field(1, b"a") * 10001)):
        assert code_of(lambda m=method, r=request: unary(channel, BYRON + m, r)) \
            == grpc.StatusCode.INVALID_ARGUMENT, (method, request[:20])


def many_writers(channel):
    """256 in flight; the last of each key counts."""
    call = channel.unary_unary(BYRON + "Put")
    for first in range(0, 2000, 250):
        futures = [call.future(field(1, b"p%d" % i) + field(2, b"v%d" % i))
                   for i in range(first, first + 250)]
        for future in futures:
            future.result()
    for i in random.sample(range(2000), 100):
        assert get(channel, b"p%d" % i) == b"v%d" % i


def cancelled_calls(channel):
    """Nobody waits for the answer: the server does not mind."""
    call = channel.unary_unary(BYRON + "Put")
    for i in range(200):
        call.future(field(1, b"c%d" % i) + field(2, b"x" * 1000)).cancel()
    put(channel, b"after", b"cancel")
    assert get(channel, b"after") == b"cancel"


def any_bytes(channel):
    """Requests that are damaged are answered, and no more happens."""
    good = {"Get": field(1, b"key"), "MultiGet": field(1, b"a") + field(1, b"b"),
            "Put": field(1, b"key") + field(2, b"value") + BUFFERED,
            "Delete": field(1, b"key") + field(2, 1),
            "Write": field(1, field(1, field(1, b"x") + field(2, b"y"))) +
            field(1, field(3, field(1, b"q") + field(2, b"r"))) + BUFFERED}
    seed = int(os.environ.get("BYRON_SEED", time.time_ns()))
    dice = random.Random(seed)
    futures = []
    for method, request in good.items():
        call = channel.unary_unary(BYRON + method)
        for _ in range(300):
            bad = bytearray(request)
            for _ in range(dice.randint(1, 3)):
                bad[dice.randrange(len(bad))] = dice.randrange(256)
            futures.append(call.future(bytes(bad[:dice.randint(0, len(bad))]),
                                       timeout=20))
    for future in futures:
        assert future.exception() is None or \
            future.code() == grpc.StatusCode.INVALID_ARGUMENT, \
            "BYRON_SEED=%d: %r" % (seed, future.code())
    # A damaged range may have met anything.
    put(channel, b"buffered", b"1", BUFFERED)
    put(channel, b"after", b"damage")
    assert get(channel, b"after") == b"damage"


def drained(path, folder):
    """SIGTERM under writers: each is answered or told that it is too late."""
    process, channel = open_server(path, folder)
    call = channel.unary_unary(BYRON + "Put")
    call(field(1, b"d") + field(2, b"d"), timeout=10)
    futures = {i: call.future(field(1, b"d%d" % i) + field(2, b"%d" % i))
               for i in range(2000)}
    process.send_signal(signal.SIGTERM)
    codes = {future.code() for future in futures.values()}
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}, codes
    assert process.wait(timeout=20) == 0
    channel.close()
    process, channel = open_server(path, folder)
    for i, future in futures.items():
        if future.code() == grpc.StatusCode.OK:
            assert get(channel, b"d%d" % i) == b"%d" % i, i
    channel.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def killed(path, folder):
    """SIGKILL under writers: what was acknowledged is there afterwards."""
    process, channel = open_server(path, folder)
    call = channel.unary_unary(BYRON + "Put")
    futures = {i: call.future(field(1, b"k%d" % i) + field(2, b"%d" % i))
               for i in range(3000)}
    time.sleep(0.15)
    process.kill()
    process.wait()
    acknowledged = [i for i, future in futures.items() if not future.exception()]
    channel.close()
    process, channel = open_server(path, folder)
    for i in acknowledged:
        assert get(channel, b"k%d" % i) == b"%d" % i, i
    assert get(channel, b"buffered") == b"1", "the first server's"
    channel.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert acknowledged, "killed too early to tell"


def busy(path, folder):
    """One process owns a store."""
    process, channel = open_server(path, folder)
    second, port = start(path, "--store=" + folder)
    assert port is None and second.wait(timeout=20) == 1
    channel.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def open_server(path, folder):
    process, port = start(path, "--store=" + folder)
    options = (("grpc.max_receive_message_length", -1),
               ("grpc.use_local_subchannel_pool", 1))
    return process, grpc.insecure_channel("127.0.0.1:%d" % port, options)


def main():
    path = sys.argv[1]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder += "/store"
        process, channel = open_server(path, folder)
        with_server = [puts_are_read, deletes_are_seen, a_write_is_one,
                       many_keys_at_once, large_answers, wrong_requests, many_writers,
                       cancelled_calls, any_bytes]
        for case in with_server + [killed, drained, busy]:
            if case is killed:
                channel.close()
                process.send_signal(signal.SIGTERM)
                if process.wait(timeout=20) != 0:
                    print("FAILED: the server ended with %d" % process.returncode)
                    failed += 1
            begun = time.time()
            try:
                case(*([channel] if case in with_server else [path, folder]))
                passed += 1
            except Exception as error:  # pylint: disable=broad-except
                print("FAILED %s: %r" % (case.__name__, error))
                failed += 1
            if os.environ.get("TIMES"):
                print("%-20s %.1f s" % (case.__name__, time.time() - begun))
    print("store: %d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


main()
