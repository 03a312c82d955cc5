#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""siege_flood.py FOLDER AT_ONCE: one merchant of a sandbox asks for so many encryption keys at a time, until it is stopped."""
import json
import os
import sys
import threading

from sandbox import World


def flood(world, merchant):
    body = json.dumps({"merchantDetails": {"merchantId": merchant["merchantId"]}})
    while True:
        world.signed(merchant, "/security/v1/keys/generate", body)


with open(os.path.join(sys.argv[1], "sandbox.json"), encoding="utf-8") as text:
    known = World(json.load(text))
askers = [threading.Thread(target=flood, args=(known, known.merchants[1])) for _ in range(int(sys.argv[2]))]
for asker in askers:
    asker.start()
for asker in askers:
    asker.join()
