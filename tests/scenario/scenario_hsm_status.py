#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Status commands, chains, LMKs by port and layout profiles on a real HSM, read by a client that has nothing of ours."""
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sandbox import Checks, fail_without_build
from tools_hsm import CVK, PROGRAM, Hsm

MK = "UB68E039974B21519E5E2226866C4D3A0"
CVK_BLOCK = "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"
CARD = "4123456789012345;"
CHECKS = {0: "2686040000000000", 1: "8E0EC0864D35705B"}  # 01: TDES of a zero block, by openssl
LAYOUT = """profile site
algorithm T0
column 1 constant 2 A value=V2
column 2 twu 4 N unit=minutes
column 3 time 12 N format=YYMMDDhhmmss
column 4 service 3 N
column 5 code 3 N
column 6 expiry 4 N
"""


class Host:
    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", int(port)), 10)

    def send(self, *commands):
        data = b""
        for command in commands:
            frame = b"HEAD" + (command if isinstance(command, bytes) else command.encode())
            data += len(frame).to_bytes(2, "big") + frame
        self.link.sendall(data)

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.link.recv(size - len(data))
            if not more:
                raise ConnectionError("the HSM closed the connection")
            data += more
        return data

    def reply(self):
        return self.take(int.from_bytes(self.take(2), "big"))[4:]

    def ask(self, command):
        self.send(command)
        return self.reply().decode("latin-1")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def lmks_by_port(checks, host, ports):
    for port, lmk in zip([None] + ports, (0, 1, 0)):
        asked = Host(port) if port else host
        checks.check(asked.ask("NC") == "ND00" + CHECKS[lmk] + "1500-0023", "port %s answers by LMK %02d" % (port, lmk))
        checks.check(asked.ask("NC%%%02d" % (1 - lmk)) == "ND00" + CHECKS[1 - lmk] + "1500-0023", "and by another one it is named")
    other = Host(ports[0])
    checks.check(other.ask("CW" + CVK_BLOCK + "502265400089000092;2010620") == "CX00181", "a key block needs no %01 there")
    checks.check(other.ask("CW" + CVK + CARD + "8701101") == "CX26", "and a variant key does")
    checks.check(other.ask("NC%07") == "ND13", "an LMK that is not loaded")


def chains(checks, host):
    """Many chains in flight whose answers are a hundred times as long: every one arrives, whole and in order."""
    inner = "".join("%04d%s" % (len(c), c) for c in ["N0999"] * 30 + ["CW" + CVK + CARD + "8701101"])
    count = 200
    threading.Thread(target=host.send, args=["NK031" + inner] * count, daemon=True).start()
    good = 0
    for _ in range(count):
        reply = host.reply()
        good += len(reply) == 6 + 30 * (4 + 4 + 999) + 4 + 7 and reply[:6] == b"NL0031" and reply[-11:] == b"0007CX00561"
    checks.check(good == count, "%d of %d long chains answered" % (good, count))
    checks.check(host.ask("NK0020002BE0002NC") == "NL00020004BF680029ND00" + CHECKS[0] + "1500-0023", "and a short one after them")


def moment(text):
    return time.strptime(text, "%y%m%d%H%M%S")


def state(checks, host):
    text = host.ask("JK")
    at = [4]

    def field(size):
        at[0] += size
        return text[at[0] - size:at[0]]

    checks.check(text[:4] == "JL00" and field(12) == "SN2026000042", "JK names the serial number")
    told = time.mktime(moment(field(12))) - time.timezone
    checks.check(abs(told - time.time()) < 120, "and the time in UTC")
    checks.check((field(4), field(2), field(1)) == ("3313", "00", "1"), "console, manager, hosts, tamper")
    checks.check((field(2), field(2), field(2)) == ("02", "02", "00"), "two LMKs, both for tests, none old")
    records, rest = text[at[0]:].split("\x15")
    fixed = [(r[:2], r[2], r[3:5], r[5], r[6], r[7]) for r in records.split("\x14")]
    checks.check(fixed == [("00", "1", "04", "V", "0", "T"), ("01", "1", "04", "K", "1", "T")], "one record each, authorised")
    checks.check(rest == "00", "no fraud, no PIN attacks")


