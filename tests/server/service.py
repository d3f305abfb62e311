#!/usr/bin/python3
"""byrond under systemd: what it tells, what is installed, whether the unit is sound.

Covers: notify.
Usage: service.py BYROND        (run by test_server.sh)
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from clients import run_cases


class Manager:
    """What systemd is for byrond: a socket of datagrams."""

    def __init__(self, path, folder, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name[0] == "@" else name)
        self.socket.settimeout(20)
        self.process = subprocess.Popen(
            [path, "--store", folder + "/store", "--listen=127.0.0.1:0", "--grace=1"],
            env={**os.environ, "NOTIFY_SOCKET": name}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def heard(self):
        lines = dict(line.split("=") for line in
                     self.socket.recv(1000).decode().splitlines())
        assert int(lines.pop("MONOTONIC_USEC")) > 0
        (state,) = lines.items()
        return "%s=%s" % state


def tells_how_far_it_is(path):
    for abstract in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            manager = Manager(path, folder, "@byrond-test-%d" % os.getpid() if abstract
                              else folder + "/notify")
            assert manager.heard() == "READY=1"
            manager.process.send_signal(signal.SIGHUP)
            assert (manager.heard(), manager.heard()) == ("RELOADING=1", "READY=1")
            manager.process.send_signal(signal.SIGTERM)
            assert manager.heard() == "STOPPING=1"
            assert manager.process.wait(timeout=20) == 0


def does_without(path):
    for name in ("", "@", "/no/such/socket", "relative", "/" + "x" * 200):
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [path, "--store", folder + "/store", "--listen=127.0.0.1:0"],
                env={**os.environ, "NOTIFY_SOCKET": name}, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
            assert b"ready\n" in iter(process.stdout.readline, b"")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0


def is_installed(path):
    """All of it under DESTDIR; settings that are there stay."""
    with tempfile.TemporaryDirectory() as root:
        def install():
            subprocess.run(["tests/install-server", os.path.dirname(path)], check=True,
                           env={**os.environ, "DESTDIR": root, "PREFIX": "/opt/byron"},
                           stdout=subprocess.DEVNULL)
        install()
        etc = root + "/etc/byrond/byrond.conf"
        said = subprocess.run([root + "/opt/byron/bin/byrond", "--config", etc,
                               "--print-config"], check=True, capture_output=True).stdout
        assert b"store = /var/lib/byrond/store\n" in said, said
        # What is only suggested is right as well.
        with open(etc) as file:
            lines = [re.sub("^# ([a-z-]+ = )", r"\1", line) for line in file]
        with open(etc, "w") as file:
            file.writelines(lines)
        said = subprocess.run([path, "--config", etc, "--print-config"], check=True,
                              capture_output=True).stdout
        assert b"tokens = /etc/byrond/tokens\n" in said, said
        install()
        with open(etc) as file:
            assert file.readlines() == lines, "settings were overwritten"
        unit = root + "/opt/byron/lib/systemd/system/byrond.service"
        with open(unit) as file:
            words = file.read()
        assert "@PREFIX@" not in words and "ExecStart=/opt/byron/bin/byrond " in words
        verify(root, unit)


def verify(root, unit):
    """In a folder of its own, as what it starts is not in this system."""
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd-analyze, which is not there")
        return
    with open(unit) as file:
        words = file.read().replace("/opt/byron", root + "/opt/byron")
    with open(root + "/byrond.service", "w") as file:
        file.write(words)
    for command in (["verify", "--man=no"], ["security", "--offline=yes",
                                             "--threshold=30"]):
        ended = subprocess.run(["systemd-analyze", *command, root + "/byrond.service"],
                               capture_output=True, timeout=60)
        said = ended.stdout + ended.stderr
        about = [line for line in said.splitlines() if b"byrond" in line]
        assert ended.returncode == 0, said
        assert command[0] != "verify" or not about, about


def main():
    sys.exit(run_cases("service", sys.argv[1], [
        tells_how_far_it_is, does_without, is_installed]))


if __name__ == "__main__":
    main()
