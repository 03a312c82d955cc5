#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real HSM makes, forms, checks and migrates keys; the openssl command opens what it answers and wraps what it is given."""
import os
import signal
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import keyblocks
from sandbox import Checks, fail_without_build, seed
from tools_hsm import CVK, Hsm, tool

# host-commands.md 3: pairs 00-01 to 38-39.
PAIRS = [bytes.fromhex(p.replace(" ", "")) for p in (
    "0101010101010101 7902CD1FD36EF8BA", "20" * 8 + "31" * 8, "40" * 8 + "51" * 8, "61" * 8 + "70" * 8, "80" * 8 + "91" * 8,
    "A1" * 8 + "B0" * 8, "C1C1010101010101 D0D0010101010101", "E0E0010101010101 F1F1010101010101", "1C587F1C13924FEF" + "01" * 8,
    "01" * 16, "02" * 8 + "04" * 8, "07" * 8 + "10" * 8, "13" * 8 + "15" * 8, "16" * 8 + "19" * 8, "1A" * 8 + "1C" * 8,
    "23" * 8 + "25" * 8, "26" * 8 + "29" * 8, "2A" * 8 + "2C" * 8, "2F" * 8 + "31" * 8, "01" * 16)]
VARIANTS = bytes.fromhex("00A65A6ADE2B50749CFA")
PAIR_CODES = [2, 3] + list(range(7, 20))
OLD = 7  # the old test pairs are rotated by seven
BLOCK_LMK = bytes.fromhex("0123456789ABCDEF8080808080808080FEDCBA9876543210")
OLD_BLOCK_LMK = BLOCK_LMK[16:] + BLOCK_LMK[8:16] + BLOCK_LMK[:8]
LENGTHS = {"Z": 8, "U": 16, "X": 16, "T": 24, "Y": 24}
FLAGS = {8: "0", 16: "1", 24: "2"}
CARD = "4123456789012345;8701101"


class Host:
    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", int(port)), 10)
        self.stream = self.link.makefile("rb")

    def ask(self, command):
        data = b"HEAD" + command.encode()
        self.link.sendall(len(data).to_bytes(2, "big") + data)
        return self.stream.read(int.from_bytes(self.stream.read(2), "big"))[4:].decode()


def lmk_key(code, component=False, old=False):
    pair = bytearray(PAIRS[(PAIR_CODES[int(code[1:], 16)] + (OLD if old else 0)) % 20])
    pair[0] ^= VARIANTS[int(code[0])] ^ (0xFF if component else 0)
    return bytes(pair)


def under_lmk(code, scheme, key, decrypt=False, **how):
    return keyblocks.variant(lmk_key(code, **how), scheme, key, decrypt)


def text_of(scheme, data):
    return (scheme if scheme != "Z" else "") + data.hex().upper()


def add(parts):
    total = bytes(len(parts[0]))
    for part in parts:
        total = bytes(a ^ b for a, b in zip(total, part))
    return keyblocks.odd(total)


def a_type(random):
    while True:
        code = "%d%02X" % (random.randrange(10), random.randrange(15))
        if code not in ("00C", "10C"):
            return code


def random_key(random, size):
    return keyblocks.odd(bytes(random.randrange(2, 254) for _ in range(size)))


def generated(checks, host, random):
    """A0, BU and BW of random types in every form; openssl takes off the LMK."""
    for scheme, size in list(LENGTHS.items()) * 4:
        code = a_type(random)
        reply = host.ask("A00%s%s" % (code, scheme))
        text = reply[4:-6]
        key = under_lmk(code, scheme, bytes.fromhex(text.lstrip("UXTY")), decrypt=True)
        good = reply[:4] == "A100" and len(key) == size and key == keyblocks.odd(key) and reply[-6:] == keyblocks.kcv(key)
        checks.check(good, "A0 %s %s" % (code, scheme))
        brief = host.ask("BUFF%s%s;%s;001" % (FLAGS[size], text, code))
        full = host.ask("BUFF%s%s;%s" % (FLAGS[size], text, code))
        zeros = keyblocks.ecb(key, bytes(8)).hex().upper()
        checks.check(brief == "BV00" + zeros[:6] and full == "BV00" + zeros, "BU of it")
        old = text_of(scheme, under_lmk(code, scheme, key, old=True))
        checks.check(host.ask("BWFF%s%s;%s" % (FLAGS[size], old, code)) == "BX00" + text + keyblocks.kcv(key), "BW to it")


def formed(checks, host, random):
    for count in range(2, 10):
        code, (scheme, size), varied = a_type(random), random.choice(list(LENGTHS.items())), bool(count % 2)
        parts = [random_key(random, size) for _ in range(count)]
        sent = "".join(text_of(scheme, under_lmk(code, scheme, part, component=varied)) for part in parts)
        key = add(parts)
        wanted = "A500" + text_of(scheme, under_lmk(code, scheme, key)) + keyblocks.kcv(key)
        checks.check(host.ask("A4%d%s%s%s" % (count, code, scheme, sent)) == wanted, "A4 of %d, %s %s" % (count, code, scheme))


