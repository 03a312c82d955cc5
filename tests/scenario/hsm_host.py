# SPDX-License-Identifier: Apache-2.0
"""What the scenarios of the HSM share: its process, and a host that speaks to it."""
import os
import re
import signal
import socket
import struct
import subprocess

from sandbox import BUILD

CVK = "U9B4934384B19946B040CD702B4D58145"  # 0123456789ABCDEFFEDCBA9876543210 under the variant test LMK
# Published frames (thalessimulatorlibrary) and their answers.
KNOWN = (("CW%s4123456789012345;8701101" % CVK, "CX00561"),
         ("CY%s5614123456789012345;8701101" % CVK, "CZ00"),
         ("CY%s1114123456789012345;8701101" % CVK, "CZ01"),
         ("B200100123456789ABCDEF", "B3000123456789ABCDEF"),
         ("BU0200406FBB23A5214DF", "BV000035BBE340A4B763"))


class Host:
    """One connection; answers are matched by the four-byte header."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.number = 0

    def send(self, command):
        self.number += 1
        payload = b"%04d" % (self.number % 10000) + command.encode("latin-1")
        self.socket.sendall(struct.pack(">H", len(payload)) + payload)

    def bytes(self, count):
        got = b""
        while len(got) < count:
            part = self.socket.recv(count - len(got))
            if not part:
                raise ConnectionError("closed")
            got += part
        return got

    def take(self):
        return self.bytes(struct.unpack(">H", self.bytes(2))[0])[4:].decode("latin-1")

    def ask(self, command):
        self.send(command)
        return self.take()

    def close(self):
        self.socket.close()


class HsmProcess:
    """countersign-hsm; `ready` is false when it did not start."""

    def __init__(self, *arguments, binary="countersign-hsm", environment=None):
        command = [os.path.join(BUILD, binary), "--test-lmk", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.said = []
        self.port = self.admin = 0
        for line in self.process.stderr:
            self.said.append(line)
            if '"event":"hsm.started"' in line:
                self.port, self.admin = (int(re.search(r'"%s":(\d+)' % name, line).group(1)) for name in ("port", "admin_port"))
            if '"event":"hsm.sandbox"' in line:
                break
        # A process that locked itself in, or goes on without: one that could not has ended.
        self.ready = self.port > 0 and "hsm.sandbox" in self.said[-1] and '"refused"' not in self.said[-1]

    @property
    def pid(self):
        return self.process.pid

    def stop(self, seconds=20):
        """The exit status; negative: the signal that ended it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=seconds)[1]
        self.said.extend(said.splitlines(True))
        return self.process.returncode