def authority(checks, host):
    wrong = "PM00" + MK + "A" + CARD + "2812998000001105"
    checks.check(host.ask(wrong) == "PN01104", "in authorised state PM tells the value")
    checks.check(host.ask("RA") == "RB00" and host.ask(wrong) == "PN01", "after RA it does not")
    checks.check("\x1401104K" in host.ask("JK"), "and the other LMK is still authorised")


def counts(checks, hsm):
    host = Host(hsm.port)
    for command in ["B20002hi", "CW", "CY" + CVK + "561" + CARD + "8701101", "B2", "XX"]:
        host.ask(command)
    text = host.ask("J4")
    start, end, now, seconds = text[16:28], text[28:40], text[40:52], int(text[52:62])
    checks.check(text[:16] == "J500CS0000000000" and end == now and 0 <= seconds < 600, "J5 begins with serial and times")
    checks.check(abs((time.mktime(moment(end)) - time.mktime(moment(start))) - seconds) <= 1, "seconds are what lies between")
    used = [(text[62 + 14 * i:][:2], int(text[64 + 14 * i:][:12])) for i in range((len(text) - 62) // 14)]
    checks.check(used == [("B2", 2), ("CW", 1), ("CY", 1)], "counts in order of first use: %s" % used)
    time.sleep(2.2)
    text = host.ask("J2")
    bands = [text[62 + 17 * i:][:17] for i in range(10)]
    edges = ["%03d%03d" % (n, n + 10) for n in range(0, 100, 10)]
    checks.check(len(text) == 62 + 170 and [b[:6] for b in bands] == edges, "J3 has ten bands")
    checks.check(all(b[16] == ";" for b in bands) and 2 <= sum(int(b[6:16]) for b in bands) <= 60, "of whole seconds")


def layout(checks, host):
    start = MK + "A" + CARD + "V20060260101045959000"
    checks.check(host.ask("QY5" + start + "2812") == "QZ00137", "t0-02 by the site's layout")
    checks.check(host.ask("PM50" + start + "137" + "2812") == "PN00", "and verified")
    checks.check(host.ask("QY5" + MK + "A" + CARD + "2812000260101000001") == "QZ15", "the shipped one is not in force")


def refused(checks, folder):
    cases = [("column 1 expiry 5 N\n", ":1: "), (LAYOUT.replace("T0", "T9"), "algorithm T9"), (None, "cannot be read")]
    for text, wanted in cases:
        path = os.path.join(folder, "bad.layout")
        if text is None:
            path += ".none"
        else:
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
        command = [PROGRAM, "--test-lmk", "--listen", "127.0.0.1:0", "--set", "hsm.layout=" + path]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
        checks.check(done.returncode not in (0, None) and wanted in done.stderr.decode(), "refused at start: " + wanted)
    for setting in ("hsm.lmk_ports=1501", "hsm.lmk_ports=1501=7", "hsm.lmk_ports=70000=01", "hsm.serial=short"):
        command = [PROGRAM, "--test-lmk", "--listen", "127.0.0.1:0", "--set", setting]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
        checks.check(done.returncode not in (0, None) and setting.split("=")[0] in done.stderr.decode(), "refused: " + setting)


def main():
    fail_without_build()
    checks = Checks()
    ports = free_ports(2)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "site.layout")
        with open(path, "w", encoding="ascii") as out:
            out.write(LAYOUT)
        settings = ["hsm.lmk_ports=%d=01,%d=00" % tuple(ports), "hsm.layout=" + path, "hsm.serial=SN2026000042"]
        settings.append("hsm.authorised=true")
        with Hsm(*[word for s in settings for word in ("--set", s)]) as hsm:
            threading.Thread(target=hsm.process.stderr.read, daemon=True).start()
            host = Host(hsm.port)
            lmks_by_port(checks, host, ports)
            for part in (state, authority, chains, layout):
                part(checks, host)
        with Hsm() as hsm:
            threading.Thread(target=hsm.process.stderr.read, daemon=True).start()
            counts(checks, hsm)
        refused(checks, folder)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
