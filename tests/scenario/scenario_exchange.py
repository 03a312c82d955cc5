#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real HSM exchanges keys with a host that has nothing of ours: what it sends opens there, what it takes was made there."""
import itertools
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import keyblocks
from sandbox import Checks, fail_without_build, seed
from tools_hsm import Hsm, tool

BLOCK_LMK = bytes.fromhex("0123456789ABCDEF8080808080808080FEDCBA9876543210")
ZMK_TEXT, ZMK = "U71979DEB8587E2734F1E99D5DCAEF9AC", bytes.fromhex("C497DCBA1A98ABBC45A2523786C28007")
ZMK_SHORT_TEXT, ZMK_SHORT = "4ED06495741C280C", bytes.fromhex("E951A1D6EF08EA15")
LENGTHS = {"": (8, 16, 24), "Z": (8,), "U": (16,), "X": (16,), "T": (24,), "Y": (24,)}
ALGORITHMS = {"T": (8, 16, 24), "D": (8,), "A": (16, 24, 32), "H": (20, 32)}
KS = "KS1800604B120F9292800000"


class Host:
    def __init__(self, port, random):
        self.link = socket.create_connection(("127.0.0.1", int(port)), 10)
        self.random = random

    def ask(self, command):
        data = b"HEAD" + command.encode()
        self.link.sendall(len(data).to_bytes(2, "big") + data)
        head = self.take(2)
        return self.take(int.from_bytes(head, "big"))[4:].decode()

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.link.recv(size - len(data))
            if not more:
                raise ConnectionError("the HSM closed the connection")
            data += more
        return data

    def key(self, size, algorithm="T"):
        key = bytes(self.random.randrange(1, 256) for _ in range(size))
        return keyblocks.odd(key) if algorithm in "TD" else key


def text_of(scheme, data):
    return (scheme if scheme != "Z" else "") + data.hex().upper()


def variant_keys(checks, host):
    """Every form without a header, in and out again, and every Atalla variant."""
    for scheme, atalla in [(s, 0) for s in LENGTHS] + [("Z", n) for n in range(1, 32)] + [("U", 3), ("T", 31)]:
        for size in LENGTHS[scheme]:
            key = host.key(size)
            sent = text_of(scheme, keyblocks.variant(ZMK, scheme, key, atalla=atalla))
            lmk = {8: "Z", 16: "U", 24: "T"}[size]
            tail = str(atalla) if atalla else ""
            reply = host.ask("A6001%s%s%s%s" % (ZMK_TEXT, sent, lmk, tail))
            good = reply[:4] == "A700" and reply[-6:] == keyblocks.kcv(key)
            back = host.ask("A8001%s%s%s%s" % (ZMK_TEXT, reply[4:-6], scheme or "0", tail))
            checks.check(good and back == "A900" + sent + keyblocks.kcv(key),
                         "scheme %s, %d bytes, Atalla %d" % (scheme or "none", size, atalla))
    single = host.key(16)
    sent = keyblocks.variant(ZMK_SHORT, "", single).hex().upper()
    reply = host.ask("A6402%s%sU" % (ZMK_SHORT_TEXT, sent))
    checks.check(reply[:4] == "A700" and reply[-6:] == keyblocks.kcv(single), "a double key under a single ZMK")


def uneven(checks, host):
    key = bytearray(host.key(16))
    key[3] ^= 1
    reply = host.ask("A6001%sX%sU" % (ZMK_TEXT, keyblocks.variant(ZMK, "X", bytes(key)).hex().upper()))
    checks.check(reply[:4] == "A701" and reply[-6:] == keyblocks.kcv(bytes(key)), "even parity is a warning with data")
    out = host.ask("A8001%s%sX" % (ZMK_TEXT, reply[4:-6]))
    stored = keyblocks.variant(ZMK, "X", bytes.fromhex(out[5:37]), decrypt=True)
    checks.check(out[:4] == "A900" and stored == keyblocks.odd(bytes(key)), "and the key was stored with odd parity")


def to_blocks(checks, host):
    """A variant key leaves as a key block with the attributes that the host names."""
    key = host.key(16)
    taken = host.ask("A6402%sX%sU" % (ZMK_TEXT, keyblocks.variant(ZMK, "X", key).hex().upper()))[4:-6]
    for version in "0ABC":
        tag = "S" if version == "0" else "R"
        reply = host.ask("A8402%s%s%s!%s#C0T2G07S01%s" % (ZMK_TEXT, taken, tag, version, KS))
        opened, head = keyblocks.unwrap(ZMK, reply[5:-6])
        wanted = "C0TG07S0100" if tag == "R" else "C0TG07S01FF"
        good = reply[:5] == "A900" + tag and opened == key and head[5:] == wanted + KS
        checks.check(good, "variant key to %s%s" % (tag, version))
        back = host.ask("A6402%s%sU" % (ZMK_TEXT, reply[4:-6]))
        checks.check(back == "A700" + taken + keyblocks.kcv(key), "and back")


def zmk_blocks(host):
    """ZMKs under the key-block LMK: (version they are for, clear, text)."""
    for size, algorithm in [(16, "T"), (24, "T"), (16, "A"), (24, "A"), (32, "A")]:
        clear = host.key(size, algorithm)
        text = "S" + keyblocks.wrap(BLOCK_LMK, "00000K0%sB00E0001" % algorithm, clear)
        for version in ("0ABC" if algorithm == "T" else "D"):
            yield version, clear, text


