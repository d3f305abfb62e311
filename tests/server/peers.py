#!/usr/bin/python3
"""Clients in other languages against byrond: starts the servers, runs one.

Usage: peers.py BYROND INTEROP_SERVER COMMAND...        (run by test_server.sh)
The command learns by its environment where they are: PLAIN and INTEROP without
TLS; SECURE with TLS (ROOT has signed it) and the tokens READ and WRITE.
"""
import os
import signal
import subprocess
import sys
import tempfile

from secure import READ, WRITE, Server, make_certificates

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def start(path, *more):
    """The process, and its port."""
    process = subprocess.Popen([path, "--listen=127.0.0.1:0", *more],
                               stdout=subprocess.PIPE)
    port = 0
    for line in process.stdout:
        if line.startswith(b"listening"):
            port = int(line.split(b":")[1])
        if line == b"ready\n":
            break
    return process, "127.0.0.1:%d" % port


def main():
    byrond, interop, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        with open(folder + "/tokens", "w") as file:
            file.write("read %s\nwrite %s\n" % (READ, WRITE))
        os.chmod(folder + "/tokens", 0o600)
        secure = Server(byrond, folder, "--tokens=%s/tokens" % folder)
        plain, plain_at = start(byrond, "--store=%s/plain" % folder,
                                "--database=%s/data.db" % folder)
        other, other_at = start(interop)
        ended = subprocess.run(command, timeout=300, env={
            **os.environ, "no_proxy": "*", "PLAIN": plain_at, "INTEROP": other_at,
            "SECURE": "localhost:%d" % secure.port, "ROOT": folder + "/ours.pem",
            "READ": READ, "WRITE": WRITE, "PROTOS": ROOT + "/server/proto"})
        codes = [ended.returncode]
        for process in (plain, other, secure.process):
            process.send_signal(signal.SIGTERM)
            codes.append(process.wait(timeout=20))
    if any(codes):
        print("FAILED: the client and the servers ended with", codes)
    sys.exit(any(codes))


if __name__ == "__main__":
    main()
