#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""countersign-hsm send: published frames typed by names, sent to a real HSM, explained, masked, refused where they are wrong."""
import socket
import os
import sys
import tempfile

from sandbox import Checks, fail_without_build
from tls_files import Authority
from tools_hsm import CVK, Hsm, guide, tool

PAN = "4123456789012345"
CARD = ("pan=" + PAN, "expiry=8701", "service=101")
MK = "UB68E039974B21519E5E2226866C4D3A0"
BLOCK = "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"

# Command, fields, options, the command's bytes and the answer of host-commands.md 5.4.
PUBLISHED = (
    (("CW", "key=" + CVK) + CARD, (), "CW%s%s;8701101" % (CVK, PAN), "00", "561"),
    (("CY", "key=" + CVK, "code=561") + CARD, (), "CY%s561%s;8701101" % (CVK, PAN), "00", None),
    (("CY", "key=" + CVK, "code=111") + CARD, (), "CY%s111%s;8701101" % (CVK, PAN), "01", None),
    (("CW", "key=" + BLOCK, "pan=502265400089000092", "expiry=2010", "service-code=620"), ("--lmk", "01"),
     "CW%s502265400089000092;2010620%%01" % BLOCK, "00", "181"),
    (("QY", "scheme=0", "key=" + MK, "method=A", "pan=" + PAN, "expiry=2812", "service=998", "atc=000001"), (),
     "QY0%sA%s;2812998000001" % (MK, PAN), "00", "104"),
    (("BU", "variant=0", "pair=2", "length-flag=0", "key=0406FBB23A5214DF"), (), "BU0200406FBB23A5214DF", "00", None),
    (("B2", "data=hex:0123456789ABCDEF".replace("hex:", "")), (), "B200100123456789ABCDEF", "00", None),
)


def part(frame, field):
    return next(p for p in frame["parts"] if p["field"] == field)


def published(checks, hsm):
    for words, options, sent, error, code in PUBLISHED:
        ran = tool("send", *words, *options, "--to", hsm.address, "--json", "--reveal")
        told = ran.json()
        frame = bytes.fromhex(told["request"]["frame"])
        checks.check(frame[6:].decode() == sent, "%s is framed as published" % words[0])
        checks.check(told["answer"]["error"] == error and ran.status == (error != "00"), "and answered %s" % error)
        if code:
            values = [p["value"] for p in told["answer"]["parts"]]
            checks.check(values[-1] == code, "with the published code")
    recorded = tool("send", "--hex", "000648454144 4E43".replace(" ", ""), "--json").json()
    checks.check(part(recorded["request"], "header")["value"] == "HEAD", "the recorded request is explained")
    answer = tool("send", "--hex", (b"\0\x21HEADND005D672700000000001500-0023").hex(), "--json")
    checks.check(part(answer.json()["answer"], "LMK check")["value"] == "5D67270000000000" and
                 part(answer.json()["answer"], "firmware")["value"] == "1500-0023" and answer.status == 0,
                 "and so is the recorded answer")
    for frame, told in (("0010484541444E4F3030", "says 16 bytes, 8 follow: the frame is cut"), ("00084845", "the frame is cut"),
                        ("0004484541444E4F3030", "the frame is longer than that")):
        ran = tool("send", "--hex", frame)
        checks.check(ran.status == 2 and told in ran.err, "a length that does not fit is told: %s %s" % (ran.status, ran.err))


def masking(checks, hsm):
    ran = tool("send", "CW", "key=" + CVK, *CARD, "--to", hsm.address)
    checks.check(ran.status == 0 and "412345******2345" in ran.out, "the card number is masked")
    checks.check(PAN not in ran.out and PAN.encode().hex() not in ran.out.lower() and "561" not in ran.out,
                 "neither it nor the code is shown, as text or as bytes")
    data = tool("send", "CW", "key=" + CVK, *CARD, "--to", hsm.address, "--json")
    checks.check(PAN not in data.out and PAN.encode().hex() not in data.out.lower() and "frame" not in data.json()["answer"],
                 "nor in the data")
    shown = tool("send", "CW", "key=" + CVK, *CARD, "--to", hsm.address, "--reveal")
    checks.check(PAN in shown.out and "561" in shown.out, "until it is asked for")
    raw = tool("send", "CW", "key=" + CVK, *CARD, "--to", hsm.address, "--raw")
    checks.check(raw.out == "CX00561\n", "--raw gives the answer alone")
    broken = tool("send", "--hex", (b"0001CW" + CVK.encode() + PAN.encode() + b"X;8701101").hex())
    checks.check(broken.status == 3 and PAN not in broken.out and "an HSM answers 15" in broken.out,
                 "a broken frame is explained as far as it goes, its rest is hidden")
    quiet = tool("send", "CW", "key=" + CVK, "--fields", "-", "--to", hsm.address, "--raw", stdin="\n".join(CARD).encode())
    checks.check(quiet.out == "CX00561\n", "fields come from standard input as well")


