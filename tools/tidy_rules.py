# SPDX-License-Identifier: Apache-2.0
"""The tables that tools/tidy checks against."""

# What is counted; each is one line of the verdict.
CHECKS = ("doors", "libraries", "file", "header", "function", "parameters", "calls", "secrets", "prefixes", "globals", "contract",
          "licence", "whitespace", "columns", "documents", "citations", "private", "circles", "dialect", "format",
          "exceptions")

# Budgets. A file of nothing but rows says `tidy: table` in its first lines.
FUNCTION_LINES = 70
FILE_LINES = 500
HEADER_LINES = 250
PARAMETERS = 6
# Callbacks whose parameters a library dictates.
FIXED_SIGNATURES = ("http_handle", "bare_handle")  # MHD_AccessHandlerCallback
LINE_COLUMNS = 132

TREES = ("src", "include", "examples", "tests", "bench", "tools", ".ci")
SKIPPED = ("tests/vectors/", "tests/fuzz/corpus/", "tests/golden/")

# room -> rooms, or single headers, that it may include besides its own and base. main/ wires everything.
LEVEL_1 = ("card", "crypto", "wire", "flow")
DOORS = {
    "base": (),
    "card": (), "crypto": (), "wire": (), "flow": (),
    "cvv": ("card", "crypto"),
    "keys": ("crypto",),
    "hostcmd": ("wire", "card", "keys/error.h"),
    "iso8583": ("wire", "card"),
    "acquirer": ("wire", "card", "iso8583", "net"),
    "store": (),
    "ledger": ("store", "card"),
    "http": ("wire", "crypto"),
    "net": ("wire", "crypto"),
    "hsm": LEVEL_1 + ("hostcmd", "cvv", "keys", "net"),
    "issuer": LEVEL_1 + ("hostcmd", "ledger", "store", "http"),
    "switch": LEVEL_1 + ("iso8583", "hostcmd", "ledger", "store", "net"),
    "gateway": LEVEL_1 + ("iso8583", "acquirer", "store", "http", "net"),
    "lib": ("card", "crypto", "cvv"),
    "cli": (),
    "tool": LEVEL_1 + ("cli", "cvv", "keys", "hostcmd", "net", "hsm"),
    "service": ("cli", "crypto", "hostcmd", "net", "store", "http"),
    "sandbox": ("cli", "card", "crypto", "hostcmd", "iso8583", "http"),
    "main": (),
}

# A public header opens with its contract page: at least two of these. One that serves its room alone says so, or says whose page
# it belongs to.
CONTRACT_WITHIN = 25
CONTRACT_HEADINGS = r"^ \* (Purpose|Ownership|Threading|Failure|Limits|Columns|Layouts|Units)\b"
CONTRACT_ELSEWHERE = r"(?i)(inside the|of the|its) room|ledger only|files of the|Included by \w+\.c|rules: \w+/\w+\.h"

# The pages of docs/spec. Code cites them as `switch.md 6.2`; the pages for people cite them, too.
SPECIFICATIONS = ("switch", "issuer", "gateway", "host-commands", "security-codes", "commerce-hub", "fraud-settings", "braintree")
CITING_PAGES = ("*.md", "docs/*.md", "docs/spec/*.md", "docs/reference/*.md")
CITATIONS_EXEMPT = ("tools/tidy", "tests/tidy/")

# A private header is called internal.h and is short; what is longer wants parts. Who reads one from outside needs a reason.
PRIVATE_LINES = 120
PRIVATE_READERS = {
    ("tests/property/test_cvv_batch.c", "src/cvv/internal.h"): "compares the kernels, which no door shows",
    ("tests/support/issuer_script.h", "src/issuer/internal.h"): "turns the issuer by hand",
    ("tests/planted/torture.c", "src/switch/internal.h"): "answers where the switch must not",
}

# Files of one room, or its sub-folders, that include each other in a circle, with the reason.
CIRCLES_ALLOWED = {
    ("base/env", "base/log"): "the environment names the log, the log writes times of the environment's calendar",
    ("base/secret", "base/secret_arena"): "secrets live in the arena, the arena wipes as secrets are wiped",
    ("store/driver", "store/reader", "store/store", "store/writer"):
        "store.h defines the batches that the others take, store.c drives them",
}

# Library headers and the only places that include them.
LIBRARIES = (
    (r"argp\.h$", ("src/cli/",)),
    (r"openssl/", ("src/crypto/", "src/net/tls.c")),
    (r"uv\.h$", ("src/net/",)),
    (r"microhttpd\.h$", ("src/http/",)),
    (r"cjson/", ("src/http/",)),
    (r"sqlite3\.h$", ("src/store/",)),
    (r"libpq-fe\.h$", ("src/store/",)),
    (r"ini\.h$", ("src/base/config.c", "src/service/names.c")),
)

# Calls: name (a regular expression), why, and where it is the one place for it.
CLOCK = ("src/base/env.c", "src/base/log.c")
MEMORY = ("src/base/arena.c", "src/base/secret.c")
BANNED = (
    ("time", "take the env", CLOCK),
    ("gettimeofday", "take the env", CLOCK),
    ("clock_gettime", "take the env", CLOCK),
    ("rand", "take the env", ()),
    ("random", "take the env", ()),
    ("srand", "take the env", ()),
    ("getrandom", "take the env", CLOCK),
    ("strcpy", "spans and buffers", ()),
    ("strncpy", "spans and buffers", ()),
    ("strcat", "spans and buffers", ()),
    ("strncat", "spans and buffers", ()),
    ("sprintf", "buf_put_*", ()),
    ("vsprintf", "buf_put_*", ()),
    ("gets", "no bound", ()),
    ("malloc", "reserve at start", MEMORY),
    ("calloc", "reserve at start", MEMORY),
    ("realloc", "reserve at start", MEMORY),
    ("strdup", "reserve at start", MEMORY),
    ("free", "reserve at start", MEMORY),
)
SECRET_NAMES = r"(?i)(key|code|pin|mac|secret|cvv)(?![a-z]*_(name|count|len|row))"

# Names that a public header gives away (tags, constants, macros, objects) begin with the room. `base` keeps its bare words.
# Bodies are headers that a file of the room includes once as a part of itself.
FREE_WORDS = ("base",)
INCLUDED_BODIES = ("src/crypto/des_batch_body.h", "src/crypto/des_sbox_binary.h", "src/crypto/des_sbox_ternary.h")

# Names of non-static functions: the room's name, or in these rooms the name of the file, or what stands here for the file. `base`
# is the vocabulary of every room: its words (buf, span, err) stand by themselves.
PREFIXES = {"lib": ("countersign_",), "gateway": ("gateway_", "commercehub_")}  # a face begins with its own name
NAMED_BY_FILE = ("base",)
STEMS = {
    "base/arena": ("arena_", "memory_"),
    "base/buf": ("buf_", "span_"),
}
FREE_NAMES = ("main", "LLVMFuzzerTestOneInput")

# Files that may hold state of the whole process, with the reason.
MUTABLE_ALLOWED = {
    "src/base/secret_arena.c": "the allocation hooks of the cipher library carry no context",
    "src/tool/entry.c": "a signal handler gives the terminal back",
    "src/tool/personalise/run.c": "a signal handler says that the run is to stop",
    "src/sandbox/demo.c": "a signal handler carries no context",
}


def prefixes(room, stem):
    allowed = PREFIXES.get(room, (room + "_",))
    if room in NAMED_BY_FILE:
        allowed += STEMS.get(room + "/" + stem, (stem.split("_")[0] + "_",))
    return allowed