def blocks(checks, host, random):
    for count, (letter, size) in zip(range(2, 8), (("1", 8), ("2", 16), ("3", 24)) * 2):
        reply = host.ask("A00FFFS%%01#E0T%sX%02dS00" % (letter, count))
        key, head = keyblocks.unwrap(BLOCK_LMK, reply[5:-6])
        good = len(key) == size and head[5:] == "E0TX%02dS0001" % count and reply[-6:] == keyblocks.kcv(key)
        checks.check(good, "A0 of a block, T" + letter)
        checks.check(host.ask("BUFFF%s;FFF;001%%01" % reply[4:-6]) == "BV00" + keyblocks.kcv(key), "BU of it")
        parts = [random_key(random, size) for _ in range(count)]
        sent = "".join("S" + keyblocks.wrap(BLOCK_LMK, "00000E0TXc%dS0001" % (n + 1), p) for n, p in enumerate(parts))
        reply = host.ask("A4%dFFFS%s%%01#0700" % (count, sent))
        checks.check(reply[:5] == "A500S" and keyblocks.unwrap(BLOCK_LMK, reply[5:-6])[0] == add(parts), "A4 of %d blocks" % count)
        reply = host.ask("BWFFFS%s;FFF%%01" % keyblocks.wrap(OLD_BLOCK_LMK, "00000K0TB00N0001", parts[0]))
        moved, head = keyblocks.unwrap(BLOCK_LMK, reply[5:-6])
        checks.check(reply[:5] == "BX00S" and moved == parts[0] and head[5:] == "K0TB00N0001", "BW of a block")
    reply = host.ask("AS;0S0%01")
    pair, head = keyblocks.unwrap(BLOCK_LMK, reply[5:-12])
    good = head[5:] == "C0TC00E0001" and reply[-12:] == keyblocks.kcv(pair[:8]) + keyblocks.kcv(pair[8:])
    checks.check(good, "AS of a block has a check value for each half")


def exported(checks, host, random):
    zmk = random_key(random, 16)
    for scheme in ("S", "R"):
        zmk_text = "U" + under_lmk("000", "U", zmk).hex().upper()
        reply = host.ask("A01402U;0%s%s#C0T2V00N00" % (zmk_text, scheme))
        key = under_lmk("402", "U", bytes.fromhex(reply[5:37]), decrypt=True)
        sent, head = keyblocks.unwrap(zmk, reply[38:-6])
        checks.check(sent == key and head[5:12] == "C0TV00N", "A0 sends out as " + scheme)


def stored(checks, hsm, host, path):
    checks.check(host.ask("CWK00A" + CARD) == "CX00561", "an entry serves")
    checks.check(host.ask("CWK00C" + CARD) == "CX12" and host.ask("CWK100" + CARD) == "CX21", "an empty one and one beyond do not")
    with open(path, "a", encoding="ascii") as out:
        out.write("00C 00 %s\n" % CVK)
    hsm.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 10
    while host.ask("CWK00C" + CARD) != "CX00561" and time.monotonic() < until:
        time.sleep(0.02)
    checks.check(host.ask("CWK00C" + CARD) == "CX00561", "SIGHUP brings the new entry")


def documented(checks, address):
    """The commands of the guide, as they stand there."""
    with open("docs/keys.md", encoding="utf-8") as page:
        text = page.read().replace("\\\n", " ")
    commands = [line.split()[1:] for line in text.splitlines() if line.startswith("    countersign-hsm ")]
    wanted = ("A100U", "A100S00072C0TC00E0001", "A500FE018240022A76DCA192FE", "BV0008D7B4", "BX00" + CVK + "08D7B4")
    for words, answer in zip(commands, wanted):
        ran = tool(*words, "--to", address, "--raw")
        checks.check(ran.status == 0 and ran.out.startswith(answer), "the guide's " + words[1])
    checks.check(len(commands) == len(wanted), "and it has %d of them" % len(wanted))


def alone(checks):
    ran = tool("--listen", "127.0.0.1:0", "--set", "hsm.test_lmk_old=true")
    checks.check(ran.status == 64 and "hsm.test_lmk_old goes with" in ran.err, "old test LMKs do not come alone")


def main():
    fail_without_build()
    checks, random = Checks(), seed()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "storage.txt")
        with open("docs/keys.md", encoding="utf-8") as page, open(path, "w", encoding="ascii") as out:
            out.writelines(line.strip() + "\n" for line in page if line.startswith(("    00", "    # ")))
        with Hsm("--set", "hsm.test_lmk_old=true", "--set", "hsm.user_storage=" + path) as hsm:
            threading.Thread(target=hsm.process.stderr.read, daemon=True).start()
            host = Host(hsm.port)
            for part in (generated, formed, blocks, exported):
                part(checks, host, random)
            stored(checks, hsm, host, path)
            documented(checks, hsm.address)
    alone(checks)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
