#!/usr/bin/python3
"""What byrond tells of itself: Stats, metrics, the log, and how it ends.

Covers: stats, figures, metrics.
Usage: metrics.py BYROND        (run by test_server.sh)
"""
import json
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import grpc

from clients import BYRON, code_of, field, fields, run_cases, unary


class Server:
    """byrond with a port for metrics and a log."""

    def __init__(self, path, *more):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [path, "--store=%s/store" % self.folder.name, "--listen=127.0.0.1:0",
             "--metrics=127.0.0.1:0", *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.words = []
        for line in self.process.stdout:
            if line.startswith(b"listening"):
                port = int(line.split(b":")[1])
            if line.startswith(b"metrics"):
                self.port = int(line.split(b":")[1])
            if line == b"ready\n":
                break
        self.thread = threading.Thread(target=self.read_log)
        self.thread.start()
        self.channel = grpc.insecure_channel(
            "127.0.0.1:%d" % port, (("grpc.use_local_subchannel_pool", 1),))

    def read_log(self):
        self.words += self.process.stderr.readlines()

    def ask(self, request=b"GET /metrics HTTP/1.1\r\n\r\n"):
        """The answer's head and body."""
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.settimeout(10)
            client.sendall(request)
            got = b""
            while True:
                more = client.recv(65536)
                if not more:
                    break
                got += more
        head, _, body = got.partition(b"\r\n\r\n")
        return head, body

    def figures(self):
        lines = self.ask()[1].decode().splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in lines if not line.startswith("#")}

    def end(self):
        code = self.process.wait(timeout=20)
        self.thread.join()
        self.channel.close()
        self.folder.cleanup()
        return code


# --- What is tried -----------------------------------------------------------

def counted(server):
    for i in range(10):
        unary(server.channel, BYRON + "Put", field(1, b"k%d" % i) + field(2, b"v"))
    code_of(lambda: unary(server.channel, BYRON + "Get", b""))
    code_of(lambda: unary(server.channel, "/no.Such/Method"))
    stream = server.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
    next(stream)
    figures = server.figures()
    put = 'method="byron.v1.Byron/Put"'
    assert figures['byrond_calls_total{%s,code="OK"}' % put] == 10
    assert figures['byrond_calls_total{method="byron.v1.Byron/Get",'
                   'code="INVALID_ARGUMENT"}'] == 1
    assert figures['byrond_calls_total{method="unknown",code="UNIMPLEMENTED"}'] == 1
    assert figures["byrond_call_seconds_count{%s}" % put] == 10
    assert figures['byrond_call_seconds_bucket{%s,le="+Inf"}' % put] == 10
    assert 0 < figures["byrond_call_seconds_sum{%s}" % put] < 20
    assert figures["byrond_received_bytes_total{%s}" % put] == 10 * (5 + 7)
    assert figures["byrond_sent_bytes_total{%s}" % put] == 50
    assert figures['byrond_calls_in_flight{method="grpc.health.v1.Health/Watch"}'] == 1
    assert figures["byrond_connections"] == 1
    assert figures["byron_commits_total"] >= 1
    assert figures['byron_level_files{level="0"}'] == 0
    stream.cancel()


def well_formed(server):
    """Each name is described once, before its figures."""
    seen, now = set(), None
    for line in server.ask()[1].decode().splitlines():
        if line.startswith("# HELP "):
            now = line.split()[2]
            assert now not in seen, now
            seen.add(now)
        elif not line.startswith("# TYPE %s " % now):
            assert line.startswith(now), line


def stats(server):
    got, _ = unary(server.channel, BYRON + "Stats")
    figures = {}
    for _, figure in fields(got):
        figure = dict(fields(figure))
        name = figure[1].decode()
        if figure[2]:
            name += "{%s}" % figure[2].decode()
        figures[name] = struct.unpack("<d", struct.pack("<Q", figure[3]))[0]
    assert figures.keys() <= server.figures().keys() and len(figures) > 50
    assert figures["byron_disk_bytes"] == server.figures()["byron_disk_bytes"]


def what_is_no_request(server):
    for request, status in ((b"GET /x HTTP/1.1\r\n\r\n", b" 404 "),
                            (b"PUT /metrics HTTP/1.1\r\n\r\n", b" 405 "),
                            (b"GET /metrics HTTP/1.1\n\n" + b"x" * 9000, b" 431 ")):
        assert status in server.ask(request)[0]


def silent_visitors(server):
    """Who says nothing is let go; others wait their turn, calls do not."""
    silent = [socket.create_connection(("127.0.0.1", server.port))
              for _ in range(40)]
    unary(server.channel, BYRON + "Get", field(1, b"k1"))
    for one in silent:
        one.close()
    assert server.figures()["byrond_connections"] == 1


def logged(path):
    """A line for each call, and nothing of what was in it."""
    server = Server(path, "--log=calls")
    unary(server.channel, BYRON + "Put", field(1, b"secret") + field(2, b"secret"))
    code_of(lambda: unary(server.channel, BYRON + "Get"))
    code_of(lambda: unary(server.channel, '/no"such'))
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0
    lines = [json.loads(line) for line in server.words if line.startswith(b"{")]
    assert [(line["method"], line["code"]) for line in lines] == [
        ("byron.v1.Byron/Put", "OK"), ("byron.v1.Byron/Get", "INVALID_ARGUMENT"),
        ("unknown", "UNIMPLEMENTED")], lines
    assert lines[0]["peer"].startswith("127.0.0.1:") and lines[0]["in"] == 21
    assert b"secret" not in b"".join(server.words)


def quiet(path):
    """By default a client's mistakes are not logged."""
    server = Server(path)
    code_of(lambda: unary(server.channel, BYRON + "Get"))
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0
    assert not [line for line in server.words if line.startswith(b"{")], server.words


def second_signal(path):
    """The first lets what is under way go on, and metrics; the second ends."""
    server = Server(path, "--grace=30")
    call = server.channel.stream_unary(BYRON + "Load")
    stop = threading.Event()

    def slowly():
        yield field(3, field(1, field(1, b"k") + field(2, b"v")))
        stop.wait(20)
    future = call.future(slowly())
    time.sleep(0.3)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert server.process.poll() is None
    assert server.figures()['byrond_calls_in_flight{method="byron.v1.Byron/Load"}'] == 1
    start = time.time()
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == -signal.SIGTERM and time.time() - start < 5
    stop.set()
    assert future.exception()


def main():
    path = sys.argv[1]
    server = Server(path)
    failed = run_cases("metrics", server, [
        counted, well_formed, stats, what_is_no_request, silent_visitors,
        lambda _: logged(path), lambda _: quiet(path), lambda _: second_signal(path)])
    server.process.send_signal(signal.SIGTERM)
    if server.end() != 0:
        print("FAILED: the server did not end well")
        failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
