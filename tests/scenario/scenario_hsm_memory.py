#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HSM's memory after use: clear keys stand in locked, undumpable pages only, card numbers nowhere (C-8)."""
import os
import re
import socket
import struct
import subprocess
import sys

from sandbox import BUILD, Checks, fail_without_build

# A genuine block of a CVK and the wrapped MK-AC of the published vectors; the clear values occur in no binary.
CVK_BLOCK = "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"
CVK = bytes.fromhex("5179BFD6894C8937EFA1AD3BB9F2A17F")
MK_WRAPPED = "UB68E039974B21519E5E2226866C4D3A0"
MK = bytes.fromhex("4F2A25C49119019194F2D0AE43F4D579")
MK_CVC3_WRAPPED = "U1E6F5623CAEF7F791373A1F01A506A28"
MK_CVC3 = bytes.fromhex("01234567899876543210012345678998")
PAN = "4716293847561029"
ACCOUNT = "379382057160543"


class Hsm:
    def __init__(self, secretmem):
        command = [os.path.join(BUILD, "countersign-hsm"), "--test-lmk", "--listen", "127.0.0.1:0",
                   "--set", "hsm.secretmem=%s" % secretmem]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        port = next(m.group(1) for m in (re.search(r'"port":(\d+)', line) for line in self.process.stderr) if m)
        self.socket = socket.create_connection(("127.0.0.1", int(port)), timeout=10)

    def ask(self, command):
        payload = b"0001" + (command if isinstance(command, bytes) else command.encode())
        self.socket.sendall(struct.pack(">H", len(payload)) + payload)
        length = struct.unpack(">H", self.socket.recv(2, socket.MSG_WAITALL))[0]
        return self.socket.recv(length, socket.MSG_WAITALL).decode()[4:]

    def ask_together(self, commands):
        """All at once, so that their codes are computed together."""
        payloads = [b"0001" + command.encode() for command in commands]
        self.socket.sendall(b"".join(struct.pack(">H", len(payload)) + payload for payload in payloads))
        lengths = (struct.unpack(">H", self.socket.recv(2, socket.MSG_WAITALL))[0] for _ in payloads)
        return [self.socket.recv(length, socket.MSG_WAITALL).decode()[4:] for length in lengths]

    def regions(self):
        """(left out of cores, bytes) of every readable mapping."""
        with open("/proc/%d/smaps" % self.process.pid) as text:
            regions, at = [], None
            for line in text:
                head = re.match(r"^([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
                if head:
                    at = (int(head.group(1), 16), int(head.group(2), 16), head.group(3))
                elif line.startswith("VmFlags:") and at[2].startswith("r"):
                    regions.append((at[0], at[1], " dd" in line))
        with open("/proc/%d/mem" % self.process.pid, "rb") as memory:
            for start, end, locked in regions:
                try:
                    memory.seek(start)
                    yield locked, memory.read(end - start)
                except (OSError, ValueError):
                    continue  # vsyscall and the like

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def other_codes(hsm, checks):
    """Window codes, CSC, CVC3 over a binary track, and all of it in chains."""
    told = []
    for hour in range(20):
        start = "%sA%s;2812000260101%02d0001" % (MK_WRAPPED, PAN, hour)
        told.append(hsm.ask("PM50" + start + hsm.ask("QY5" + start)[4:]))
        made = hsm.ask("RY32%s%s00002812%03d%%01" % (CVK_BLOCK, ACCOUNT, hour))[5:]
        told.append(hsm.ask("RY42%s%s00002812%03d%s%%01" % (CVK_BLOCK, ACCOUNT, hour, made)))
        track = bytes.fromhex(PAN + "D09061019005997722553F")
        cvc3 = ("PM12%sA%s;00019" % (MK_CVC3_WRAPPED, PAN)).encode() + track + ("000007720%04dXX%03d" % (hour, hour)).encode()
        hsm.ask(cvc3)
        parts = [cvc3, ("PM50" + start + "123").encode(), ("CW%s%s;2812101%%01" % (CVK_BLOCK, PAN)).encode()]
        hsm.ask(b"NK003" + b"".join(b"%04d" % len(part) + part for part in parts))
    checks.check(set(told) == {"PN00", "RZ004000"}, "window codes and CSC: %s" % set(told))


def use(hsm, checks):
    told = []
    for counter in range(100):
        code = hsm.ask("CW%s%s;2812101%%01" % (CVK_BLOCK, PAN))[4:]
        told.append(hsm.ask("CY%s%s%s;2812101%%01" % (CVK_BLOCK, code, PAN)))
        code = hsm.ask("QY0%sA%s;2812998%06d" % (MK_WRAPPED, PAN, counter))[4:]
        told.append(hsm.ask("PM00%sA%s;2812998%06d%s" % (MK_WRAPPED, PAN, counter, code)))
    checks.check(set(told) == {"CZ00", "PN00"}, "200 codes made and verified: %s" % set(told))
    other_codes(hsm, checks)
    static = ["CW%s%s;2812101%%01" % (CVK_BLOCK, PAN)] * 300
    dynamic = ["QY0%sA%s;2812998%06d" % (MK_WRAPPED, PAN, counter) for counter in range(300)]
    for answers in (hsm.ask_together(static), hsm.ask_together(dynamic)):
        checks.check(len(answers) == 300 and all(answer[2:4] == "00" for answer in answers), "300 codes made together")
    # The last command of the run holds nothing of the card.
    hsm.ask("NC")


NEEDLES = {"PAN": PAN.encode(), "packed PAN": bytes.fromhex(PAN), "PAN as numbers": bytes(map(int, PAN)),
           "PAN under its overlay": PAN[4:].encode(), "CVK": CVK, "CVK half": CVK[8:], "MK-AC": MK, "MK-AC half": MK[8:],
           "MK-CVC3": MK_CVC3, "MK-CVC3 half": MK_CVC3[8:], "account": ACCOUNT.encode(), "account digits": ACCOUNT[2:14].encode()}


def search(hsm, checks):
    """How often the clear CVK stands in undumpable pages; nothing may stand anywhere else."""
    open_bytes = {}
    locked_keys = 0
    for locked, memory in hsm.regions():
        locked_keys += locked and CVK in memory
        for name, value in NEEDLES.items():
            if value in memory and not (locked and value in CVK + MK + MK_CVC3):
                open_bytes[name] = open_bytes.get(name, 0) + 1
    checks.check(not open_bytes, "nothing clear stands anywhere else: %s" % open_bytes)
    return locked_keys


def locked_pages(checks):
    hsm = Hsm("false")
    try:
        use(hsm, checks)
        checks.check(search(hsm, checks) > 0, "the clear CVK stands in undumpable pages: the search finds what is there")
    finally:
        hsm.stop()


def secret_memory(checks):
    hsm = Hsm("true")
    try:
        use(hsm, checks)
        with open("/proc/%d/maps" % hsm.process.pid) as text:
            offered = "secretmem" in text.read()
        if not offered:
            print("this kernel has no memfd_secret(2): the locked pages above are what there is")
        checks.check(not offered or search(hsm, checks) == 0, "memfd_secret(2): the kernel shows the keys to nobody")
    finally:
        hsm.stop()


def main():
    fail_without_build()
    checks = Checks()
    try:
        locked_pages(checks)
        secret_memory(checks)
    except PermissionError:
        print("not allowed to read the memory of an undumpable process: run as root to check it")
        checks.check(True, "the system keeps others out of the HSM's memory")
    return checks.end()


sys.exit(main())
