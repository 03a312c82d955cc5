#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The key ceremony as officers live it: store, components, forming, mistakes; at a real (pseudo) terminal."""
import json
import os
import subprocess
import sys
import tempfile

from ceremony import HSM, Terminal, create
from sandbox import Checks, fail_without_build

PASSPHRASES = ["first officer's long words", "second, no less long", "third for the holidays"]
# Their parity is set before use; sums are made here, check values by openssl.
COMPONENTS = ["1CB9AD4397E02F6E5849A4B92C9DCE130B8FABCD9DE3B3A2", "2C75EA8F4F3D0B37A1C2D5076E8FBA29D6F8341C4A6B8052",
              "B04A6DC7861F75DA20C4E91AAB0E7F7C4C9B83E05DB3A1F2"]



def odd(data):
    return bytes((b & 0xFE) | (bin(b >> 1).count("1") + 1) % 2 for b in data)


def kcv(key):
    made = subprocess.run(["openssl", "enc", "-des-ede3", "-nopad", "-K", key.hex()], input=bytes(8), capture_output=True,
                          check=True)
    return made.stdout.hex().upper()


def variant_kcv(pairs):
    block = bytes(8)
    for at in range(0, 320, 16):
        block = subprocess.run(["openssl", "enc", "-des-ede", "-nopad", "-K", pairs[at:at + 16].hex()], input=block,
                               capture_output=True, check=True).stdout
    return block.hex().upper()[:6]


def xor(parts):
    total = bytes(len(parts[0]))
    for part in parts:
        total = bytes(a ^ b for a, b in zip(total, part))
    return odd(total)


