#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""countersign-hsm batch: published codes come out of every form of input, decrypted by node; bad lines, refusals, progress; runs
that are killed at random and go on without losing or repeating a card."""
import hashlib
import json
import os
import pty
import random
import signal
import subprocess
import sys
import tempfile
import time

from sandbox import Checks, fail_without_build, seed
from tools_hsm import CVK, PROGRAM, guide, tool

HERE = os.path.dirname(os.path.abspath(__file__))
READER = os.path.join(HERE, "..", "support", "batch_reader.js")
BASE = ("batch", "--test-lmk")
CVK_BLOCK = "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, check=True).stdout


class Place:
    """A folder with a recipient's key pair."""

    def __init__(self, folder):
        self.folder = folder
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self / "private.pem")
        openssl("pkey", "-in", self / "private.pem", "-pubout", "-out", self / "public.pem")

    def __truediv__(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self / name, "wb") as handle:
            handle.write(text if isinstance(text, bytes) else text.encode())
        return self / name

    def read(self, name):
        """The records of an output, and the headers of its messages, as node sees them."""
        done = subprocess.run(["node", READER, self / "private.pem", self / name], capture_output=True, check=True, text=True)
        *records, headers = done.stdout.splitlines()
        return [json.loads(line) for line in records], json.loads(headers)

    def run(self, name, *words, **more):
        return tool(*BASE, "--out", self / name, "--recipient", self / "public.pem", *words, **more)


def vectors():
    """(pan, expiry, service code, code) of the published vectors under the CVK of the tests."""
    with open(os.path.join(HERE, "../../docs/spec/vectors/published.jsonl"), encoding="utf-8") as lines:
        for vector in map(json.loads, lines):
            inputs = vector["inputs"]
            if vector["algorithm"] in ("cvv", "cvv2", "icvv") and vector["keys"]["cvk"] == "0123456789ABCDEFFEDCBA9876543210":
                if inputs["digits"] == 3 and "01" <= inputs["expiry"][2:] <= "12":
                    yield inputs["pan"], inputs["expiry"], inputs["service_code"], vector["expected"]


def luhn(body):
    total = sum(sum(divmod(int(c) * (2 - i % 2), 10)) for i, c in enumerate(reversed(body)))
    return body + str(-total % 10)


def cards(count, generator):
    rows = [("R-%06d" % i, luhn("4" + "".join(generator.choices("0123456789", k=14)))) for i in range(count)]
    return rows, "id,pan,expiry,service\n" + "".join("%s,%s,2812,201\n" % row for row in rows)


def forms(checks, place):
    known = list(vectors())
    rows = [("V%d" % i, *v[:3]) for i, v in enumerate(known)]
    expected = [{"id": "V%d" % i, "cvv": v[3]} for i, v in enumerate(known)]
    csv = "id,pan,expiry,service\n" + "".join(",".join(row) + "\n" for row in rows)
    quoted = "\ufeffservice,\"id\",note,PAN,expiry\r\n" + "".join(
        "%s,\"%s\",\"a \"\"b\"\",\r\nc\",%s,%s\r\n" % (r[3], r[0], r[1], r[2]) for r in rows)
    lines = "".join(json.dumps({"id": r[0], "pan": r[1], "expiry": r[2], "service": r[3], "n": 7}) + "\n" for r in rows)
    backwards = "id,pan,expiry,service\n" + "".join("%s,%s,%s,%s\n" % (r[0], r[1], r[2][2:] + r[2][:2], r[3]) for r in rows)
    checks.check(len(known) >= 8, "published codes to compare with: %d" % len(known))
    for name, text, words in (("csv", csv, ()), ("no line end", csv[:-1], ()), ("quotes, CR LF, BOM", quoted, ()),
                              ("json", lines, ()), ("json, told", lines[:-1], ("--format", "jsonl")),
                              ("MMYY", backwards, ("--expiry", "MMYY")), ("chunks", csv, ("--chunk", "3"))):
        ran = place.run(name + ".jwe", "--cvv", CVK, "--any-pan", "--in", place.write(name, text), *words)
        records, headers = place.read(name + ".jwe")
        checks.check(ran.status == 0 and records == expected, "%s: the published codes" % name)
        checks.check([h["seq"] for h in headers] == list(range(1, len(headers) + 1)), "messages are numbered")
    der = openssl("pkey", "-pubin", "-in", place / "public.pem", "-outform", "DER")
    kid = hashlib.sha256(der).digest()
    checks.check(headers[0]["kid"].replace("-", "+").replace("_", "/") + "=" == __import__("base64").b64encode(kid).decode(),
                 "the kid is that of the key")
    piped = tool(*BASE, "--cvv", CVK, "--any-pan", "--clear", "--json", stdin=csv.encode())
    checks.check([json.loads(line) for line in piped.out.splitlines()] == expected and "CLEAR" in piped.err,
                 "and in clear to a pipe, with a warning")