def block_header(version, usage, algorithm, optional=""):
    unit, count = keyblocks.UNIT[version], 1 if optional else 0
    missing = -len(optional) % unit
    if missing:
        missing += unit if missing < 4 else 0
        optional += "PB%02X" % missing + "x" * (missing - 4)
        count += 1
    return "%s0000%s%sN00S%02d%s" % (version, usage, algorithm, count, "FF" if version == "0" else "00") + optional


def one_block(host, version, zmk, zmk_text, algorithm, size, optional):
    """In from the host, under the LMK, out to the host: the key and what is said of it stay the same."""
    tag = "S" if version == "0" else "R"
    key = host.key(size, algorithm)
    header = block_header(version, "D0", algorithm, optional)
    sent = keyblocks.wrap(zmk, header, key, hidden=host.random.choice((0, 0, 8, 16, 40)))
    taken = host.ask("A6FFF%s%s%sS%%01" % (zmk_text, tag, sent))
    if taken[:5] != "A700S":
        return "import " + taken[:4]
    kept, head = keyblocks.unwrap(BLOCK_LMK, taken[5:-6])
    if kept != key or head[5:12] != header[5:12] or head[14:16] != "01" or optional not in head:
        return "LMK " + head
    if algorithm != "H" and taken[-6:] != keyblocks.kcv(key, algorithm == "A"):
        return "KCV " + taken[-6:]
    back = host.ask("A8FFF%s%s%s%%01&E!%s" % (zmk_text, taken[4:-6], tag, version))
    if algorithm == "A" and version != "D":
        return "" if back == "A9BB" else "AES under TDES " + back[:4]
    if back[:5] != "A900" + tag:
        return "export " + back[:4]
    opened, head = keyblocks.unwrap(zmk, back[5:-6])
    good = opened == key and head[5:11] == header[5:11] and head[11] == "E" and optional in head and back[-6:] == taken[-6:]
    return "" if good else "export " + head


def blocks(checks, host):
    # The size of an extended length is in bytes with writers of TR-31:2018 and in characters in X9.143:2021.
    extended = ["LB" + size + "%04X" % (10 + 262) + "y" * 262 for size in ("0002", "0004")]
    for version, zmk, text in zmk_blocks(host):
        for (algorithm, sizes), optional in itertools.product(ALGORITHMS.items(), ("", KS, "LB0Dcountersi", *extended)):
            for size in sizes[:1] if optional else sizes:
                if optional in extended and version == "D" and size > 16:
                    continue  # longer than a KEY may be
                fault = one_block(host, version, zmk, text, algorithm, size, optional)
                checks.check(not fault, "version %s, ZMK of %d, %s of %d bytes, %d of optional blocks %s" % (
                    version, len(zmk), algorithm, size, len(optional), fault))


def cvks(checks, host):
    """AW takes a pair in, AU sends it out; halves and pair have their check values."""
    for scheme, atalla in itertools.product(("", "U", "X"), (0, 2)):
        key = host.key(16)
        tail = str(atalla) if atalla else ""
        sent = text_of(scheme, keyblocks.variant(ZMK, scheme, key, atalla=atalla))
        halves = keyblocks.kcv(key[:8]) + keyblocks.kcv(key[8:])
        taken = host.ask("AW%s%s%s;0U0" % (ZMK_TEXT, sent, tail))
        good = taken[:5] == "AX00U" and taken[-12:] == halves
        back = host.ask("AU%s%s%s;%s01" % (ZMK_TEXT, taken[4:-12], tail, scheme or "0"))
        checks.check(good and back == "AV00" + sent + keyblocks.kcv(key), "CVK under the ZMK, scheme %s" % (scheme or "none"))
    key, zmk = host.key(16), host.key(16)
    text = "S" + keyblocks.wrap(BLOCK_LMK, "0000052TN00N0001", zmk)
    sent = "R" + keyblocks.wrap(zmk, "B0000C0TV01E0000", key)
    taken = host.ask("AW%s%s;0S1%%01" % (text, sent))
    kept, head = keyblocks.unwrap(BLOCK_LMK, taken[5:-6])
    good = taken[:4] == "AX00" and kept == key and head[5:] == "C0TV01E0001"
    checks.check(good and taken[-6:] == keyblocks.kcv(key), "CVK as a block")
    back = host.ask("AU%s%s;R01%%01&N" % (text, taken[4:-6]))
    opened, head = keyblocks.unwrap(zmk, back[5:-6])
    good = back[:5] == "AV00R" and opened == key and head[0] == "B" and head[5:] == "C0TV01N0000"
    checks.check(good, "and out, not to go further")


def documented(checks, address):
    """The commands of the guide, as they stand there."""
    with open("docs/key-exchange.md", encoding="utf-8") as page:
        text = page.read().replace("\\\n", " ")
    commands = [line.split()[1:] for line in text.splitlines() if line.startswith("    countersign-hsm ")]
    for words, wanted in zip(commands, ("AX00U", "A900RB0096C0TV00N0000", "A700S00072P0TB00N0001")):
        ran = tool(*words, "--to", address, "--raw")
        checks.check(ran.status == 0 and ran.out.startswith(wanted), "the guide's " + words[1])
    checks.check(len(commands) == 3, "and it has three of them")


def main():
    fail_without_build()
    checks = Checks()
    checks.check(keyblocks.proven() == 26, "the other side opens the published blocks")
    with Hsm() as hsm:
        # Every exchange leaves a line in the log, and nobody else reads it.
        threading.Thread(target=hsm.process.stderr.read, daemon=True).start()
        host = Host(hsm.port, seed())
        for part in (variant_keys, uneven, to_blocks, blocks, cvks):
            part(checks, host)
        documented(checks, hsm.address)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