def listed(store):
    out = subprocess.run([HSM, "lmk", "list", "--store", store, "--json"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def stored(store, *officers):
    """What an implementation that is not ours finds in the store: {(id, old): key}."""
    words = ["%d:%s" % (number, PASSPHRASES[number - 1]) for number in officers]
    out = subprocess.run(["node", "tests/support/store_reader.js", store, *words], capture_output=True, text=True, check=True)
    rows = [line.split() for line in out.stdout.splitlines()]
    return {(int(row[0]), int(row[2]) & 2): bytes.fromhex(row[-1]) for row in rows}


def creating(checks, store):
    t = Terminal("lmk", "create", "--store", store, "--officers", "3", "--scrypt-log2n", "10")
    hidden = t.secret("New passphrase of officer 1: ", "short")
    t.expect("A passphrase has 12 to 128 characters")
    hidden &= t.secret("New passphrase of officer 1: ", PASSPHRASES[0])
    hidden &= t.secret("The same again: ", PASSPHRASES[0] + "x")
    t.expect("The two differ")
    for number, words in enumerate(PASSPHRASES, 1):
        hidden &= t.secret("New passphrase of officer %d: " % number, words)
        hidden &= t.secret("The same again: ", words)
    checks.check(t.end() == 0 and "2 of its 3 officers open it" in t.screen, "three officers create a store")
    checks.check(hidden and not any(words in t.screen for words in PASSPHRASES), "no passphrase is shown")
    checks.check(os.stat(store).st_mode & 0o777 == 0o600, "the store is its owner's alone")
    again = Terminal("lmk", "create", "--store", store)
    checks.check(again.end() == 3 and "exists" in again.screen, "a store is never overwritten")


def form(store, *options):
    return Terminal("lmk", "form", "--store", store, *options)


def open_by(t, *officers):
    return all([t.officer(number, PASSPHRASES[number - 1]) for number in officers])


def keyboard(checks, store):
    parts = [odd(bytes.fromhex(text)) for text in COMPONENTS]
    t = form(store, "--id", "01", "--kind", "key-block", "--components", "3", "--test", "--comment", "made at the keyboard")
    t.officer(1, "not my passphrase at all")
    t.expect("That is not the passphrase of officer 1")
    hidden = open_by(t, 1, 3)
    bad = bytearray(parts[0])
    bad[5] ^= 1
    hidden &= t.secret("Component 1 of 3[^:]*: ", bad.hex())
    t.expect("Not taken: a byte has even parity")
    hidden &= t.secret("path of its file: ", parts[0].hex()[:-2])
    t.expect("Not taken: ")
    hidden &= t.secret("path of its file: ", parts[1].hex())
    t.answer("Check value %s. Is that the one on the paper\\? " % kcv(parts[1])[:6], "no")
    t.expect("Not taken: the check value was not confirmed")
    for number, part in enumerate(parts, 1):
        hidden &= t.secret("path of its file: ", part.hex(" ", 2).upper() if number == 2 else part.hex())
        t.answer("Check value %s. Is that the one on the paper\\? " % kcv(part)[:6], "yes")
    total = xor(parts)
    t.answer(r"Check value: %s \(NC: %s\)\n.*Keep it as LMK 01, key-block, test\? " % (kcv(total)[:6], kcv(total)), "yes")
    checks.check(t.end() == 0, "three officers form a key block LMK in spite of their mistakes")
    checks.check(hidden and not any(part.hex() in t.screen.lower() for part in parts), "no component is shown")
    entry = listed(store)["lmks"][0]
    checks.check((entry["id"], entry["check_value"], entry["comment"], entry["test"]) ==
                 ("01", kcv(total), "made at the keyboard", True), "list tells of it")
    checks.check(stored(store, 1, 2)[(1, 0)] == total, "the store holds the sum of the components, says another reader")


def refused(checks, store, what, parts, words, kind="key-block"):
    t = form(store, "--id", "05", "--kind", kind, "--components", str(len(parts)), "--test")
    open_by(t, 2, 3)
    for part in parts:
        t.secret("path of its file: ", part)
        t.answer("Is that the one on the paper\\? ", "yes")
    checks.check(t.end() == 3 and words in t.screen and len(listed(store)["lmks"]) == 1, what)


def refusals(checks, store):
    part = odd(bytes.fromhex(COMPONENTS[0]))
    weak = odd(bytes.fromhex("0101010101010101" + "23456789ABCDEF01" + "456789ABCDEF0123"))
    refused(checks, store, "equal components are refused", [part.hex(), part.hex()], "equal")
    refused(checks, store, "a weak result is refused", [part.hex(), xor([part, weak]).hex()], "weak key")
    same = odd(bytes.fromhex("23456789ABCDEF01" * 2 + "456789ABCDEF0123"))
    refused(checks, store, "equal halves are refused", [part.hex(), xor([part, same]).hex()], "equal halves")
    live = form(store, "--id", "05", "--kind", "key-block")
    open_by(live, 1, 2)
    checks.check(live.end() == 3 and "takes test LMKs only" in live.screen, "a cheap store takes no live LMK")
    taken = form(store, "--id", "01", "--kind", "key-block", "--test")
    open_by(taken, 1, 2)
    checks.check(taken.end() == 1 and "has LMK 01 already" in taken.screen, "an LMK is not replaced")
    unsure = form(store, "--id", "06", "--kind", "key-block", "--test", "--components", "2")
    open_by(unsure, 1, 2)
    for text in COMPONENTS[:2]:
        unsure.secret("path of its file: ", odd(bytes.fromhex(text)).hex())
        unsure.answer("Is that the one on the paper\\? ", "yes")
    unsure.answer("Keep it as LMK 06", "y")
    checks.check(unsure.end() == 3 and len(listed(store)["lmks"]) == 1, "what is not confirmed in full is not kept")
    for _ in range(2):
        locked = form(store, "--id", "06", "--kind", "key-block", "--test")
        for _ in range(5):
            locked.officer(1, "guess after guess")
        checks.check(locked.end() == 3, "five wrong passphrases end the run")


def media(checks, store, folder):
    files = [os.path.join(folder, "officer-%d" % number) for number in (1, 2)]
    shown = []
    for path in files:
        t = Terminal("lmk", "component", path, "--kind", "variant")
        t.secret("New passphrase of ", "the words of " + path)
        t.secret("The same again: ", "the words of " + path)
        shown.append(t.expect(r"Check value: ([0-9A-F]{6})").group(1))
        checks.check(t.end() == 0 and os.stat(path).st_mode & 0o777 == 0o600, "a component goes to an officer's medium")
    t = form(store, "--id", "00", "--kind", "variant", "--components", "2", "--test")
    open_by(t, 2, 1)
    t.secret("path of its file: ", files[0])
    t.secret("Passphrase of the component file: ", "not the words of the file")
    t.expect("wrong passphrase, or the file was changed")
    for path, check in zip(files, shown):
        t.secret("path of its file: ", path)
        t.secret("Passphrase of the component file: ", "the words of " + path)
        t.answer("Check value %s. Is that the one on the paper\\? " % check, "yes")
    check = t.expect(r"Check value: ([0-9A-F]{6}) \(NC: ([0-9A-F]{16})\)")
    t.answer("Keep it as LMK 00, variant, test", "yes")
    checks.check(t.end() == 0, "two media form a variant LMK")
    pairs = stored(store, 3, 2)[(0, 0)]
    checks.check(pairs == odd(pairs) and len(pairs) == 320, "with 40 halves of odd parity")
    checks.check(check.groups() == (variant_kcv(pairs), variant_kcv(pairs) + "0" * 10), "and the documented check value")


def papers(checks):
    t = Terminal("lmk", "generate", "--kind", "key-block")
    text = t.expect(r"\n  ((?:[0-9A-F]{4} ?){12})\n").group(1)
    check = t.expect(r"Check value: ([0-9A-F]{6})").group(1)
    t.answer("Press Enter", "")
    t.expect("\033\\[3J\033\\[H\033\\[2J")
    part = bytes.fromhex(text)
    checks.check(t.end() == 0 and part == odd(part) and kcv(part)[:6] == check, "a component is shown once, then cleared")
    t = Terminal("lmk", "generate", "--kind", "key-block")
    t.expect("Press Enter")
    os.write(t.fd, b"\x03")
    t.expect("\033\\[3J\033\\[H\033\\[2J")
    checks.check(t.end() == -2, "Ctrl-C clears it as well")
    t = Terminal("lmk", "generate", "--kind", "variant")
    t.expect(r"38-39  ((?:[0-9A-F]{4} ?){8})\n")
    t.answer("Press Enter", "")
    checks.check(t.end() == 0 and t.screen.count("-") >= 20, "one of a variant LMK has twenty lines")


def clear_file(checks, folder):
    path = os.path.join(folder, "clear")
    t = Terminal("lmk", "generate", "--kind", "key-block", "--out", path)
    t.answer("Write it in clear\\? ", "no")
    checks.check(t.end() == 3 and not os.path.exists(path) and "IN CLEAR" in t.screen, "a clear file is warned of and asked for")
    t = Terminal("lmk", "generate", "--kind", "key-block", "--out", path, "--yes")
    checks.check(t.end() == 0 and os.stat(path).st_mode & 0o777 == 0o600, "and written to its owner alone")


def signals(checks, store):
    t = form(store, "--id", "07", "--kind", "key-block", "--test")
    t.answer(r"Officer number .*: ", "1")
    t.expect("Passphrase of officer 1: ")
    hidden = not t.echoes()
    os.write(t.fd, b"\x03")
    while t._read() and not t.echoes():
        pass
    restored = t.echoes()
    checks.check(hidden and t.end() == -2 and restored, "Ctrl-C at a passphrase leaves a terminal that echoes")


def changing(checks, store):
    t = Terminal("lmk", "passphrases", "--store", store, "--officer", "3")
    open_by(t, 1, 2)
    t.secret("New passphrase of officer 3: ", "after the holidays, anew")
    t.secret("The same again: ", "after the holidays, anew")
    checks.check(t.end() == 0, "two officers give the third a new passphrase")
    t = Terminal("lmk", "verify", "--store", store)
    t.officer(3, PASSPHRASES[2])
    t.expect("That is not the passphrase of officer 3")
    PASSPHRASES[2] = "after the holidays, anew"
    open_by(t, 3, 1)
    checks.check(t.end() == 0 and "verified: every byte" in t.screen, "the old one does not open it any more, the new one does")
    t = Terminal("lmk", "old", "--store", store, "--id", "01")
    open_by(t, 1, 2)
    t.answer("Make the current LMK the old one", "yes")
    checks.check(t.end() == 0 and [(e["id"], e["old"]) for e in listed(store)["lmks"]] == [("00", False), ("01", True)],
                 "an LMK becomes the old one")
    t = Terminal("lmk", "delete", "--store", store, "--id", "01", "--old")
    open_by(t, 1, 2)
    t.answer("Delete the LMK for ever", "yes")
    checks.check(t.end() == 0 and [e["id"] for e in listed(store)["lmks"]] == ["00"], "and is deleted")


def descriptors(checks, folder):
    """Automation: nothing on the command line, nothing in the environment."""
    store = os.path.join(folder, "unattended")
    parts = [odd(bytes.fromhex(text)) for text in COMPONENTS]
    total = xor(parts)

    def run(words, passphrases, components=""):
        ends = []
        for text in (passphrases, components):
            r, w = os.pipe()
            os.write(w, text.encode())
            os.close(w)
            ends.append(r)
        command = [HSM, "lmk", *words, "--store", store, "--yes", "--passphrase-fd", str(ends[0])]
        if components:
            command += ["--component-fd", str(ends[1])]
        return subprocess.run(command, pass_fds=ends, capture_output=True, text=True, start_new_session=True, check=False)

    made = run(["create", "--officers", "2", "--scrypt-log2n", "10"], "one passphrase a line\nno number before it\n")
    checks.check(made.returncode == 0, "a store is created from a descriptor: %s" % made.stderr)
    who = "1 one passphrase a line\n2 no number before it\n"
    form_words = ["form", "--id", "09", "--kind", "key-block", "--components", "3", "--test"]
    lines = "".join("%s %s\n" % (part.hex(), kcv(part)[:6]) for part in parts)
    wrong = lines.replace(kcv(parts[1])[:6], kcv(parts[0])[:6])
    checks.check(run(form_words, who, wrong).returncode == 3, "a wrong check value is refused there, too")
    checks.check(run(form_words, "1 one passphrase a line\n2 wrong wrong wrong\n", lines).returncode == 3, "and a wrong passphrase")
    checks.check(run(form_words, who, lines).returncode == 0, "components come from a descriptor with their check values")
    checks.check(listed(store)["lmks"][0]["check_value"] == kcv(total), "to the same LMK")
    alone = subprocess.run([HSM, "lmk", "verify", "--store", store], capture_output=True, text=True, start_new_session=True,
                           stdin=subprocess.DEVNULL, check=False)
    checks.check(alone.returncode == 1 and "--passphrase-fd" in alone.stderr, "without a terminal it says what to do")


def damage(checks, store):
    with open(store, "r+b") as f:
        data = bytearray(f.read())
        data[-1] ^= 1
        f.seek(0)
        f.write(data)
    t = Terminal("lmk", "verify", "--store", store)
    open_by(t, 1, 2)
    checks.check(t.end() == 1 and "was changed after it was written" in t.screen, "a changed byte is told")


def main():
    fail_without_build()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "lmk.store")
        creating(checks, store)
        keyboard(checks, store)
        refusals(checks, store)
        media(checks, store, folder)
        papers(checks)
        clear_file(checks, folder)
        signals(checks, store)
        changing(checks, store)
        descriptors(checks, folder)
        damage(checks, store)
        left = [name for name in os.listdir(folder) if name.endswith(".new")]
        checks.check(not left, "no temporary file is left")
    return checks.end()


sys.exit(main())
