#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""countersign-hsm calc: every published vector reproduces; steps are what openssl makes of them; keys stay off the command line."""
import json
import os
import pty
import subprocess
import sys
import tempfile
import time

from sandbox import Checks, fail_without_build
from tools_hsm import CVK_CLEAR, PROGRAM, guide, tool

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/spec/vectors")
CARD = ("pan=4123456789012345", "expiry=8701", "service=101")


def vectors(name):
    with open(os.path.join(VECTORS, name), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def calc(key, *words):
    return tool("calc", *words, "--json", stdin=(key + "\n").encode())


def service_of(inputs):
    return "service=" + inputs["service_code"]


def card(inputs):
    return ["pan=" + inputs["pan"], "expiry=" + inputs["expiry"]]


def derivation(inputs):
    return ["psn=" + inputs["psn"], "method=" + inputs["method"]]


def words_of(vector):
    """The command line of a vector, or None for what is no computation of a code or a key's text."""
    kind, inputs = vector["algorithm"], vector["inputs"]
    if kind in ("cvv", "cvv2", "icvv"):
        return [kind, *card(inputs), service_of(inputs), "digits=%d" % inputs["digits"]]
    if kind == "cavv":
        return ["cavv", "pan=" + inputs["pan"], "unpredictable=" + inputs["unpredictable_number"],
                "results=" + inputs["auth_result_and_second_factor"]]
    if kind == "visa-dcvv":
        return ["dcvv", *card(inputs), service_of(inputs), "atc=" + inputs["atc_digits"], *derivation(inputs)]
    if kind == "t0-dcvv2":
        return ["window", *card(inputs), service_of(inputs), "time=" + inputs["time10"], "twu=%d" % inputs["twu_hours"],
                *derivation(inputs)]
    if kind == "mastercard-cvc3":
        counter = int(inputs["atc_hex"], 16) if "atc_hex" in inputs else int(inputs["atc"])
        track = inputs.get("track2", inputs.get("static_track2"))
        start = "track=" + track if track else "ivcvc3=" + inputs["ivcvc3"]
        return ["cvc3", "pan=" + inputs["pan"], start, "un=" + inputs["un"], "atc=%d" % counter, *derivation(inputs)]
    if kind == "amex-csc":
        flag = [service_of(inputs)] if inputs["flag"] == "2" else []
        return ["csc", "account=" + inputs["account"], "expiry=" + inputs["expiry"], "flag=" + inputs["flag"], *flag]
    if kind == "key-wrap-variant" and inputs["key_type"]:  # two are under a pair that no key type has
        scheme = [] if inputs["scheme"] == "none" else ["scheme=" + inputs["scheme"]]
        return ["wrap", "type=" + inputs["key_type"], *scheme]
    return None


def expected_of(vector):
    expected = vector["expected"]
    return expected["csc5"] + expected["csc4"] + expected["csc3"] if isinstance(expected, dict) else expected


def published(checks):
    counted, wrong = {}, []
    for vector in vectors("published.jsonl"):
        words = words_of(vector)
        if not words:
            continue
        key = next(iter(vector["keys"].values()))
        ran = calc(key, *words)
        counted[words[0]] = counted.get(words[0], 0) + 1
        if ran.status != 0 or ran.json()["result"] != expected_of(vector):
            wrong.append((vector["id"], ran.status, ran.err))
    least = {"cvv": 15, "cvv2": 3, "icvv": 1, "cavv": 2, "dcvv": 10, "window": 14, "cvc3": 8, "csc": 4, "wrap": 10}
    checks.check(not wrong, "every published vector reproduces: %s" % wrong)
    checks.check(all(counted.get(name, 0) >= many for name, many in least.items()), "and they are all there: %s" % counted)
    lengths(checks)
    one_time = [v for v in vectors("published.jsonl") if "atc_wire" in v["inputs"]]
    told = [calc(v["keys"]["mk_ac"], "otc", *card(v["inputs"]), "counter=" + v["inputs"]["atc_wire"]).json()["result"]
            for v in one_time]
    checks.check(len(told) >= 6 and told == [v["expected"] for v in one_time], "one-time codes by their counter, service code 998")


def lengths(checks):
    """CVC3 of tracks of other lengths: the values of security-codes.md 8, and two that another implementation on openssl made."""
    mk, other = "0123456789ABCDEFFEDCBA9876543210", "01234567899876543210012345678998"
    last = ["un=00000899", "atc=94", "psn=00", "method=A"]
    pan = ["cvc3", "pan=5413123556784804"]
    told = [calc(mk, "cvc3", "pan=5123456789012345678", "track=5123456789012345678D3512101000000000000F", *last),
            calc(mk, "cvc3", "pan=5123456789012345", "track=5123456789012345D351210100000000000F", *last),
            calc(other, *pan, "track=5413123556784804D0906101FFFFFFFF", "un=00000772", "atc=5", "psn=00", "method=A"),
            calc(other, *pan, "first-track=B5413123556784804^SUPPLIED/NOT^09061019000990000000000000000000", "un=00000772", "atc=5",
                 "psn=00", "method=A")]
    told = [ran.json()["result"] if ran.status == 0 else ran.err for ran in told]
    checks.check(told == ["38242", "54636", "28918", "01435"], "CVC3 of short data, long numbers and track 1: %s" % told)


def keys(checks):
    wrong = [v["id"] for v in vectors("published.jsonl") if v["algorithm"] == "kcv-tdes" and
             not calc(v["keys"]["key"], "kcv").json()["steps"][-2]["value"].startswith(v["expected"])]
    checks.check(not wrong, "check values of TDES keys: %s" % wrong)
    for kind, words in (("KCV-TDES", ()), ("KCV-AES-CMAC", ("algorithm=A",))):
        own = [v for v in vectors("independent.jsonl") if v["scheme"] == kind]
        wrong = [v for v in own if calc(v["key"], "kcv", *words).json()["result"] != v["expected"][:6].upper()]
        checks.check(len(own) >= 3 and not wrong, "%d of %s of other implementations: %s" % (len(own), kind, wrong))
    for vector in vectors("published.jsonl"):
        if vector["algorithm"] == "key-wrap-variant" and vector["inputs"]["key_type"]:
            ran = calc("", "unwrap", "type=" + vector["inputs"]["key_type"], "text=" + vector["expected"])
            checks.check(ran.status == 0 and ran.json()["result"] == vector["keys"]["key"], "unwrapped: %s" % vector["id"])
    two_passes = calc("", "decimalise", "block=DFFCDC3FBDD5BECF").json()
    checks.check(two_passes["result"][:3] == "353", "two passes over a block with few digits")


def single_des(key, block, decrypt):
    """openssl's DES, by EDE with equal keys."""
    command = ["openssl", "enc", "-des-ede3-ecb", "-nopad", "-K", key * 3, "-d" if decrypt else "-e"]
    return subprocess.run(command, input=bytes.fromhex(block), capture_output=True, check=True).stdout.hex().upper()


def steps(checks):
    """Each step of one CVV against openssl, and the digits against Python."""
    told = calc(CVK_CLEAR, "cvv", *CARD).json()
    value = {step["number"]: step["value"] for step in told["steps"]}
    left, right = CVK_CLEAR[:16], CVK_CLEAR[16:]
    digits = "4123456789012345" + "8701" + "101"
    checks.check(value["1.1"] == digits and value["1.3"] + value["1.4"] == digits.ljust(32, "0"), "the data, padded and split")
    x = single_des(left, value["1.3"], False)
    mixed = "%016X" % (int(x, 16) ^ int(value["1.4"], 16))
    first = single_des(left, mixed, False)
    second = single_des(right, first, True)
    y = single_des(left, second, False)
    checks.check([value[n] for n in ("2", "3.1", "3.2", "3.3", "3.4")] == [x, mixed, first, second, y], "X, and the three DES")
    decimals = "".join(c for c in y if c.isdigit())
    letters = "".join(str(int(c, 16) - 10) for c in y if not c.isdigit())
    checks.check((value["4.1"], value["4.2"], value["4.3"], value["5"]) == (decimals, letters, decimals + letters, "561"),
                 "both passes and the code")
    text = tool("calc", "cvv", *CARD, "--key", CVK_CLEAR)
    checks.check(text.status == 0 and all(v in text.out for v in value.values()), "people see the same values")
    unconfirmed = tool("calc", "csc", "account=371234567890123", "expiry=9912", "flag=0", "--key", CVK_CLEAR)
    checks.check("UNCONFIRMED" in unconfirmed.out and unconfirmed.out.rstrip().endswith("result 612478720552"), "CSC says it")


def on_terminal(*words):
    """The key typed at a terminal; what the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PROGRAM, [PROGRAM, "calc", *words])
    shown = b""
    while b":" not in shown:
        shown += os.read(terminal, 4096)
    time.sleep(0.2)
    os.write(terminal, (CVK_CLEAR + "\n").encode())
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def sources(checks):
    reading, writing = os.pipe()
    os.write(writing, (CVK_CLEAR + "\n").encode())
    os.close(writing)
    ran = tool("calc", "cvv", *CARD, "--json", "--key-fd", str(reading), pass_fds=(reading,))
    os.close(reading)
    checks.check(ran.json()["result"] == "561", "a key from a descriptor")
    ran = tool("calc", "cvv", *CARD, "--json", "--fields", "-", stdin=("# a test key\nkey=%s\n" % CVK_CLEAR).encode())
    checks.check(ran.json()["result"] == "561", "a key among the fields of a file")
    status, shown = on_terminal("cvv", *CARD)
    checks.check(status == 0 and "result 561" in shown and CVK_CLEAR not in shown, "a key typed without echo")
    secret = "A1B2C3D4E5F60718" * 2
    ran = tool("calc", "cvv", *CARD, "--key", secret)
    checks.check(ran.status == 2 and "test vectors" in ran.err and secret not in ran.err + ran.out, "no other key there")
    checks.check(tool("calc", "cvv", *CARD, "key=" + secret).status == 2, "not among the fields either")


def documented(checks):
    """The commands of the guide, as they stand there; cvv-01, otc-1, t0-01 and wrap-402-U-ts of the published vectors."""
    results = [tool(*words, "--json").json()["result"] for words in guide("calc")]
    checks.check(results == ["561", "104", "411", CVK_CLEAR], "the guide's commands compute: %s" % results)


def refusals(checks):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "hsm.conf")
        with open(path, "w", encoding="ascii") as handle:
            handle.write("[hsm]\nmode = hardened\n")
        ran = tool("calc", "cvv", *CARD, "--key", CVK_CLEAR, "--config", path)
        checks.check(ran.status == 64 and "hardened" in ran.err and not ran.out, "refused where the HSM is hardened")
    for words, status, said in ((("cvv", *CARD, "--key", "0123456789ABCDEF"), 1, "key length"), (("zzz",), 2, "no such algorithm"),
                                ((), 2, "ALGORITHM: is missing"), (("cvv", "pan=4123", *CARD[1:], "--key", CVK_CLEAR), 1, "pan"),
                                (("cvv", *CARD[:2], "--key", CVK_CLEAR), 1, "service-code: this field is needed"),
                                (("cvv", *CARD, "digits=17", "--key", CVK_CLEAR), 1, "not allowed"),
                                (("decimalise", "block=00112233445566", "--key", CVK_CLEAR), 2, "takes no key"),
                                (("window", *CARD, "time=2602300000", "twu=1", "--key", CVK_CLEAR), 1, "not allowed"),
                                (("csc", "account=411234567890123", "expiry=9912", "flag=0", "--key", CVK_CLEAR), 1, "account")):
        ran = tool("calc", *words)
        checks.check(ran.status == status and said in ran.err and not ran.out, "refused: %s: %s" % (said, ran.err.strip()))
    checks.check(tool("calc", "cvv", *CARD, stdin=b"").status == 1, "no key at all")
    checks.check("card number" in tool("calc", "cvv", "--help").out, "the fields of an algorithm are listed")


def main():
    fail_without_build()
    checks = Checks()
    published(checks)
    keys(checks)
    steps(checks)
    sources(checks)
    documented(checks)
    refusals(checks)
    return checks.end()


sys.exit(main())
