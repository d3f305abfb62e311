#!/usr/bin/env python3
"""Bytes that a well-meaning client would not send, and what they may cost.

Covers: server, serve.
Usage: abuse.py INTEROP_SERVER        (run by test_server.sh)
Speaks HTTP/2 by hand, so that nothing stands between the test and the wire.
"""
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONT = range(10)
END_STREAM, END_HEADERS = 1, 4
ENHANCE_YOUR_CALM, CANCEL = 11, 8
MAGIC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SERVICE = "/grpc.testing.TestService/"
# Under the sanitizers nothing is small, nor fast.
SLOW = os.environ.get("MODE") in ("asan", "tsan")
FLAT_KB = 200000 if SLOW else 16000


def frame(kind, flags, stream, payload=b""):
    head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
    return head + struct.pack(">I", stream) + payload


def size_of(number):
    """HPACK's integer of 7 bits."""
    if number < 127:
        return bytes([number])
    out, number = b"\x7f", number - 127
    while number >= 128:
        out, number = out + bytes([number % 128 + 128]), number // 128
    return out + bytes([number])


def literal(name, value):
    name, value = name.encode(), value.encode()
    return b"\0" + size_of(len(name)) + name + size_of(len(value)) + value


def request(stream, method, flags=END_HEADERS, **more):
    block = b"".join(literal(*pair) for pair in [
        (":method", "POST"), (":scheme", "http"), (":authority", "x"),
        (":path", SERVICE + method), ("content-type", "application/grpc"),
        ("te", "trailers")] + [(n.replace("_", "-"), v) for n, v in more.items()])
    return frame(HEADERS, flags, stream, block)


def message(stream, body=b"", flags=END_STREAM):
    return frame(DATA, flags, stream, struct.pack(">BI", 0, len(body)) + body)


def varint(number):
    out = b""
    while number >= 128:
        out, number = out + bytes([number % 128 + 128]), number // 128
    return out + bytes([number])


def responses(count, size):
    """A StreamingOutputCallRequest."""
    one = b"\x08" + varint(size)
    return (b"\x12" + varint(len(one)) + one) * count


