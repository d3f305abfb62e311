#!/usr/bin/python3
"""TLS, client certificates and tokens of byrond.

Covers: tls, tokens.
Usage: secure.py BYROND        (run by test_server.sh)
"""
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import grpc

from clients import BYRON, code_of, field, run_cases, unary

OK, UNAVAILABLE = grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE
STRANGER, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
READ, WRITE = "r" * 16, "write-Token/" + "w" * 100


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificates(folder):
    """Two roots; a server and a client of each."""
    for root in ("ours", "theirs"):
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", root + ".key", "-out",
                root + ".pem", "-subj", "/CN=" + root, "-days", "2")
        for name in ("server", "client"):
            both = root + "-" + name
            openssl(folder, "req", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", both + ".key",
                    "-out", both + ".csr", "-subj", "/CN=localhost")
            with open(folder + "/names", "w") as file:
                file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            openssl(folder, "x509", "-req", "-in", both + ".csr", "-CA", root + ".pem",
                    "-CAkey", root + ".key", "-CAcreateserial", "-out", both + ".pem",
                    "-days", "2", "-extfile", "names")


def make_client(folder, name, subject, alternative):
    """A certificate of ours: NAME-client.pem."""
    both = name + "-client"
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", both + ".key", "-out", both + ".csr", "-subj", subject)
    with open(folder + "/names", "w") as file:
        file.write("subjectAltName=%s\n" % alternative)
    openssl(folder, "x509", "-req", "-in", both + ".csr", "-CA", "ours.pem", "-CAkey",
            "ours.key", "-CAcreateserial", "-out", both + ".pem", "-days", "2",
            "-extfile", "names")