def around(checks, hsm):
    ran = tool("send", "CW", "key=" + CVK, *CARD, "--to", hsm.address, "--json", "--trailer", "TRAIL", "--header", "00ff1941")
    told = ran.json()
    checks.check(part(told["answer"], "trailer")["bytes"] == "19" + b"TRAIL".hex().upper(), "the trailer comes back")
    checks.check(part(told["answer"], "header")["bytes"] == "00FF1941", "and the header, whatever its bytes")
    with Hsm("--header", "9") as other:
        ran = tool("send", "NC", "--header", "31" * 9, "--to", other.address)
        checks.check(ran.status == 0, "headers have the length that the HSM expects")
        ran = tool("send", "NC", "--header", "", "--to", other.address)
        checks.check(ran.status == 4 and "header" in ran.err, "and a wrong one is answered by closing")
    attributes = ("attr.usage=C0", "attr.algorithm=T2", "attr.mode=N", "attr.version=00", "attr.export=E", "attr.opt=00")
    ran = tool("send", "A0", "mode=0", "key-type=FFF", "lmk-scheme=S", *attributes, "--lmk", "1", "--to", hsm.address, "--json")
    checks.check(ran.status == 0 and part(ran.json()["request"], "usage")["value"] == "C0", "attributes of key blocks have names")
    zmk = "U71979DEB8587E2734F1E99D5DCAEF9AC"
    ran = tool("send", "A8", "key-type=402", "zmk=" + zmk, "key=" + CVK, "zmk-scheme=R", *attributes, "--exportability", "N",
               "--block-version", "C", "--to", hsm.address, "--json")
    told = ran.json()
    checks.check(ran.status == 0 and part(told["request"], "exportability")["value"] == "N" and
                 part(told["answer"], "key")["value"].startswith("RC0072C0TN00N0000"), "and so have changes of them")


def chained(checks, hsm):
    """NK: each command of the chain is explained, and so is each answer."""
    one = "CW%s%s;8701101" % (CVK, PAN)
    commands = "commands=%04d%s0002NC0004XX12" % (len(one), one)
    ran = tool("send", "NK", "header-flag=0", commands, "--to", hsm.address, "--json")
    told = ran.json()
    fields = [p["field"] for p in told["request"]["parts"]]
    checks.check(ran.status == 0 and part(told["request"], "count")["value"] == "03", "commands of a chain are counted")
    masked = part(told["request"], "PAN")["value"] == "412345******2345" and PAN not in ran.out
    checks.check(fields.count("command") == 4 and masked, "each is explained, and masked as if it came alone")
    errors = [p["value"] for p in told["answer"]["parts"] if p["field"] == "error"]
    checks.check(errors[:3] == ["00"] * 3 and part(told["answer"], "CVV")["value"] == "***", "so are the answers: %s" % errors)
    own = "ABCD" + one
    ran = tool("send", "NK", "header-flag=1", "commands=%04d%s" % (len(own), own), "--to", hsm.address, "--json")
    headers = [p["value"] for p in ran.json()["answer"]["parts"] if p["field"] == "header"]
    checks.check(ran.status == 0 and headers == ["0001", "ABCD"], "headers of their own")


def documented(checks, hsm):
    """The commands of the guide, as they stand there."""
    said = [tool(*words, *(() if "--hex" in words else ("--to", hsm.address, "--raw"))) for words in guide("send")]
    checks.check([ran.out for ran in said[:3]] == ["CX00561\n", "CZ00\n", "QZ00104\n"], "the guide's commands are answered")
    checks.check(len(said) == 4 and said[3].status == 0 and "status" in said[3].out, "and its frame is explained")


LAYOUT = """profile site
algorithm T0
column 1 twu 4 N unit=minutes
column 2 time 12 N format=YYMMDDhhmmss
column 3 code 3 N
column 4 expiry 4 N optional=2812
column 5 service 3 N optional=000
"""