def kinds(checks, place):
    """CVV2 with service 000, iCVV with 999, per record otherwise; a key block; MMYY inside the CVV2."""
    one = "id,pan,expiry,service,cvv2_service\nA,4123456789012345,8701,101,\nB,4123456789012345,8701,101,201\n"
    place.write("one", one)
    ran = place.run("kinds.jwe", "--cvv", CVK, "--cvv2", CVK, "--icvv", CVK, "--any-pan", "--in", place / "one")
    records, _ = place.read("kinds.jwe")
    # cvv-01 and cvv-own-1..3
    checks.check(ran.status == 0 and records == [{"id": "A", "cvv": "561", "cvv2": "636", "icvv": "651"},
                                                 {"id": "B", "cvv": "561", "cvv2": "098", "icvv": "651"}], "three kinds at once")
    card = "id,pan,expiry\nA,502265400089000092,2010\n"
    ran = place.run("block.jwe", "--cvv", CVK_BLOCK, "--service", "620", "--any-pan", stdin=card.encode())
    checks.check(ran.status == 0 and place.read("block.jwe")[0] == [{"id": "A", "cvv": "181"}], "a key block; a service code")
    card = "id,pan,expiry\nA,4123456789012345,2901\n"
    key = tool("calc", "cvv2", "pan=4123456789012345", "expiry=0129", "--key", "0123456789ABCDEFFEDCBA9876543210", "--json")
    ran = place.run("order.jwe", "--cvv2", CVK, "--cvv2-expiry", "MMYY", "--any-pan", stdin=card.encode())
    checks.check(place.read("order.jwe")[0] == [{"id": "A", "cvv2": key.json()["result"]}], "MMYY inside the CVV2")


BAD = ("id,pan,expiry,service\nG1,4111111111111111,2812,201\nB1,4111111111111112,2812,201\nB2,4111111111111111,2813,201\n"
       "\"B3,4111111111111111\n\nB4,4111111111111111,2812\nB5,4111111111111111,2812,20\nB\0,4111111111111111,2812,201\n"
       "x" + "4111111111111111" * 600 + "\n4111111111111111,4111111111111111,2812,201\nG2,4111111111111111,2812,201")


def bad_lines(checks, place):
    place.write("bad", BAD)
    ran = place.run("bad.jwe", "--cvv", CVK, "--in", place / "bad", "--json")
    told = [line for line in ran.err.splitlines() if line.startswith("line ")]
    numbers = [int(line.split()[1][:-1]) for line in told]
    checks.check(ran.status == 3 and numbers == [3, 4, 5, 7, 8, 9, 10, 11], "bad lines are told by number: %s" % told)
    checks.check([r["id"] for r in place.read("bad.jwe")[0]] == ["G1", "G2"], "and do not stop the run")
    checks.check(ran.json()["cards"] == 2 and ran.json()["bad"] == 8, "the summary counts them")
    checks.check("411111111111111" not in ran.err + ran.out, "no card number is echoed")
    ran = place.run("report.jwe", "--cvv", CVK, "--in", place / "bad", "--report", place / "report", "--quiet")
    with open(place / "report", encoding="ascii") as handle:
        checks.check(handle.read().splitlines() == told and "line" not in ran.err, "a report of its own")
    ran = place.run("stop.jwe", "--cvv", CVK, "--in", place / "bad", "--stop-on-error")
    checks.check(ran.status == 3 and "line 3:" in ran.err and [r["id"] for r in place.read("stop.jwe")[0]] == ["G1"],
                 "or the first one stops it")
    place.write("bad", BAD.replace("4111111111111112", "4111111111111111", 1))
    ran = place.run("stop.jwe", "--cvv", CVK, "--in", place / "bad", "--resume")
    checks.check(ran.status == 3 and [r["id"] for r in place.read("stop.jwe")[0]] == ["G1", "B1", "G2"],
                 "corrected, the run goes on behind what is done")
    lines = ('{"id":"A","pan":4111111111111111,"expiry":"2812"}\n{"id":"B","id":"C"}\n'
             '{"id":"D","pan":"4111111111111111","expiry":"2812"}\n')
    ran = place.run("types.jwe", "--cvv2", CVK, stdin=lines.encode())
    checks.check(ran.status == 3 and "line 1: a string is wanted" in ran.err and "line 2: a name occurs twice" in ran.err,
                 "wrong types and names that occur twice")


