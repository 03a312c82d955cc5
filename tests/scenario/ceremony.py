# SPDX-License-Identifier: Apache-2.0
"""Officers at a terminal: drives `countersign-hsm` behind a pseudo terminal and sees all that they would see."""
import os
import pty
import re
import select
import termios
import time

from sandbox import BUILD

HSM = os.path.join(BUILD, "countersign-hsm")
WAIT_S = 60


class Terminal:
    """One run of `countersign-hsm WORDS...` whose controlling terminal is ours."""

    def __init__(self, *words):
        self.screen = ""
        self.at = 0
        self.words = words
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(HSM, [HSM, *words])

    def _read(self):
        ready, _, _ = select.select([self.fd], [], [], 0.2)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            return False
        self.screen += data.decode().replace("\r\n", "\n")
        return bool(data)

    def expect(self, pattern):
        """Waits for the pattern behind what was seen so far; gives the match."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            found = re.compile(pattern).search(self.screen, self.at)
            if found:
                self.at = found.end()
                return found
            if not self._read():
                break
        raise AssertionError("%s: %r did not come; the screen:\n%s" % (" ".join(self.words), pattern, self.screen))

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def answer(self, pattern, text):
        self.expect(pattern)
        self.type(text)

    def secret(self, pattern, text):
        """Types a secret; True if the terminal did not show it."""
        self.expect(pattern)
        hidden = not self.echoes()
        self.type(text)
        return hidden

    def officer(self, number, passphrase):
        self.answer(r"Officer number .*: ", str(number))
        return self.secret(r"Passphrase of officer %d: " % number, passphrase)

    def end(self):
        """The exit status."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def create(store, passphrases, *options):
    t = Terminal("lmk", "create", "--store", store, "--officers", str(len(passphrases)), *options)
    for number, words in enumerate(passphrases, 1):
        t.secret(r"New passphrase of officer %d: " % number, words)
        t.secret("The same again: ", words)
    return t