def laid_out(checks, folder):
    """Scheme 5 in another layout, for the HSM and for the tool; t0-01 of the published vectors."""
    path = os.path.join(folder, "site.layout")
    with open(path, "w", encoding="ascii") as handle:
        handle.write(LAYOUT)
    card = ("scheme=5", "key=" + MK, "method=A", "pan=" + PAN, "twu=0060", "time=260101000000")
    with Hsm("--set", "hsm.layout=" + path) as hsm:
        run = ("--layout", path, "--to", hsm.address, "--json", "--reveal")
        for words, more in ((("QY", *card), ()), (("QY", *card), ("expiry=2812", "service=000"))):
            told = tool("send", *words, *more, *run).json()
            checks.check(part(told["answer"], "code")["value"] == "411", "the code in a layout of the site")
            checks.check(part(told["request"], "TWU")["value"] == "0060" and
                         part(told["request"], "expiry")["value"] == "2812", "its columns are explained")
        checks.check(tool("send", "PM", *card, "version=0", "code=411", *run).status == 0, "and verified")
    checks.check(tool("send", "NC", "--layout", os.path.join(folder, "none")).status == 2, "a layout that is not there")


def over_tls(checks, folder):
    ca, other = Authority(folder), Authority(folder, "other")
    ca.leaf("hsm", "hsm", "subjectAltName=IP:127.0.0.1")
    ca.leaf("switch", "switch 1")
    server = ("--set", "hsm.tls_listen=127.0.0.1:0", "--set", "hsm.tls_certificate=" + ca.path("hsm.pem"), "--set",
              "hsm.tls_key=" + ca.path("hsm.key"), "--set", "hsm.tls_ca=" + ca.path("ca.pem"))
    own = ("--tls-certificate", ca.path("switch.pem"), "--tls-key", ca.path("switch.key"))
    with Hsm(*server) as hsm:
        words = ("send", "CW", "key=" + CVK, *CARD, "--to", "127.0.0.1:" + hsm.tls_port, "--raw")
        ran = tool(*words, "--tls-ca", ca.path("ca.pem"), *own)
        checks.check(ran.status == 0 and ran.out == "CX00561\n", "over TLS, both sides proven: %s" % ran.err.strip())
        ran = tool(*words, "--tls-ca", other.path("other.pem"), *own)
        checks.check(ran.status == 4 and not ran.out, "not to an HSM of another authority: %s" % ran.err.strip())
        ran = tool(*words, "--tls-ca", ca.path("ca.pem"), *own, "--tls-name", "hsm.example")
        checks.check(ran.status == 4 and not ran.out, "nor to one of another name: %s" % ran.err.strip())
        checks.check(tool(*words, "--tls-ca", ca.path("ca.pem")).status == 2, "TLS needs its own certificate")


def refusals(checks, hsm):
    for words, said in (
            (("ZZ",), "no such command"), ((), "which command"), (("CW", "pan=" + PAN), "cvk: this field is needed"),
            (("CW", "key=" + CVK, "pan=" + PAN, "pan=" + PAN), "given twice"), (("CW", "colour=1"), "no such field"),
            (("CW", "key=" + CVK, "pan=41234567890A2345", "expiry=8701", "service=101"), "pan: the field has a character"),
            (("CW", "key=" + CVK, "pan=" + PAN, "expiry=8701", "service=10"), "3N is wanted"),
            (("NC", "--exportability", "N"), "makes no key block"), (("A8", "--block-version", "AB"), "one character"),
            (("NC", "--lmk", "100"), "--lmk"), (("NC", "--header", "1"), "--header"), (("NC", "--hex", "00"), "--hex"),
            (("--hex", "0g"), "--hex"), (("CW", PAN), "write FIELD=VALUE"), (("NC", "--colour"), "unrecognized option"),
            (("QY", "scheme=0", "key=" + MK, "method=A", "pan=" + PAN, "expiry=2812", "service=998", "atc=000001", "twu=01"),
             "twu: does not belong")):
        ran = tool("send", *words, "--to", hsm.address)
        checks.check(ran.status == 2 and said in ran.err and PAN not in ran.err, "refused: %s" % said)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        ran = tool("send", "NC", "--to", "127.0.0.1:%d" % probe.getsockname()[1])
        checks.check(ran.status == 4 and "refused" in ran.err, "nobody listens: told at once")
        probe.listen(1)
        ran = tool("send", "NC", "--to", "127.0.0.1:%d" % probe.getsockname()[1], "--wait", "200")
        checks.check(ran.status == 4 and "no answer in time" in ran.err, "nobody answers: told when time is up")
    checks.check(tool("send", "NC", "--to", "nowhere").status == 2, "an address that is none")


def main():
    fail_without_build()
    checks = Checks()
    with Hsm() as hsm:
        published(checks, hsm)
        masking(checks, hsm)
        around(checks, hsm)
        chained(checks, hsm)
        documented(checks, hsm)
        refusals(checks, hsm)
    with tempfile.TemporaryDirectory() as folder:
        over_tls(checks, folder)
        laid_out(checks, folder)
    return checks.end()


sys.exit(main())
