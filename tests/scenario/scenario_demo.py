#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sandbox as a stranger meets it: the story, two at once, pasted lines, Ctrl-C, a service that dies."""
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

from sandbox import COUNTERSIGN, Checks, Demo, alive, fail_without_build

STEPS = 10
ADMIN = 1337  # above the port of a service


def story_once(checks):
    """Two sandboxes side by side, each telling the whole story."""
    first = Demo("--once", "--json", keep_up=False)
    second = Demo("--once", keep_up=False, offset=first.offset + 1000)
    with first, second:
        checks.check(first.wait(120) == 0, "demo --once --json ends with 0")
        checks.check(second.wait(120) == 0, "a second sandbox beside it ends with 0")
        steps = []
        try:
            steps = [json.loads(line) for line in first.output().splitlines()]
        except ValueError:
            pass
        checks.check(len(steps) == STEPS and all(step["held"] for step in steps), "%d steps as JSON lines, each held" % STEPS)
        wires = [wire for step in steps for wire in step["wires"]]
        ends = {(wire["from"], wire["to"]) for wire in wires}
        wanted = {("app", "issuer"), ("issuer", "HSM"), ("merchant", "gateway"), ("gateway", "switch"), ("switch", "HSM"),
                  ("HSM", "switch"), ("switch", "gateway"), ("gateway", "merchant")}
        checks.check(wanted <= ends, "the story shows every wire")
        told = first.output() + second.output()
        with open(os.path.join(first.dir, "sandbox.json"), encoding="utf-8") as handle:
            cards = json.load(handle)["cards"]
        checks.check(not any(card["pan"] in told for card in cards), "no clear card number is told")
        checks.check("Every expectation held" in second.output(), "people are told that every expectation held")
        if checks.failed:
            print(first.output() + second.output(), flush=True)


def shape(checks, world):
    text = world.text
    wanted = {"gateway": {"url"}, "issuer": {"url", "issuerId", "apiKey"}, "switch": {"visa", "generic"},
              "hsm": {"address", "header"}}
    checks.check(all(set(text[name]) == members for name, members in wanted.items()), "sandbox.json names the services")
    checks.check(set(text) == set(wanted) | {"merchants", "cards", "otherBrands"}, "sandbox.json has no other members")
    checks.check(len(text["merchants"]) == 10 and
                 all(set(m) == {"merchantId", "terminalId", "apiKey", "secret", "sandbox"} for m in text["merchants"]),
                 "10 merchants")
    modes = {card["mode"] for card in text["cards"]}
    checks.check(len(text["cards"]) == 100 and modes == {"static", "one_time", "time_window"} and
                 all(set(c) == {"cardId", "pan", "expiry", "mode"} for c in text["cards"]), "100 cards of three modes, no codes")
    brands = [card["brand"] for card in text["otherBrands"]]
    checks.check(sorted(set(brands)) == ["AMEX", "DISCOVER", "MASTERCARD"], "and some of three other brands")
    checks.check(re.fullmatch(r"127\.0\.0\.1:\d+", text["hsm"]["address"]) and text["hsm"]["header"] == 4, "the HSM's address")


def watched(checks, world):
    """The metrics of docs/operations.md are there, and no page holds a card number, a key or a secret."""
    text = world.text
    addresses = (text["issuer"]["url"], text["switch"]["visa"], text["gateway"]["url"], text["hsm"]["address"])
    pages = []
    for address in addresses:
        port = int(address.rsplit(":", 1)[1]) + ADMIN
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=10) as answer:
            pages.append(answer.read().decode())
    with open("docs/operations.md", encoding="utf-8") as page:
        told = page.read().split("## Issuer, switch and gateway", 1)[1]
    named = set(re.findall(r"`((?:flow|net|gateway|switch|countersign_issuer)_\w+)`", told))
    have = set(re.findall(r"(?m)^# TYPE (\w+)", "".join(pages)))
    checks.check(named and named <= have, "every metric of the page is there: %s" % sorted(named - have))
    checks.check(all("flow_items_total{" in page for page in pages[:3]), "issuer, switch and gateway tell their stages")
    checks.check(all("net_loop_turn_seconds_count" in page for page in pages), "all of them tell the turns of their loop")
    secrets = [card["pan"] for card in text["cards"]] + [text["issuer"]["apiKey"]]
    secrets += [merchant[name] for merchant in text["merchants"] for name in ("apiKey", "secret")]
    checks.check(not any(secret in page for secret in secrets for page in pages), "the metrics hold no card number and no key")


