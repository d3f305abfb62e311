#!/usr/bin/python3
"""python3-grpcio against byrond: services, statuses, messages, deadlines.

Usage: clients.py INTEROP_SERVER        (run by test_server.sh)
Covers: reply, health, reflection.
Messages are bytes made by hand: no generated code is needed.
"""
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc

BYRON = "/byron.v1.Byron/"
SERVICE = "/grpc.testing.TestService/"


def varint(number):
    out = b""
    while number >= 128:
        out, number = out + bytes([number % 128 + 128]), number // 128
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def read_varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return number, at


def fields(data):
    """Yields number and value of each field of a message."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            value, at = read_varint(data, at)
        else:
            size = 8
            if tag & 7 == 2:
                size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
            if tag & 7 == 1:
                value = int.from_bytes(value, "little")
        yield tag >> 3, value


def payload(size):
    return field(1, field(2, b"\0" * size)) if size else field(1, b"")


def responses(*sizes, interval_us=0):
    return b"".join(field(2, field(1, s) + field(2, interval_us)) for s in sizes)


def unary(channel, method, request=b"", timeout=10, **more):
    return channel.unary_unary(method).with_call(request, timeout=timeout, **more)


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


# --- What is tried -----------------------------------------------------------

def sizes_come_back(channel):
    for size in (0, 1, 1000, 65536, 314159, 4000000):
        got, _ = unary(channel, SERVICE + "UnaryCall", field(2, size))
        assert got == payload(size), size


def large_requests(channel):
    got, _ = unary(channel, SERVICE + "UnaryCall",
                   field(2, 5) + field(3, field(2, b"x" * 4000000)))
    assert got == payload(5)
    assert code_of(lambda: unary(
        channel, SERVICE + "UnaryCall",
        field(3, field(2, b"x" * 5000000)))) == grpc.StatusCode.RESOURCE_EXHAUSTED


def malformed_requests(channel):
    assert code_of(lambda: unary(channel, SERVICE + "UnaryCall", b"\xff\xff")) \
        == grpc.StatusCode.INVALID_ARGUMENT


def compressed_both_ways(channel):
    """response_compressed and expect_compressed; large, or grpcio will not."""
    request = field(2, 314159) + field(3, field(2, b"\0" * 10000)) + \
        field(6, field(1, 1)) + field(8, field(1, 1))
    got, _ = unary(channel, SERVICE + "UnaryCall", request,
                   compression=grpc.Compression.Gzip)
    assert got == payload(314159)
    assert code_of(lambda: unary(channel, SERVICE + "UnaryCall", request)) \
        == grpc.StatusCode.INVALID_ARGUMENT


def compressed_stream(channel):
    request = field(2, field(1, 31415) + field(3, field(1, 1))) + \
        field(2, field(1, 92653) + field(3, field(1, 0)))
    got = list(channel.unary_stream(SERVICE + "StreamingOutputCall")(
        request, timeout=10))
    assert [len(one) for one in got] == [len(payload(31415)), len(payload(92653))]


def a_bomb_is_refused(channel):
    assert code_of(lambda: unary(
        channel, SERVICE + "UnaryCall", field(3, field(2, b"\0" * 50000000)),
        compression=grpc.Compression.Gzip)) == grpc.StatusCode.RESOURCE_EXHAUSTED


def statuses_and_words(channel):
    words = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and 100%"
    try:
        unary(channel, SERVICE + "UnaryCall",
              field(7, field(1, 2) + field(2, words)))
        assert False
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNKNOWN
        assert error.details() == words, error.details()


def metadata_comes_back(channel):
    pairs = (("x-grpc-test-echo-initial", "test_initial"),
             ("x-grpc-test-echo-trailing-bin", b"\x0a\x0b\x0a\xff"))
    _, call = unary(channel, SERVICE + "EmptyCall", metadata=pairs)
    assert ("x-grpc-test-echo-initial", "test_initial") in \
        tuple(call.initial_metadata())
    assert ("x-grpc-test-echo-trailing-bin", b"\x0a\x0b\x0a\xff") in \
        tuple(call.trailing_metadata())


def too_much_metadata(channel):
    many = tuple(("x-%d" % i, "y") for i in range(100))
    assert code_of(lambda: unary(channel, SERVICE + "EmptyCall", metadata=many)) \
        == grpc.StatusCode.RESOURCE_EXHAUSTED


def unknown_methods(channel):
    for method in (SERVICE + "UnimplementedCall", "/no.Service/Method", "/", "/x"):
        assert code_of(lambda: unary(channel, method)) \
            == grpc.StatusCode.UNIMPLEMENTED, method


def cardinality(channel):
    """A method of one request wants exactly one."""
    for count in (0, 2):
        call = channel.stream_unary(SERVICE + "EmptyCall")
        assert code_of(lambda: call(iter([b""] * count), timeout=10)) \
            == grpc.StatusCode.UNIMPLEMENTED, count


def deadlines_of_streams(channel):
    call = channel.stream_stream(SERVICE + "FullDuplexCall")
    hold = threading.Event()

    def requests():
        yield responses(10)
        hold.wait(10)
    assert code_of(lambda: list(call(requests(), timeout=0.3))) \
        == grpc.StatusCode.DEADLINE_EXCEEDED
    hold.set()


def streams_are_paced(channel):
    """Much more than fits into windows, to a reader that takes its time."""
    call = channel.unary_stream(SERVICE + "StreamingOutputCall")
    count = 0
    for one in call(responses(*[100000] * 200), timeout=60):
        count += len(one) == len(payload(100000))
        if count < 5:
            time.sleep(0.05)
    assert count == 200


def uploads_are_counted(channel):
    call = channel.stream_unary(SERVICE + "StreamingInputCall")
    got = call((payload(50000) for _ in range(200)), timeout=60)
    assert got == field(1, 10000000), got


def ping_pong(channel):
    call = channel.stream_stream(SERVICE + "FullDuplexCall")
    sizes = [31415, 9, 2653, 58979] * 20
    got = list(call((responses(size) + field(3, field(2, b"z" * 1000))
                     for size in sizes), timeout=30))
    assert [len(one) for one in got] == [len(payload(size)) for size in sizes]


def cancelled(channel):
    call = channel.stream_stream(SERVICE + "FullDuplexCall")(
        iter([responses(10, 10, interval_us=60000000)]))
    time.sleep(0.1)
    assert call.cancel()
    assert code_of(lambda: list(call)) == grpc.StatusCode.CANCELLED


def many_at_once(channel):
    call = channel.unary_unary(SERVICE + "UnaryCall")
    futures = [call.future(field(2, i), timeout=30) for i in range(1000)]
    for i, future in enumerate(futures):
        assert future.result() == payload(i)


def health(channel):
    method = "/grpc.health.v1.Health/Check"
    for name in ("", "grpc.testing.TestService"):
        got, _ = unary(channel, method, field(1, name))
        assert got == field(1, 1), got
    assert code_of(lambda: unary(channel, method, field(1, "nobody"))) \
        == grpc.StatusCode.NOT_FOUND
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")
    call = watch(field(1, "nobody"), timeout=10)
    assert next(call) == field(1, 3)
    call.cancel()


def reflection(channel):
    """Services, then a file by symbol and by name; and what is not there."""
    for version in ("v1", "v1alpha"):
        call = channel.stream_stream(
            "/grpc.reflection.%s.ServerReflection/ServerReflectionInfo" % version)
        got = list(call(iter([
            field(7, ""), field(4, "grpc.health.v1.Health.Watch"),
            field(3, "grpc/health/v1/health.proto"), field(4, "no.Such"),
            field(5, field(1, "x"))]), timeout=10))
        assert len(got) == 5, got
        assert b"grpc.health.v1.Health" in got[0]
        assert b"grpc.reflection.v1alpha.ServerReflection" in got[0]
        assert b"HealthCheckRequest" in got[1] and b"HealthCheckRequest" in got[2]
        assert field(1, 5) in got[3] and field(1, 5) in got[4]


def draining(channel, process):
    """SIGTERM: who watches is told, the call under way ends, exit 0."""
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=20)
    assert next(watch) == field(1, 1)
    slow = channel.unary_stream(SERVICE + "StreamingOutputCall")(
        responses(1, 2, 3, interval_us=300000), timeout=20)
    next(slow)
    process.send_signal(signal.SIGTERM)
    assert next(watch) == field(1, 2)
    assert code_of(lambda: list(watch)) == grpc.StatusCode.UNAVAILABLE
    assert len(list(slow)) == 2
    assert process.wait(timeout=20) == 0


def start(path, *more):
    process = subprocess.Popen([path, "--listen=127.0.0.1:0", "--threads=2", *more],
                               stdout=subprocess.PIPE, stderr=None if os.environ.get("WORDS") else subprocess.DEVNULL)
    port = None
    for line in process.stdout:
        if line.startswith(b"listening"):
            port = int(line.split(b":")[1])
        if line == b"ready\n":
            break
    return process, port


def open_server(path, *more, folder=None):
    """byrond over a store in a new folder, or in that of an earlier one."""
    folder = folder or tempfile.TemporaryDirectory()
    process, port = start(path, "--store=%s/store" % folder.name, *more)
    options = (("grpc.max_receive_message_length", -1),
               ("grpc.use_local_subchannel_pool", 1),
               ("grpc.http2.bdp_probe", 0))  # Windows of 64 KiB.
    return process, grpc.insecure_channel("127.0.0.1:%d" % port, options), folder


def stop_server(process, channel, folder=None):
    """Drains it; whether that failed. Its folder goes, if it is given."""
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=20)
    channel.close()
    if folder:
        folder.cleanup()
    if code != 0:
        print("FAILED: the server ended with %d" % code)
    return code != 0


def run_cases(name, channel, cases):
    """Whether one failed."""
    passed = 0
    for case in cases:
        begun = time.time()
        try:
            case(channel)
            passed += 1
        except Exception as error:  # pylint: disable=broad-except
            print("FAILED %s: %r" % (case.__name__, error))
        if os.environ.get("TIMES"):
            print("%-20s %.1f s" % (case.__name__, time.time() - begun))
    print("%s: %d passed, %d failed" % (name, passed, len(cases) - passed))
    return passed != len(cases)


def main():
    process, port = start(sys.argv[1])
    # Connections are not shared, so both loops get some.
    options = (("grpc.max_receive_message_length", -1),
               ("grpc.use_local_subchannel_pool", 1))
    passed = failed = 0
    cases = [sizes_come_back, large_requests, malformed_requests,
             compressed_both_ways, compressed_stream, a_bomb_is_refused,
             statuses_and_words, metadata_comes_back, too_much_metadata,
             unknown_methods, cardinality, deadlines_of_streams,
             streams_are_paced, uploads_are_counted, ping_pong, cancelled,
             many_at_once, health, reflection, draining]
    for case in cases:
        channel = grpc.insecure_channel("127.0.0.1:%d" % port, options)
        begun = time.time()
        try:
            case(*([channel, process] if case is draining else [channel]))
            passed += 1
        except Exception as error:  # pylint: disable=broad-except
            print("FAILED %s: %r" % (case.__name__, error))
            failed += 1
        if os.environ.get("TIMES"):
            print("%-20s %.1f s" % (case.__name__, time.time() - begun))
        channel.close()
    if process.poll() is None:
        process.kill()
    print("clients: %d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