def refusals(checks, place):
    _, text = cards(10, random.Random(1))
    source = place.write("cards", text)
    run = ("--cvv", CVK, "--in", source)
    place.run("there.jwe", *run)
    checks.check(place.run("there.jwe", *run).status == 2, "an output that is there is not written over")
    other = place.write("other", text.replace("2812", "2811"))
    again = place.run("there.jwe", *run, "--resume")
    checks.check(again.status == 0 and len(place.read("there.jwe")[0]) == 10, "a run that is complete stays as it is")
    for what, words, status, said in (
            ("other keys", ("--cvv2", CVK, "--in", source, "--resume"), 1, "other keys or options"),
            ("another input", ("--cvv", CVK, "--in", other, "--resume"), 1, "not the input"),
            ("another chunk size", (*run, "--chunk", "7", "--resume"), 1, "other keys or options")):
        ran = place.run("there.jwe", *words)
        checks.check(ran.status == status and said in ran.err, "%s are refused: %s" % (what, ran.err.strip()))
    os.unlink(place / "there.jwe.state")
    checks.check(place.run("there.jwe", *run, "--resume").status == 2, "an output without its state")
    with open(place / "clear", "wb") as handle:
        done = subprocess.run([PROGRAM, *BASE, *run, "--clear"], stdout=handle, stderr=subprocess.PIPE, check=False)
    checks.check(done.returncode == 2 and os.path.getsize(place / "clear") == 0, "no clear codes into a file")
    status, shown = on_terminal(*run, "--clear")
    checks.check(status == 2 and "pipe only" in shown and '"cvv"' not in shown, "nor onto a terminal")
    for words, status, said in (
            ((), 2, "which codes"), (("--cvv", CVK), 2, "--recipient"), ((*run, "--clear", "--out", "x"), 2, "--clear"),
            (("--cvv", CVK[:-1] + "6", "--clear"), 1, "parity"), (("--cvv", CVK, "--clear", "--lmk", "7"), 1, "LMK"),
            (("--cvv", CVK[:-2], "--clear"), 1, "key length"), (("--cvv", CVK, "--clear", "--in", place / "no"), 1, "No such file"),
            ((*run, "--clear", "--chunk", "5001"), 2, "--chunk"), ((*run, "--clear", "extra"), 2, "not expected"),
            ((*run, "--recipient", source), 1, "RSA public key")):
        ran = tool(*BASE, *words)
        checks.check(ran.status == status and said in ran.err and not ran.out, "refused: %s" % ran.err.strip().splitlines()[-1])
    for text, said in (("", "header line"), ("pan,expiry\n", "id is missing"), ("id,pan,expiry,pan\n", "occurs twice")):
        ran = tool(*BASE, "--cvv", CVK, "--clear", stdin=text.encode())
        checks.check(ran.status == 1 and said in ran.err, "a header that does not do: %s" % said)
    ran = tool("batch", *run, "--clear")
    checks.check(ran.status == 2 and "which LMK" in ran.err, "no LMK: told how to name one")
    config = place.write("hsm.conf", "[hsm]\nmode = hardened\n")
    checks.check(tool(*BASE, *run, "--clear", "--config", config).status == 64, "no test LMK where the HSM is hardened")


