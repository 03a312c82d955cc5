# SPDX-License-Identifier: Apache-2.0
"""What the scenarios of the HSM's tools share: the program, a real HSM, a run of a tool."""
import json
import os
import re
import subprocess

from sandbox import BUILD

PROGRAM = os.path.join(BUILD, "countersign-hsm")
CVK = "U9B4934384B19946B040CD702B4D58145"  # 0123456789ABCDEFFEDCBA9876543210 under the variant test LMK, type 402
CVK_CLEAR = "0123456789ABCDEFFEDCBA9876543210"


class Ran:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self):
        return json.loads(self.out)


def tool(*arguments, stdin=b"", **more):
    return Ran(subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, timeout=120, check=False, **more))


def guide(name):
    """The words of each `countersign-hsm NAME ...` that docs/tools.md tells to type."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "tools.md"), encoding="utf-8") as page:
        lines = page.read().replace("\\\n", " ").splitlines()
    return [line.split()[1:] for line in lines if line.startswith("    countersign-hsm %s " % name)]


class Hsm:
    """A countersign-hsm under the test LMKs on a free port."""

    def __init__(self, *arguments):
        command = [PROGRAM, "--test-lmk", "--listen", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        started = next(line for line in self.process.stderr if "hsm.started" in line)
        self.port, self.tls_port = (re.search(r'"%s":(\d+)' % name, started).group(1) for name in ("port", "tls_port"))
        self.address = "127.0.0.1:" + self.port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()
