#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages: each renders without a warning, and says all that --help says."""
import glob
import os
import re
import subprocess
import sys

BUILD = os.environ.get("COUNTERSIGN_BUILD", "build")
HSM, SERVICES = os.path.join(BUILD, "countersign-hsm"), os.path.join(BUILD, "countersign")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})


def rendered(page):
    """The page as people read it, on one long line: no hyphenation, no justification."""
    done = run("groff", "-man", "-ww", "-Tutf8", "-P-c", "-rLL=5000n", "-rHY=0", page)
    text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    return re.sub(r"\s+", " ", text.replace("\u2212", "-").replace("\u2010", "-")), done.stderr


def options(*words):
    """Long options of a --help, less those that every program has."""
    said = run(*words, "--help")
    return set(re.findall(r"(?:^ +|, )(--[a-z][a-z0-9-]*)", said.stdout, re.M)) if said.returncode == 0 else None


def words_of(*words):
    """The commands that a --help lists."""
    _, _, listed = run(*words, "--help").stdout.partition("\nCommands:\n")
    return re.findall(r"^  ([a-z][a-z0-9]*)(?: |$)", listed.partition("\n\n")[0], re.M)


def keys(*words):
    return set(re.findall(r"^  ([a-z0-9_]+\.[a-z0-9_.]+)", run(*words, "--help").stdout, re.M))


class Cases:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, held, what):
        self.passed += bool(held)
        self.failed += not held
        if not held:
            print("FAILED: " + what)

    def page_says(self, page, wanted, of):
        text, _ = rendered(page)
        absent = sorted(word for word in wanted or () if word not in text)
        self.check(wanted and not absent, "%s says all of %s: %d, absent %s" % (page, of, len(wanted or ()), absent))

    def helps(self, *words):
        """--help and -h say the same, and fit a terminal; so does what each command below says."""
        told = run(*words, "--help")
        wide = [line for line in told.stdout.splitlines() if len(line) > 80]
        named = " ".join([os.path.basename(words[0]), *words[1:]])
        self.check(told.returncode == 0 and told.stdout == run(*words, "-h").stdout, named + " has --help and -h")
        self.check(not wide, "%s --help fits a terminal: %s" % (named, wide))
        for word in words_of(*words):
            self.helps(*words, word)

    def command(self, page, *words):
        """The page says each option of the command, and of the commands below it."""
        if not words_of(*words):
            self.page_says(page, options(*words), " ".join(words[1:]))
        for word in words_of(*words):
            self.page_says(page, {word}, word)
            self.command(page, *words, word)


def completions(cases):
    """Bash is offered what --help lists, by the script that is installed."""
    for program in (HSM, SERVICES):
        name = os.path.basename(program)
        script = run(program, "completion", "bash").stdout
        for words, wanted in (([], words_of(program)), (["completion"], ["bash"])):
            asked = script + "\ncompopt() { :; }\nCOMP_WORDS=(%s '') COMP_CWORD=%d\n_%s\necho ${COMPREPLY[*]}\n" % (
                " ".join([name, *words]), len(words) + 1, name.replace("-", "_"))
            told = run("bash", "-c", asked)
            offered = told.stdout.split()
            cases.check(offered == wanted and not told.stderr, "%s %s completes: %s" % (name, words, offered))


def main():
    cases = Cases()
    pages = sorted(glob.glob("man/*.[1-8]"))
    for page in pages:
        text, warnings = rendered(page)
        cases.check(not warnings and len(text) > 500, "%s renders without a warning: %s" % (page, warnings))
        second = "SYNOPSIS" if page[-1] in "13" else "DESCRIPTION"
        cases.check("NAME" in text and second in text, page + " is whole")
    for program, least in ((HSM, {"serve", "lmk", "send", "calc", "batch", "audit"}),
                           (SERVICES, {"issuer", "switch", "gateway", "demo"})):
        name = os.path.basename(program)
        commands = words_of(program)
        cases.check(least <= set(commands), "commands are listed: %s" % commands)
        cases.page_says("man/%s.1" % name, set(commands), "%s --help" % name)
        cases.helps(program)
        for command in commands:
            page = "man/%s-%s.1" % (name, command)
            if command not in ("serve", "completion"):
                cases.check(page in pages, page + " is there")
                cases.command(page, program, command)
    cases.page_says("man/countersign-hsm.1", options(HSM, "serve"), "countersign-hsm serve --help")
    cases.check(len(keys(HSM, "serve")) > 30, "the keys are in --help")
    cases.page_says("man/countersign-hsm.conf.5", keys(HSM, "serve"), "the keys of countersign-hsm")
    for name in ("issuer", "switch", "gateway"):
        cases.page_says("man/countersign-%s.1" % name, keys(SERVICES, name), "the keys of " + name)
    completions(cases)
    print("%d passed, %d failed" % (cases.passed, cases.failed))
    return 1 if cases.failed else 0


sys.exit(main())
