#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What real hosts send, to a countersign-hsm over its socket: codes of any length, tags, forms of keys, blocks of others.

CVC3 is computed a second time here, on openssl and nothing of ours; the answer of the HSM and `calc` are held against it."""
import hashlib
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import keyblocks
from hsm_host import CVK, Host, HsmProcess
from sandbox import Checks, fail_without_build, seed
from tools_hsm import tool

ZMK, ZMK_CLEAR = "U71979DEB8587E2734F1E99D5DCAEF9AC", bytes.fromhex("C497DCBA1A98ABBC45A2523786C28007")
OLD_CVK, KCV = "UA1E8089C9128CA10120F229A9D6CA24E", "08D7B4"
CVK_CLEAR = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
ZPK, ZPK_OUT = "U0E07CDC0161A0DE3B5AA44DF227EC9DE", "U482C4E722BB0CF1845E1E5BD16310119"
MK, MK_CVC3 = "UB68E039974B21519E5E2226866C4D3A0", "U1E6F5623CAEF7F791373A1F01A506A28"
MK_CVC3_CLEAR = bytes.fromhex("01234567899876543210012345678998")
CARD = "4123456789012345;8701101"
COMPONENTS = "U0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E"


# ---- CVC3 by security-codes.md 4 and 8


def card_key(master, pan, psn, method):
    digits = pan + psn
    if method == "B" and len(pan) > 16:
        marks = hashlib.sha1(bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))).hexdigest()
        digits = "".join(c for c in marks if c.isdigit()) + "".join(str(int(c, 16) - 10) for c in marks if not c.isdigit())
        y = digits[:16]
    else:
        y = digits[-16:].rjust(16, "0")
    half = bytes.fromhex(y)
    return keyblocks.odd(keyblocks.ecb(master, half) + keyblocks.ecb(master, bytes(b ^ 0xFF for b in half)))


def static(track):
    """Digits 9 to 11 and 14 to 20 behind the separator become zeros; fillers stay."""
    head, _, tail = track.partition("D")
    zeroed = ("0" if c.isdigit() and (8 <= at < 11 or 13 <= at < 20) else c for at, c in enumerate(tail))
    return head + "D" + "".join(zeroed)


def cvc3_of(pan, psn, method, data, un, atc):
    key = card_key(MK_CVC3_CLEAR, pan, psn, method)
    padded = data + b"\x80" + bytes(-(len(data) + 1) % 8)
    chained = keyblocks.cbc(key[:8], bytes(8), padded)[-8:]
    mac = keyblocks.ecb(key[:8], keyblocks.ecb(key[8:], chained, decrypt=True))
    block = keyblocks.ecb(key, mac[-2:] + bytes.fromhex(un) + atc.to_bytes(2, "big"))
    return "%05d" % int.from_bytes(block[-2:], "big")


def track_2(draw, pan):
    """Of any length that a card may have; digits and fillers behind the service code as they come."""
    rest = "".join(draw.choice("0123456789F") for _ in range(draw.randrange(0, 22)))
    text = pan + "D" + "%02d%02d201" % (draw.randrange(99), draw.randrange(1, 13)) + rest
    return text + "F" * (len(text) % 2)


def track_1(draw, pan):
    name = "".join(draw.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ /.abc") for _ in range(draw.randrange(2, 27)))
    text = "B%s^%s^0906101" % (pan, name)
    return text + "".join(draw.choice("0123456789") for _ in range(draw.randrange(0, 80 - len(text))))


def codes(checks, host, draw):
    """H1 and H2: numbers of 12 to 19 digits, both derivations, tracks of any length."""
    wrong = []
    for turn in range(40):
        pan = "".join(draw.choice("0123456789") for _ in range(draw.randrange(12, 20)))
        psn, un, atc = "%02d" % draw.randrange(100), "%08d" % draw.randrange(10 ** 8), draw.randrange(65536)
        method = draw.choice("AB") if len(pan) > 16 else "A"
        first = turn % 2
        track = track_1(draw, pan) if first else track_2(draw, pan)
        data = track.encode() if first else bytes.fromhex(track)
        right = cvc3_of(pan, psn, method, data if first else bytes.fromhex(static(track)), un, atc)
        other = "%05d" % ((int(right) + 1) % 100000)
        asked = "PM12%s%s%s;%s%03d%s%s%05d" % (MK_CVC3, method, pan, psn, len(data), data.decode("latin-1"), un, atc)
        answers = (host.ask(asked + right), host.ask(asked + other), host.ask(asked + "XX" + right[2:]))
        words = ["cvc3", "pan=" + pan, ("first-track=" if first else "track=") + track, "un=" + un, "atc=%d" % atc, "psn=" + psn,
                 "method=" + method, "--json"]
        ran = tool("calc", *words, stdin=MK_CVC3_CLEAR.hex().encode() + b"\n")
        told = ran.json()["result"] if ran.status == 0 else ran.err
        if answers != ("PN00", "PN01", "PN00") or told != right:
            wrong.append((pan, track, right, told, answers))
    checks.check(not wrong, "CVC3 of 40 cards, by the HSM and by calc: %s" % wrong[:2])


# ---- frames


def begins(checks, host, asked, wanted):
    answer = host.ask(asked)
    checks.check(answer.startswith(wanted), "%s: %s" % (asked[:60], answer[:60]))
    return answer


def alike(checks, host, asked, plain):
    """One is answered as the other, with data."""
    one, two = host.ask(asked), host.ask(plain)
    checks.check(one == two and one[2:4] == "00", "%s: %s" % (asked[:70], one[:60]))


def flags_and_attributes(checks, host):
    """H3 to H6, H9."""
    alike(checks, host, "A8402;0%s%sU" % (ZMK, CVK), "A8402%s%sU" % (ZMK, CVK))
    alike(checks, host, "A8402;0%s%sX%%00" % (ZMK, CVK), "A8402%s%sX" % (ZMK, CVK))
    alike(checks, host, "A6001;0%s%sU" % (ZMK, ZPK_OUT), "A6001%s%sU" % (ZMK, ZPK_OUT))
    tmk = begins(checks, host, "A00002U", "A100U")[4:37]
    out = begins(checks, host, "A8002;1%s%sU" % (tmk, tmk), "A900U")[4:37]
    begins(checks, host, "A6002;1%s%sU" % (tmk, out), "A700U")
    for asked in ("A01402U" + ZMK + "U", "A01402U;0" + ZMK + "U", "A01402U" + ZMK + "X%00", "A01002U;1" + tmk + "U"):
        begins(checks, host, asked, "A100U")
    made = host.ask("A01402U%sR#C0V00N00%%00!B" % ZMK)
    opened = keyblocks.unwrap(ZMK_CLEAR, made[38:-6])[1] if made[:5] == "A100U" else made
    checks.check(opened[:1] == "B" and opened[5:] == "C0TV00N0000", "a key made and sent out as a block: %s" % opened)
    tags = ["%00", "#C0V00N00", "&N", "!B"]
    for turn in range(4):
        out = begins(checks, host, "A8402%s%sR%s" % (ZMK, CVK, "".join(tags[turn:] + tags[:turn])), "A900RB")
        key, head = keyblocks.unwrap(ZMK_CLEAR, out[5:-6])
        checks.check(key == CVK_CLEAR and head[5:] == "C0TV00N0000", "in any order: %s" % head)
    for attributes in ("#C0T2N00E00%01", "%01#C0T2N00E00"):
        begins(checks, host, "A00FFFS" + attributes, "A100S00072C0TN00E00")
    for twice in ("%00%00", "&N&N", "!B!B", "#C0V00N00#C0V00N00"):
        checks.check(host.ask("A8402%s%sR%s" % (ZMK, CVK, twice)) == "A915", "a tag twice: " + twice)
    for asked, length in (("A004020", 38), ("A014020;0%s0" % ZMK, 70), ("A424020" + COMPONENTS, 38)):
        answer = host.ask(asked)
        checks.check(answer[2:4] == "00" and len(answer) == 4 + length, "scheme 0: %s" % answer[:20])


def silent_tags(checks, host):
    """H6 and H7: what says nothing is read and ignored."""
    key = "%s%s" % (ZMK, CVK)
    for plain in ("CW%s%s" % (CVK, CARD), "CY%s561%s" % (CVK, CARD), "QY0%sA4123456789012345;2812998000001" % MK,
                  "PM00%sA4123456789012345;2812998000001104" % MK, "BU421%s;001" % CVK, "RY30%s37123456789012300009912" % CVK):
        for tag in ("#C0T2V00E00", "&N", "!B", "!11", "%00#C0V00E00!00&N"):
            alike(checks, host, plain + tag, plain)
    alike(checks, host, "A8402%sU#C0T2V00E00" % key, "A8402%sU" % key)
    alike(checks, host, "A42402U%s#0000" % COMPONENTS, "A42402U%s" % COMPONENTS)
    alike(checks, host, "BU421%s;XU1" % CVK, "BU421%s;001" % CVK)
    alike(checks, host, "AW4ED06495741C280CAB88EE604522372FDAA27A67A8CDADFA;XU1",
          "AW4ED06495741C280CAB88EE604522372FDAA27A67A8CDADFA;0U1")
    begins(checks, host, "AS;XU1", "AT00U")
    for tail in (";XU0", ";0U0!11", ";402;XU0!00%00", "#C0T2C00E00"):
        checks.check(host.ask("BW421" + OLD_CVK + tail) == "BX00" + CVK + KCV, "BW with " + tail)
    checks.check(host.ask("BU421%s;?01" % CVK) == "BV15", "what is no letter of a scheme is refused")


def stored(checks, host):
    """H8: entry 00A of user storage, with a tag or without."""
    for tag in ("", "U", "T", "S"):
        checks.check(host.ask("CW%sK00A%s" % (tag, CARD)) == "CX00561", "CW with %sK00A" % tag)
        checks.check(host.ask("CY%sK00A561%s" % (tag, CARD)) == "CZ00", "CY with %sK00A" % tag)
    alike(checks, host, "A8402UK00BUK00AU", "A8402%s%sU" % (ZMK, CVK))
    checks.check(host.ask("CWXK00A" + CARD) == "CX15", "no tag of storage")


def blocks(checks, host):
    """H10, H11, H13: blocks of others."""
    for text in ("00604B120F9292800000", "any text, printable", "x", ""):
        out = begins(checks, host, "A8402%s%sR#C0V00E01KS%02X%s" % (ZMK, CVK, len(text) + 4, text), "A900R")
        checks.check("KS%02X%s" % (len(text) + 4, text) in keyblocks.unwrap(ZMK_CLEAR, out[5:-6])[1], "KS with %r goes out" % text)
        checks.check(host.ask("A6402%s%sU" % (ZMK, out[4:-6])) == "A700" + CVK + KCV, "and comes in")
    header = "%s0000C0TC00E0000"
    for version, wanted in (("B", "A700" + CVK + KCV), ("E", "A7A1"), ("F", "A783"), ("1", "A783"), ("Z", "A783")):
        block = keyblocks.wrap(ZMK_CLEAR, header % "B", CVK_CLEAR)
        answer = host.ask("A6402%sR%sU" % (ZMK, version + block[1:]))
        checks.check(answer == wanted, "a block of version %s: %s" % (version, answer))
    for even in (bytes(b ^ 1 for b in CVK_CLEAR), CVK_CLEAR[:15] + bytes([CVK_CLEAR[15] ^ 1])):
        for version in "ABC":
            block = keyblocks.wrap(ZMK_CLEAR, header % version, even)
            checks.check(host.ask("A6402%sR%sU" % (ZMK, block)) == "A701" + CVK + KCV,
                         "even parity in a block of version %s" % version)


def refusals(checks, host):
    """H12: what does not exist is 15; 68 is for what is known and not public."""
    for scheme, wanted in [(s, "15") for s in "89A"] + [(s, "68") for s in "123467"]:
        answer = host.ask("QY%s%sA4123456789012345;2812998000001" % (scheme, MK))
        checks.check(answer == "QZ" + wanted, "QY scheme %s: %s" % (scheme, answer))
    unknown = [("0", v) for v in "1239"] + [("5", v) for v in "129"] + [("1", v) for v in "349"] + [("8", "0"), ("9", "0")]
    for scheme, version, wanted in [(s, v, "15") for s, v in unknown] + [("1", "0", "68"), ("1", "1", "68"), ("2", "0", "68")]:
        answer = host.ask("PM%s%s%sA4123456789012345;2812998000001104" % (scheme, version, MK))
        checks.check(answer == "PN" + wanted, "PM scheme %s version %s: %s" % (scheme, version, answer))
    for mode, flag, wanted in (("3", "1", "15"), ("3", "3", "68"), ("4", "3", "68"), ("3", "4", "15"), ("1", "0", "15"),
                               ("9", "0", "15")):
        answer = host.ask("RY%s%s%s37123456789012300009912" % (mode, flag, CVK))
        checks.check(answer == "RZ" + wanted, "RY mode %s flag %s: %s" % (mode, flag, answer))


def main():
    fail_without_build()
    checks = Checks()
    with tempfile.NamedTemporaryFile("w", prefix="storage-") as storage:
        storage.write("00A 00 %s\n00B 00 %s\n" % (CVK, ZMK))
        storage.flush()
        hsm = HsmProcess("--set", "hsm.user_storage=" + storage.name, "--set", "hsm.test_lmk_old=true")
        host = Host(hsm.port)
        for part in (flags_and_attributes, silent_tags, stored, blocks, refusals):
            part(checks, host)
        codes(checks, host, seed())
        host.close()
        checks.check(hsm.stop() == 0, "an orderly stop is status 0")
    return checks.end()


sys.exit(main())