def on_terminal(*words):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PROGRAM, [PROGRAM, *BASE, *words])
    shown = b""
    try:
        while chunk := os.read(terminal, 65536):
            shown += chunk
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def progress(checks, place, generator):
    _, text = cards(30000, generator)
    run = ("--cvv", CVK, "--in", place.write("many", text), "--recipient", place / "public.pem", "--chunk", "100")
    status, shown = on_terminal(*run, "--out", place / "shown.jwe")
    checks.check(status == 0 and "\r[" in shown and "%" in shown and "/s" in shown and " left" in shown, "a bar on a terminal")
    checks.check("30,000/30,000 100%" in shown, "it ends full")
    ran = tool(*BASE, *run, "--out", place / "quiet.jwe", "--quiet")
    checks.check(ran.status == 0 and "\r" not in ran.err and "/s" not in ran.err, "nothing with --quiet")


def pipes(*texts):
    """A descriptor to read each text from."""
    ends = []
    for text in texts:
        reading, writing = os.pipe()
        os.write(writing, text.encode())
        os.close(writing)
        ends.append(reading)
    return ends


def odd_random(generator):
    return bytes(b ^ (bin(b).count("1") % 2 == 0) for b in generator.randbytes(24))


def under_a_store(checks, place, generator):
    """The key block LMK of the vectors, formed by officers into a store; the batch asks for their passphrases."""
    store, words = place / "lmks", "1 one passphrase a line\n2 no number before it\n"
    one, two = odd_random(generator), odd_random(generator)
    whole = bytes.fromhex("0123456789ABCDEF8080808080808080FEDCBA9876543210")
    parts = [one, two, bytes(a ^ b ^ c for a, b, c in zip(whole, one, two))]
    lines = "".join("%s %s\n" % (p.hex(), openssl_kcv(p)) for p in parts)
    ends = pipes("one passphrase a line\nno number before it\n", words, lines, words, words.replace("line", "lime"))
    made = tool("lmk", "create", "--store", store, "--officers", "2", "--scrypt-log2n", "10", "--yes",
                "--passphrase-fd", str(ends[0]), pass_fds=ends)
    formed = tool("lmk", "form", "--store", store, "--id", "01", "--kind", "key-block", "--components", "3", "--test", "--yes",
                  "--passphrase-fd", str(ends[1]), "--component-fd", str(ends[2]), pass_fds=ends)
    checks.check(made.status == 0 and formed.status == 0, "a store with the LMK of the vectors: %s" % formed.err.strip())
    run = ("batch", "--lmk-store", store, "--cvv", CVK_BLOCK, "--any-pan", "--clear")
    card = b"id,pan,expiry,service\nA,502265400089000092,2010,620\n"
    ran = tool(*run, "--passphrase-fd", str(ends[3]), stdin=card, pass_fds=ends)
    checks.check(ran.status == 0 and ran.out == '{"id":"A","cvv":"181"}\n', "its officers open it: the recorded code")
    ran = tool(*run, "--passphrase-fd", str(ends[4]), stdin=card, pass_fds=ends)
    checks.check(ran.status == 1 and "wrong passphrase" in ran.err and not ran.out, "or it stays shut")
    for end in ends:
        os.close(end)


def openssl_kcv(key):
    command = ["openssl", "enc", "-des-ede3", "-nopad", "-K", key.hex()]
    return subprocess.run(command, input=bytes(8), capture_output=True, check=True).stdout.hex().upper()[:6]