def pasted(checks, output):
    """The lines for the shell, run as they stand."""
    lines = output.split("# paste these", 1)[1].splitlines()[1:5]
    first = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    checks.check('"approvalStatus":"APPROVED"' in first.stdout, "the pasted lines pay with a fresh code")
    # the code of the first run, as a shell that is still open has it
    again = subprocess.run(["bash", "-c", "\n".join(lines + lines[2:])], capture_output=True, text=True, check=False)
    answers = [line for line in again.stdout.splitlines() if "approvalStatus" in line]
    held = checks.check(len(answers) == 2 and '"APPROVED"' in answers[0] and '"DECLINED"' in answers[1],
                        "pasting the last two again is refused")
    if not held or len(answers) != 2:
        print(first.stdout, first.stderr, again.stdout, again.stderr)


def stays_up(checks):
    with Demo() as demo:
        shape(checks, demo.world())
        watched(checks, demo.world())
        pasted(checks, demo.output())
        running = demo.services()
        checks.check(set(running) == {"hsm", "issuer", "switch", "gateway", "tap"}, "four services, each a process, and the tap")
        demo.process.send_signal(signal.SIGINT)
        checks.check(demo.wait(20) == 0, "Ctrl-C ends it with 0")
        checks.check(not any(alive(pid) for pid in running.values()), "and every child with it")


def notices_death(checks):
    with Demo() as demo:
        running = demo.services()
        os.kill(running["switch"], signal.SIGKILL)
        checks.check(demo.wait(20) == 1, "a dead service ends the sandbox with 1")
        checks.check("switch ended: signal 9" in demo.output(), "and is named")
        checks.check(not any(alive(pid) for pid in running.values()), "the others are stopped")


def dies_with_parent(checks):
    with Demo() as demo:
        running = demo.services()
        demo.process.kill()
        demo.process.wait()
        until = time.monotonic() + 10
        while any(alive(pid) for pid in running.values()) and time.monotonic() < until:
            time.sleep(0.05)
        checks.check(not any(alive(pid) for pid in running.values()), "nothing outlives a killed demo")


def helps(checks):
    for words in (["--version"], ["--help"], ["issuer", "--help"], ["switch", "--help"], ["gateway", "--help"],
                  ["demo", "--help"]):
        result = subprocess.run([COUNTERSIGN] + words, capture_output=True, text=True, check=False)
        checks.check(result.returncode == 0 and len(result.stdout) > 10, "countersign " + " ".join(words))
    hsm = subprocess.run([COUNTERSIGN + "-hsm", "--help"], capture_output=True, text=True, check=False)
    checks.check(hsm.returncode == 0 and "--test-lmk" in hsm.stdout, "countersign-hsm --help")
    bad = subprocess.run([COUNTERSIGN, "demo", "--port-offset", "many"], capture_output=True, text=True, check=False)
    checks.check(bad.returncode == 2, "a bad option is refused with 2")


def main():
    fail_without_build()
    checks = Checks()
    for scenario in (helps, story_once, stays_up, notices_death, dies_with_parent):
        try:
            scenario(checks)
        except (RuntimeError, OSError, IndexError, KeyError) as problem:
            checks.check(False, "%s: %s" % (scenario.__name__, problem))
    return checks.end()


sys.exit(main())
