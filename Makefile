# SPDX-License-Identifier: Apache-2.0
# make            build/countersign and build/countersign-hsm
# make demo       installs what is missing, builds, starts the sandbox (ARGS=--once for the story alone)
# make test       installs what is missing, builds, runs every test; ends with "N passed, N failed"
# make tidy       the style of the house
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

B       ?= build
CC      ?= gcc
VERSION := 0.1.0

WARN := -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla -Wformat=2
HARD := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE -ftrivial-auto-var-init=zero -fno-plt
OPT  ?= -O2 -g
PKGS := libuv libmicrohttpd sqlite3 libpq libcjson libcrypto inih
CFLAGS_ALL := -std=gnu17 $(OPT) $(WARN) $(HARD) -Isrc -D_GNU_SOURCE -DCOUNTERSIGN_VERSION='"$(VERSION)"' $(EXTRA_CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack $(EXTRA_LDFLAGS)

ROOMS := base card crypto wire cvv keys hostcmd iso8583 store ledger net http hsm issuer switch gateway
SRC_of = $(wildcard src/$1/*.c src/$1/*/*.c)
OBJ_of = $(patsubst src/%.c,$B/obj/%.o,$(call SRC_of,$1))

# ---- one archive a room
define ROOM
$B/lib/lib$1.a: $(call OBJ_of,$1)
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call ROOM,$r)))
libs = $(foreach r,$1,$B/lib/lib$r.a)

$B/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# ---- the two binaries
SERVICE_ROOMS := base card crypto wire hostcmd iso8583 store ledger net http issuer switch gateway
HSM_ROOMS     := base card crypto wire cvv keys hostcmd net hsm
SERVICE_LIBS  := -luv -lmicrohttpd -lsqlite3 -lpq -lcjson -lcrypto -linih -lpthread
HSM_LIBS      := -luv -lcrypto -linih -lpthread

SERVICE_MAIN := $(patsubst src/%.c,$B/obj/%.o,$(filter-out src/main/hsm%.c,$(wildcard src/main/*.c)))
HSM_MAIN     := $(patsubst src/%.c,$B/obj/%.o,$(wildcard src/main/hsm*.c))

all: $B/countersign $B/countersign-hsm

$B/countersign: $(SERVICE_MAIN) $(call libs,$(SERVICE_ROOMS))
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $(SERVICE_MAIN) -Wl,--start-group $(call libs,$(SERVICE_ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -o $@

$B/countersign-hsm: $(HSM_MAIN) $(call libs,$(HSM_ROOMS))
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $(HSM_MAIN) -Wl,--start-group $(call libs,$(HSM_ROOMS)) -Wl,--end-group $(HSM_LIBS) -o $@

# ---- tests: tests/<kind>/<name>.c is a program of its own; tests/support/*.c is linked into each
TEST_SUPPORT := $(patsubst tests/%.c,$B/obj/tests/%.o,$(wildcard tests/support/*.c))
$B/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -c $< -o $@
$B/tests/%: $B/obj/tests/%.o $(TEST_SUPPORT) $(call libs,$(ROOMS))
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $< $(TEST_SUPPORT) -Wl,--start-group $(call libs,$(ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -lcmocka -lm -o $@

UNIT_TESTS := $(patsubst tests/%.c,$B/tests/%,$(wildcard tests/unit/*.c tests/property/*.c))
unit: all $(UNIT_TESTS)
	@tools/run-tests $(UNIT_TESTS)

# ---- bench: one program a figure
$B/obj/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) $(CFLAGS_ALL) -Ibench -MMD -MP -c $< -o $@
BENCH_SUPPORT := $(patsubst bench/%.c,$B/obj/bench/%.o,$(wildcard bench/support/*.c))
$B/bench/%: $B/obj/bench/%.o $(BENCH_SUPPORT) $(call libs,$(ROOMS))
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $< $(BENCH_SUPPORT) -Wl,--start-group $(call libs,$(ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -lm -o $@

clean:
	rm -rf $B

-include $(shell find $B/obj -name '*.d' 2>/dev/null)
.PHONY: all unit clean