class Server:
    def __init__(self, path, short=True, descriptors=None, arguments=(), grace=5):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        environment = dict(os.environ)
        if short:
            environment["SHORT"] = "1"
        self.process = subprocess.Popen(
            [path, "--listen=127.0.0.1:0", "--grace=%d" % grace, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            preexec_fn=limit if descriptors else None)
        self.port = None
        for line in self.process.stdout:
            if line.startswith(b"listening 127.0.0.1:"):
                self.port = int(line.split(b":")[1])
            if line == b"ready\n":
                break

    def kb(self):
        with open("/proc/%d/status" % self.process.pid) as lines:
            return next(int(l.split()[1]) for l in lines if l.startswith("VmRSS"))

    def cpu_s(self):
        with open("/proc/%d/stat" % self.process.pid) as line:
            fields = line.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        self.terminate()
        return self.ended()

    def ended(self):
        words = self.process.stderr.read().decode()
        code = self.process.wait(timeout=20)
        assert code == 0, "exit %s: %s" % (code, words)
        return words


class Client:
    def __init__(self, where, greet=True, window=None):
        if isinstance(where, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(where)
        else:
            self.socket = socket.create_connection(("127.0.0.1", where))
        self.socket.settimeout(15)
        self.buffer = b""
        if greet:
            entries = b"" if window is None else struct.pack(">HI", 4, window)
            self.send(MAGIC + frame(SETTINGS, 0, 0, entries))

    def send(self, data):
        """False: the server has had enough."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def frames(self):
        """Yields (kind, flags, stream, payload) until the server hangs up."""
        while True:
            while len(self.buffer) < 9 or \
                    len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
                try:
                    more = self.socket.recv(65536)
                except ConnectionResetError:
                    return
                if not more:
                    return
                self.buffer += more
            size = int.from_bytes(self.buffer[:3], "big")
            head, payload = self.buffer[:9], self.buffer[9:9 + size]
            self.buffer = self.buffer[9 + size:]
            yield head[3], head[4], int.from_bytes(head[5:], "big"), payload

    def until(self, kind, stream=None):
        for one in self.frames():
            if one[0] == kind and stream in (None, one[2]):
                return one
        raise AssertionError("hung up before frame %d" % kind)

    def ended(self, stream):
        """The messages of an answer that ends as it should."""
        body = b""
        for kind, flags, number, payload in self.frames():
            if number != stream:
                continue
            assert kind != RST, "reset by %r" % payload
            body += payload if kind == DATA else b""
            if flags & END_STREAM:
                return body
        raise AssertionError("hung up")

    def hangs_up(self):
        """The error of the last GOAWAY, if there was one."""
        error = None
        for kind, _, _, payload in self.frames():
            if kind == GOAWAY:
                error = struct.unpack(">I", payload[4:8])[0]
        return error

    def close(self):
        self.socket.close()


def served(where):
    client = Client(where)
    client.send(request(1, "EmptyCall") + message(1))
    assert client.ended(1) == b"\0\0\0\0\0", "not an empty message"
    client.close()


# --- What is tried -----------------------------------------------------------

def rapid_reset(server):
    """Requests that are reset at once are cut off, and memory stays flat."""
    before, client, sent = server.kb(), Client(server.port), 0
    reset = struct.pack(">I", CANCEL)
    while sent < 100000 and client.send(b"".join(
            request(2 * i + 1, "FullDuplexCall") + frame(RST, 0, 2 * i + 1, reset)
            for i in range(sent, sent + 500))):
        sent += 500
    served(server.port)
    assert sent < 100000, "all were let through"
    assert server.kb() < before + FLAT_KB, "%d KB more" % (server.kb() - before)


def made_resets(server):
    """Resets that a client makes the server send count as well."""
    client, sent = Client(server.port), 0
    while sent < 100000 and client.send(b"".join(
            request(2 * i + 1, "FullDuplexCall") +
            frame(WINDOW, 0, 2 * i + 1, struct.pack(">I", 0))
            for i in range(sent, sent + 100))):
        sent += 100
    assert sent < 100000, "all were let through"
    served(server.port)


def continuation_flood(server):
    """A header without end is cut off after a few frames."""
    before, client = server.kb(), Client(server.port)
    used, sent = server.cpu_s(), 0
    client.send(request(1, "EmptyCall", flags=0))
    while sent < 10000 and client.send(frame(CONT, 0, 1, literal("x", "y" * 1000))):
        sent += 1
    served(server.port)
    assert sent < 10000, "all were let through"
    assert server.kb() < before + FLAT_KB
    assert server.cpu_s() < used + 1


def flood(server, one, prologue=b""):
    client, sent = Client(server.port), 0
    client.send(prologue)
    # The system's buffers take megabytes before the server sees the first.
    while sent < 3000000 and client.send(one * 1000):
        sent += 1000
    error = client.hangs_up()
    assert sent < 3000000, "all were let through"
    assert error in (None, ENHANCE_YOUR_CALM), error
    served(server.port)


def ping_flood(server):
    """Pings that hammer end the connection."""
    flood(server, frame(PING, 0, 0, b"12345678"))


def settings_flood(server):
    """So do settings,"""
    flood(server, frame(SETTINGS, 0, 0))


def empty_data_flood(server):
    """empty data,"""
    flood(server, frame(DATA, 0, 1), request(1, "FullDuplexCall"))


def priority_flood(server):
    """and priorities."""
    flood(server, frame(PRIORITY, 0, 1, b"\0\0\0\0\1"))


def closed_window(server):
    """Who grants no window is reset after the stall time-out; memory is flat."""
    before = server.kb()
    clients = [Client(server.port, window=0) for _ in range(8)]
    for client in clients:
        client.send(request(1, "StreamingOutputCall") +
                    message(1, responses(100, 100000)))
    time.sleep(0.5)
    assert server.kb() < before + FLAT_KB, "%d KB more" % (server.kb() - before)
    for client in clients:
        _, _, _, payload = client.until(RST, 1)
        assert struct.unpack(">I", payload)[0] == CANCEL
        client.close()


def greedy_calls(server):
    """Large answers that nobody takes fill so much memory and no more."""
    before, client = server.kb(), Client(server.port, window=0)
    for stream in range(1, 129, 2):
        client.send(request(stream, "UnaryCall") +
                    message(stream, b"\x10" + varint(4000000)))
    time.sleep(0.5)
    assert server.kb() < before + FLAT_KB + 24576, \
        "%d KB more" % (server.kb() - before)
    client.close()
    time.sleep(0.2)
    served(server.port)


def deaf_reader(server):
    """Who grants all and reads nothing is cut off; others are served."""
    before = server.kb()
    clients = [Client(server.port, window=2**31 - 1) for _ in range(8)]
    for client in clients:
        client.send(frame(WINDOW, 0, 0, struct.pack(">I", 2**31 - 1 - 65535)))
        client.send(request(1, "StreamingOutputCall") +
                    message(1, responses(200, 100000)))
    time.sleep(0.5)
    served(server.port)
    assert server.kb() < before + FLAT_KB, "%d KB more" % (server.kb() - before)
    time.sleep(2)
    for client in clients:
        client.hangs_up()
        client.close()


def silent_connection(server):
    """A connection that says nothing goes after the handshake time-out."""
    client, start = Client(server.port, greet=False), time.time()
    client.hangs_up()
    assert 0.5 < time.time() - start < 10


def dead_peer(server):
    """Our ping is not answered: the connection goes."""
    client = Client(server.port)
    client.send(request(1, "FullDuplexCall"))
    _, flags, _, _ = client.until(PING)
    assert flags == 0
    client.hangs_up()


def idle_connection(server):
    """Without a stream for long: GOAWAY."""
    client = Client(server.port)
    for kind, flags, _, payload in client.frames():
        if kind == PING and not flags:
            client.send(frame(PING, 1, 0, payload))
        if kind == GOAWAY:
            assert payload[4:8] == b"\0\0\0\0"
            break
    else:
        raise AssertionError("hung up without GOAWAY")
    client.close()


def time_outs(server):
    """Those four, waited for at once."""
    failures = []

    def one(case):
        try:
            case(server)
        except Exception as error:  # pylint: disable=broad-except
            failures.append("%s %r" % (case.__name__, error))
    threads = [threading.Thread(target=one, args=(case,)) for case in
               (silent_connection, dead_peer, idle_connection, unary_without_end)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def large_headers(server):
    """Too much metadata is an answer, not the end of the connection."""
    client = Client(server.port)
    client.send(request(1, "EmptyCall", flags=0) +
                frame(CONT, END_HEADERS, 1, literal("x", "y" * 16300)) +
                message(1))
    assert client.ended(1) == b""
    client.send(request(3, "EmptyCall") + message(3))
    assert client.ended(3) == b"\0\0\0\0\0"
    client.close()


def unary_without_end(server):
    """A unary call that never ends its request has a deadline of ours."""
    client, start = Client(server.port), time.time()
    client.send(request(1, "EmptyCall") + message(1, flags=0))
    assert client.ended(1) == b""
    assert 0.5 < time.time() - start < 10
    client.close()


def half_messages(server):
    """Messages that never end may fill so much memory and no more."""
    before, clients = server.kb(), []
    for _ in range(4):
        client = Client(server.port)
        for stream in range(1, 17, 2):
            client.send(request(stream, "StreamingInputCall"))
            head = struct.pack(">BI", 0, 4000000)
            client.send(frame(DATA, 0, stream, head))
        for _ in range(8):
            for stream in range(1, 17, 2):
                client.send(frame(DATA, 0, stream, b"x" * 7000))
        clients.append(client)
    served(server.port)
    assert server.kb() < before + FLAT_KB + 8192
    for client in clients:
        client.close()


def more_connections(server):
    """At the limit the connection that is idle longest makes room."""
    clients = [Client(server.port) for _ in range(60)]
    served(server.port)
    for client in clients:
        client.close()


def few_descriptors(path):
    """Without descriptors the server waits, costs nothing, and goes on."""
    server = Server(path, short=False, descriptors=48)
    clients = []
    for _ in range(150):
        clients.append(Client(server.port))
    used = server.cpu_s()
    served(server.port)
    time.sleep(1)
    assert server.cpu_s() < used + 0.5, "%f s" % (server.cpu_s() - used)
    for client in clients:
        client.close()
    served(server.port)
    server.stop()


def drain(path):
    """SIGTERM: GOAWAY, calls under way end well, then the server does."""
    server = Server(path)
    client = Client(server.port)
    client.send(request(1, "FullDuplexCall") + message(1, responses(1, 10), 0))
    client.until(DATA, 1)
    server.terminate()
    _, _, _, first = client.until(GOAWAY)
    assert first[:4] == b"\x7f\xff\xff\xff"
    client.send(request(3, "EmptyCall") + message(3))
    assert client.ended(3) == b"\0\0\0\0\0", "refused after the notice"
    _, _, _, last = client.until(GOAWAY)
    assert last[:4] == b"\0\0\0\3", last
    client.send(message(1, responses(1, 20)))
    assert len(client.ended(1)) > 20
    client.hangs_up()
    assert "drained=1" in server.ended()


def grace(path):
    """What does not end within the grace period is cut off."""
    server = Server(path, short=False, grace=1)
    client = Client(server.port)
    client.send(request(1, "FullDuplexCall"))
    start = time.time()
    time.sleep(0.2)
    server.terminate()
    client.hangs_up()
    server.ended()
    assert time.time() - start < 8


def unix_socket(path):
    """A unix socket serves as well, and its file goes with the server."""
    with tempfile.TemporaryDirectory() as folder:
        place = folder + "/socket"
        server = Server(path, arguments=["--listen=unix:" + place, "--threads=3"])
        for _ in range(10):
            served(place)
            served(server.port)
        assert os.stat(place).st_mode & 0o77 == 0, "open to others"
        server.stop()
        assert not os.path.exists(place)


def main():
    path = sys.argv[1]
    passed = failed = 0
    shared = [rapid_reset, made_resets, continuation_flood, ping_flood,
              settings_flood, empty_data_flood, priority_flood, closed_window,
              greedy_calls, deaf_reader, time_outs, large_headers, half_messages,
              more_connections]
    server = Server(path)
    for case in shared + [few_descriptors, drain, grace, unix_socket]:
        start = time.time()
        try:
            case(server if case in shared else path)
            if os.environ.get("TIMES"):
                print("%-20s %.1f s" % (case.__name__, time.time() - start))
            passed += 1
        except Exception as error:  # pylint: disable=broad-except
            print("FAILED %s: %s: %r" % (case.__name__, case.__doc__, error))
            failed += 1
    try:
        server.stop()
    except AssertionError as error:
        print("FAILED the server: %s" % error)
        failed += 1
    print("abuse: %d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


main()