def size_of(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def wait_growth(process, path, growth, generator):
    """Until the file has grown by so much, and a random moment longer; or the process is through. However fast the disk is."""
    start = size_of(path)
    while process.poll() is None and size_of(path) < start + growth:
        time.sleep(0.0005)
    time.sleep(generator.uniform(0.0, 0.003))


def killed(checks, place, generator):
    """Kills with SIGKILL and SIGINT at random moments; the end result is that of one run."""
    rows, text = cards(40000, generator)
    lines = text.splitlines(True)
    for _ in range(50):  # a bad line here and there
        lines.insert(generator.randrange(1, len(lines)), "bad,line\n")
    source = place.write("killed", "".join(lines))
    words = [PROGRAM, *BASE, "--cvv", CVK, "--in", source, "--recipient", place / "public.pem", "--out", place / "killed.jwe",
             "--report", place / "killed.report", "--chunk", "50", "--quiet", "--resume"]
    kills = interrupts = runs = 0
    while True:
        runs += 1
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_growth(process, place / "killed.jwe", generator.randrange(50000), generator)
        process.send_signal(signal.SIGINT if runs % 5 == 0 else signal.SIGKILL)
        status = process.wait(60)
        said = process.stderr.read().decode()
        process.stderr.close()
        kills += status == -signal.SIGKILL
        interrupts += status == 4
        if status in (0, 3):
            break
        if status not in (-signal.SIGKILL, 4, -signal.SIGINT) or runs > 2000:
            checks.check(False, "unexpected end: %s %s" % (status, said))
            return
    records, headers = place.read("killed.jwe")
    checks.check(kills >= 5 and interrupts >= 1, "killed %d times, interrupted %d times" % (kills, interrupts))
    checks.check([r["id"] for r in records] == [r[0] for r in rows], "every card once, in order")
    checks.check([h["seq"] for h in headers] == list(range(1, len(headers) + 1)), "every message once")
    with open(place / "killed.report", encoding="ascii") as handle:
        told = handle.read().splitlines()
    expected = ["line %d:" % (i + 1) for i, line in enumerate(lines) if line == "bad,line\n"]
    checks.check([line.split(": ")[0] + ":" for line in told] == expected, "every bad line told once")
    once = place.run("once.jwe", "--cvv", CVK, "--in", source, "--quiet")
    checks.check(once.status == 3 and place.read("once.jwe")[0] == records, "the same as one run makes")
    with open(place / "killed.jwe.state", encoding="ascii") as handle:
        state = handle.read()
    checks.check(len(state) == 1024 and not any(r[1] in state for r in rows[:100]), "the state holds no card number")


def no_room(checks, place, generator):
    """An output that may not grow: told, and the run goes on when there is room again."""
    rows, text = cards(2000, generator)
    words = [PROGRAM, *BASE, "--cvv", CVK, "--in", place.write("big", text), "--recipient", place / "public.pem", "--out",
             place / "big.jwe", "--chunk", "100", "--quiet", "--resume"]
    shell = ["sh", "-c", 'ulimit -f 64; exec "$@"', "sh"]
    done = subprocess.run(shell + words, capture_output=True, check=False, text=True)
    checks.check(done.returncode == 1 and "could not be written: File too large" in done.stderr, "no room is told")
    done = subprocess.run(words, capture_output=True, check=False, text=True)
    checks.check(done.returncode == 0 and [r["id"] for r in place.read("big.jwe")[0]] == [r[0] for r in rows], "and on it goes")


def documented(checks, place):
    """The command and the file of the guide, as they stand there."""
    with open(os.path.join(HERE, "..", "..", "docs", "tools.md"), encoding="utf-8") as page:
        lines = page.read().splitlines()
    start = lines.index("    id,pan,expiry,service")
    place.write("cards.csv", "".join(line[4:] + "\n" for line in lines[start:start + 3]))
    os.rename(place / "public.pem", place / "bureau.pem")
    words = [os.path.abspath(PROGRAM), *guide("batch")[0]]
    done = subprocess.run(words, capture_output=True, check=False, cwd=place.folder, text=True)
    records, _ = place.read("codes.jwe")
    checks.check(done.returncode == 0 and [sorted(r) for r in records] == [["cvv", "cvv2", "id"]] * 2, "the guide's command runs")


def one_at_a_time(checks, place, generator):
    _, text = cards(100000, generator)
    words = [PROGRAM, *BASE, "--cvv", CVK, "--in", place.write("both", text), "--recipient", place / "public.pem", "--out",
             place / "both.jwe", "--chunk", "20", "--quiet", "--resume"]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as first:
        while not os.path.exists(place / "both.jwe.state") or os.path.getsize(place / "both.jwe.state") < 512:
            time.sleep(0.01)
        second = subprocess.run(words, capture_output=True, check=False)
        checks.check(second.returncode == 1 and b"another run" in second.stderr, "one run at a time")
        first.send_signal(signal.SIGTERM)
        checks.check(first.wait(30) == 4, "SIGTERM stops a run in order")


def main():
    fail_without_build()
    checks = Checks()
    generator = seed()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        forms(checks, place)
        kinds(checks, place)
        bad_lines(checks, place)
        refusals(checks, place)
        under_a_store(checks, place, generator)
        progress(checks, place, generator)
        killed(checks, place, generator)
        one_at_a_time(checks, place, generator)
        no_room(checks, place, generator)
        documented(checks, place)
    return checks.end()


sys.exit(main())