class Server:
    def __init__(self, path, folder, *more):
        self.folder, self.socket = folder, folder + "/socket"
        self.errors = open(folder + "/errors", "wb+")
        self.process = subprocess.Popen(
            [path, "--store=%s/store" % folder, "--listen=127.0.0.1:0", "--grace=1",
             "--listen=unix:" + self.socket, "--log=calls",
             "--tls-certificate=%s/ours-server.pem" % folder,
             "--tls-key=%s/ours-server.key" % folder, *more],
            stdout=subprocess.PIPE, stderr=self.errors)
        for line in self.process.stdout:
            if line.startswith(b"listening 127"):
                self.port = int(line.split(b":")[1])
            if line == b"ready\n":
                break

    def file(self, name):
        with open(self.folder + "/" + name, "rb") as file:
            return file.read()

    def channel(self, root="ours", client=None):
        certificate = (self.file(client + "-client.key"),
                       self.file(client + "-client.pem")) if client else (None, None)
        credentials = grpc.ssl_channel_credentials(
            self.file(root + ".pem"), *certificate)
        return grpc.secure_channel(
            "127.0.0.1:%d" % self.port, credentials,
            (("grpc.use_local_subchannel_pool", 1),
             ("grpc.max_receive_message_length", -1)))

    def said(self):
        """What it has written so far."""
        with open(self.folder + "/errors", "rb") as file:
            return file.read()

    def stop(self):
        """What it wrote."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0
        self.errors.seek(0)
        return self.errors.read()


def call(channel, method, request, token=None, timeout=5):
    metadata = [("authorization", "Bearer " + token)] if token else []
    return code_of(lambda: unary(channel, BYRON + method, request, timeout=timeout,
                                 metadata=metadata))


def get(channel, token=None, timeout=5):
    return call(channel, "Get", field(1, b"k"), token, timeout)


def put(channel, token=None):
    return call(channel, "Put", field(1, b"k") + field(2, b"v"), token)


# --- What is tried -----------------------------------------------------------

def tokens_have_rights(server):
    channel = server.channel()
    assert (get(channel), put(channel)) == (STRANGER, STRANGER)
    assert (get(channel, READ), put(channel, READ)) == (OK, DENIED)
    assert (get(channel, WRITE), put(channel, WRITE)) == (OK, OK)
    for wrong in ("", "x", READ[:-1], READ + "r", READ[:-1] + "s", WRITE[:-1],
                  READ.upper(), "w" * 200):
        assert get(channel, wrong) == STRANGER, wrong
    assert code_of(lambda: unary(channel, "/grpc.health.v1.Health/Check")) == STRANGER
    for metadata in ([("authorization", READ)], [("authorization", "bearer " + READ)],
                     [("authorization", "Basic " + READ)]):
        assert code_of(lambda m=metadata: unary(
            channel, BYRON + "Get", field(1, b"k"), metadata=m)) == STRANGER
    load = channel.stream_unary(BYRON + "Load")
    head = [("authorization", "Bearer " + READ)]
    assert code_of(lambda: load(iter([b""]), timeout=5, metadata=head)) == DENIED


def certificates_do_as_well(server):
    assert put(server.channel(client="ours")) == OK
    assert get(server.channel(client="theirs"), READ, 1) == UNAVAILABLE
    assert get(server.channel(root="theirs"), READ, 1) == UNAVAILABLE


def unix_sockets_are_plain(server):
    """Only this user may open them."""
    channel = grpc.insecure_channel("unix:" + server.socket)
    assert (get(channel), put(channel)) == (OK, OK)


def much_of_it(server):
    channel = server.channel()
    head = [("authorization", "Bearer " + WRITE)]
    value = os.urandom(3000000)
    unary(channel, BYRON + "Put", field(1, b"large") + field(2, value), metadata=head)
    for _ in range(5):
        assert value in unary(channel, BYRON + "Get", field(1, b"large"),
                              metadata=head)[0]
    futures = [channel.unary_unary(BYRON + "Put").future(
        field(1, b"m%d" % i) + field(2, b"v" * 5000), metadata=head)
        for i in range(500)]
    assert {future.code() for future in futures} == {OK}
    rows = channel.unary_stream(BYRON + "Range")(b"", metadata=head, timeout=20)
    assert sum(len(message) for message in rows) > 5500000


def what_is_no_tls(server):
    """Plain text, noise, and handshakes that never end: others are served."""
    assert get(grpc.insecure_channel("127.0.0.1:%d" % server.port), None, 1) \
        == UNAVAILABLE
    silent = []
    seed = int(os.environ.get("BYRON_SEED", time.time_ns()))
    dice = random.Random(seed)
    hello = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        context.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = hello.read()
    for i in range(200):
        client = socket.create_connection(("127.0.0.1", server.port))
        bad = bytearray(hello[:dice.randint(0, len(hello))] if i % 2 else hello)
        for _ in range(i % 5 if bad else 0):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        client.sendall(bytes(bad))
        silent.append(client)
    assert get(server.channel(), READ) == OK, "BYRON_SEED=%d" % seed
    for client in silent:
        client.close()


def other_protocols(server):
    """Neither old TLS nor anything but HTTP/2."""
    for change in (lambda c: None, lambda c: c.set_alpn_protocols(["http/1.1"])):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        change(context)
        try:
            with socket.create_connection(("127.0.0.1", server.port)) as plain:
                plain.settimeout(5)
                with context.wrap_socket(plain) as client:
                    assert client.recv(100) == b"", "was served"
        except (ssl.SSLError, ConnectionResetError):
            pass
    old = subprocess.run(["openssl", "s_client", "-connect",
                          "127.0.0.1:%d" % server.port, "-tls1_1", "-alpn", "h2"],
                         input=b"", capture_output=True, timeout=10)
    assert b"Cipher is (NONE)" in old.stdout, old.stdout
    assert get(server.channel(), READ) == OK


def only_certificates(path, folder):
    """Without tokens a client has to show a certificate."""
    server = Server(path, folder, "--tls-clients=%s/ours.pem" % folder)
    assert get(server.channel(client="ours")) == OK
    assert get(server.channel(), WRITE, 1) == UNAVAILABLE
    assert get(server.channel(client="theirs"), None, 1) == UNAVAILABLE
    server.stop()


def write_tokens(folder, text):
    with open(folder + "/fresh", "w") as file:
        file.write(text)
    os.chmod(folder + "/fresh", 0o600)
    os.rename(folder + "/fresh", folder + "/changing")


def shown_certificate(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        with context.wrap_socket(plain) as client:
            return client.getpeercert(binary_form=True)


def read_anew(path, folder):
    """SIGHUP: tokens and certificates change, connections and calls stay."""
    write_tokens(folder, "write %s\nread %s\n" % (WRITE, READ))
    for end in ("key", "pem"):
        shutil.copy("%s/ours-server.%s" % (folder, end), "%s/now.%s" % (folder, end))
    server = Server(path, folder, "--tokens=%s/changing" % folder, "--threads=3",
                    "--tls-certificate=%s/now.pem" % folder,
                    "--tls-key=%s/now.key" % folder)
    channel, head = server.channel(), [("authorization", "Bearer " + WRITE)]
    other = "other-" * 4
    assert (get(channel, READ), get(channel, other)) == (OK, STRANGER)
    go_on = threading.Event()

    def batches():
        yield field(3, field(1, field(1, b"l1") + field(2, b"v")))
        go_on.wait(20)
        yield field(3, field(1, field(1, b"l2") + field(2, b"v")))

    load = channel.stream_unary(BYRON + "Load").future(batches(), metadata=head)
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", metadata=head)
    next(watch)

    def await_line(count):
        deadline = time.time() + 20
        while server.said().count(b"tokens and certificates") < count:
            assert time.time() < deadline, server.said()
            time.sleep(0.05)

    before = shown_certificate(server)
    write_tokens(folder, "write %s\n" % other)
    server.process.send_signal(signal.SIGHUP)
    await_line(1)
    assert (get(channel, READ), get(channel, other)) == (STRANGER, OK)
    assert shown_certificate(server) == before
    go_on.set()
    assert load.code() == DENIED, "a load goes on without its token"
    assert watch.is_active(), "the connection was lost"
    # What is wrong changes nothing, and is told without the token in it.
    for count, wrong in enumerate(("read short-secret\n", "",
                                   "write %s\nnonsense\n" % READ), 2):
        write_tokens(folder, wrong)
        server.process.send_signal(signal.SIGHUP)
        await_line(count)
        assert (get(channel, READ), get(channel, other)) == (STRANGER, OK)
        assert b"stay what they were" in server.said() and b"changing" in server.said()
        assert b"short-secret" not in server.said()
    write_tokens(folder, "write %s\n" % other)
    make_client(folder, "next", "/CN=localhost", "DNS:localhost,IP:127.0.0.1")
    for end in ("key", "pem"):
        shutil.copy("%s/next-client.%s" % (folder, end), "%s/now.%s" % (folder, end))
    server.process.send_signal(signal.SIGHUP)
    await_line(5)
    assert shown_certificate(server) != before
    assert (get(channel, other), get(server.channel(), other)) == (OK, OK)
    shutil.copy(folder + "/theirs-server.key", folder + "/now.key")
    write_tokens(folder, "write %s\n" % READ)
    server.process.send_signal(signal.SIGHUP)
    await_line(6)
    assert (get(server.channel(), READ), get(server.channel(), other)) == (STRANGER, OK)
    watch.cancel()
    for _ in range(50):
        server.process.send_signal(signal.SIGHUP)
    assert get(channel, other) == OK
    server.stop()


def flags(path, folder):
    """What is not safe does not start, and does not say why in secrets."""
    bad = folder + "/bad"
    tls = ["--tls-certificate=%s/ours-server.pem" % folder,
           "--tls-key=%s/ours-server.key" % folder]

    def words(*arguments):
        ended = subprocess.run([path, "--store=%s/none" % folder,
                                "--listen=127.0.0.1:0", *arguments],
                               capture_output=True, timeout=10)
        assert ended.returncode in (1, 2), arguments
        return ended.stderr

    assert b"TLS" in words("--listen=0.0.0.0:0")
    assert b"TLS" in words("--listen=0.0.0.0:0", *tls)
    assert b"TLS" in words("--listen=[::]:0", *tls)
    assert b"tls-key" in words(tls[0])
    assert words("--tokens=%s/tokens" % folder)
    assert words(*tls, "--metrics=0.0.0.0:0")
    assert b"theirs" in words(tls[0], "--tls-key=%s/theirs-server.key" % folder)
    assert words(*tls, "--tls-clients=%s/ours.key" % folder)
    for mode, text in ((0o644, "read " + READ), (0o600, ""), (0o600, "all " + READ),
                       (0o600, "read short"), (0o600, "read " + READ + " x"),
                       (0o600, "write " + "w" * 129), (0o600, "read"),
                       (0o600, "# read " + READ)):
        with open(bad, "w") as file:
            file.write(text + "\n")
        os.chmod(bad, mode)
        got = words(*tls, "--tokens=" + bad)
        assert b"bad" in got and READ.encode() not in got and b"short" not in got, got


def main():
    path = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        with open(folder + "/tokens", "w") as file:
            file.write("# ours\nread %s\n\n  write\t%s\n" % (READ, WRITE))
        os.chmod(folder + "/tokens", 0o600)
        server = Server(path, folder, "--tokens=%s/tokens" % folder,
                        "--tls-clients=%s/ours.pem" % folder)

        def nothing_is_told(_):
            said = server.stop()
            assert b'"code":"UNAUTHENTICATED"' in said
            for secret in (READ.encode(), WRITE.encode(), b"Bearer", b"PRIVATE"):
                assert secret not in said, secret
        failed = run_cases("secure", server, [
            tokens_have_rights, certificates_do_as_well, unix_sockets_are_plain,
            much_of_it, what_is_no_tls, other_protocols, nothing_is_told,
            lambda _: only_certificates(path, folder), lambda _: read_anew(path, folder),
            lambda _: flags(path, folder)])
        if server.process.poll() is None:
            server.process.kill()
    sys.exit(failed)


if __name__ == "__main__":
    main()
