# SPDX-License-Identifier: Apache-2.0
# The build of Countersign: GNU make, no configure step. `make help` lists the targets.
MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

B       ?= build
CC      ?= gcc
VERSION := 0.1.0

comma := ,
WARN := -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla -Wformat=2
HARD := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE -ftrivial-auto-var-init=zero -fno-plt
HARD += -fstack-clash-protection
# Indirect jumps land on marked places only, returns where calls came from: CET of x86, BTI and PAC of aarch64.
X86  := $(filter x86_64%,$(shell $(CC) -dumpmachine))
HARD += $(if $(X86),-fcf-protection=full,-mbranch-protection=standard)
OPT  ?= -O2 -g
CFLAGS_ALL := -std=gnu17 $(OPT) $(WARN) $(HARD) -Isrc -isystem /usr/include/postgresql -D_GNU_SOURCE -DCOUNTERSIGN_VERSION='"$(VERSION)"' $(EXTRA_CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack $(if $(X86),-Wl$(comma)-z$(comma)ibt -Wl$(comma)-z$(comma)shstk) $(EXTRA_LDFLAGS)

ROOMS := base card crypto wire flow cvv keys hostcmd iso8583 acquirer store ledger net http hsm issuer switch gateway cli service sandbox tool main
# main() of each program; the linker takes from libmain.a what it refers to.
PROGRAMS := countersign countersign_hsm
SRC_of = $(wildcard src/$1/*.c src/$1/*/*.c src/$1/*/*/*.c)
OBJ_of = $(patsubst src/%.c,$B/obj/%.o,$(filter-out $(PROGRAMS:%=src/main/%.c),$(call SRC_of,$1)))

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

# Kernels chosen at run time: each is compiled for its own instructions, and nothing else is.
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
$B/obj/crypto/des_batch_avx2.o $B/pic/crypto/des_batch_avx2.o: CFLAGS_ALL += -mavx2
$B/obj/crypto/des_batch_avx512.o $B/pic/crypto/des_batch_avx512.o: CFLAGS_ALL += -mavx512f
endif

# ---- the two binaries
SERVICE_ROOMS := base card crypto wire flow keys hostcmd iso8583 acquirer store ledger net http issuer switch gateway cli service sandbox main
HSM_ROOMS     := base card crypto wire cvv keys hostcmd net hsm cli service tool main
SERVICE_LIBS  := -luv -lmicrohttpd -lsqlite3 -lpq -lcjson -lssl -lcrypto -linih -lpthread
# Of libbsd the prompt for passphrases alone, so that no further library is mapped beside the keys.
TOOL_LIBS     := -l:libbsd.a
HSM_LIBS      := -luv -lssl -lcrypto -linih -lpthread $(TOOL_LIBS)


libs: $(call libs,$(ROOMS))

# ---- the library: base (what is needed of it), card, DES and the algorithms behind include/countersign.h, and nothing else visible
SOVERSION    := 0
LIB_SRC      := $(patsubst %,src/base/%.c,err buf secret secret_arena) $(patsubst %,src/card/%.c,error pan brand expiry) \
                $(wildcard src/crypto/des*.c) $(patsubst %,src/crypto/%.c,error mac failed) $(call SRC_of,cvv) $(call SRC_of,lib)
LIB_OBJ      := $(patsubst src/%.c,$B/pic/%.o,$(LIB_SRC))
LIB_STATIC   := $B/libcountersign.a
LIB_SHARED   := $B/libcountersign.so.$(VERSION)
$B/pic/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  cc   $< (library)"
	@$(CC) $(filter-out -fPIE,$(CFLAGS_ALL)) -fPIC -fvisibility=hidden -Iinclude -MMD -MP -c $< -o $@
# Nothing is left to find again once it was loaded: OpenSSL keeps an exit handler of ours.
$(LIB_SHARED): $(LIB_OBJ) src/lib/countersign.map
	@echo "  link $@"
	@$(CC) -shared $(filter-out -pie,$(LDFLAGS_ALL)) -Wl,-soname,libcountersign.so.$(SOVERSION) -Wl,--version-script=src/lib/countersign.map \
	  -Wl,--no-undefined -Wl,-z,nodelete $(LIB_OBJ) -lcrypto -o $@
	@ln -sf $(@F) $B/libcountersign.so.$(SOVERSION)
	@ln -sf $(@F) $B/libcountersign.so
# One object whose inner names are local, so that the archive shows what the shared library shows.
$(LIB_STATIC): $(LIB_OBJ)
	@echo "  ar   $@"
	@$(CC) -r -nostdlib $(LIB_OBJ) -o $B/pic/countersign.o
	@objcopy --localize-hidden $B/pic/countersign.o
	@rm -f $@
	@ar rcs $@ $B/pic/countersign.o
lib: $(LIB_STATIC) $(LIB_SHARED)

all: $B/countersign $B/countersign-hsm

$B/countersign: $B/obj/main/countersign.o $(call libs,$(SERVICE_ROOMS))
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $B/obj/main/countersign.o -Wl,--start-group $(call libs,$(SERVICE_ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -o $@

# A test build whose ledger has lost a guard, for the oracles to find; never installed. The object stands in for one of the archive.
PLANTED := $B/obj/tests/planted/statements.o
$B/countersign-planted: $B/obj/main/countersign.o $(PLANTED) $(call libs,$(SERVICE_ROOMS))
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $B/obj/main/countersign.o $(PLANTED) -Wl,--start-group $(call libs,$(SERVICE_ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -o $@

# The same with one fault each of those that the campaign must find (tests/planted/torture.c).
TORTURE_FAULTS  := crossing card window silence unknown ended
TORTURE_PLANTED := $(TORTURE_FAULTS:%=$B/countersign-planted-%)
$B/obj/tests/planted/torture-%.o: tests/planted/torture.c
	@mkdir -p $(@D)
	@echo "  cc   $< ($*)"
	@$(CC) $(CFLAGS_ALL) -Itests -DPLANT_$* -MMD -MP -c $< -o $@
$B/countersign-planted-%: $B/obj/main/countersign.o $B/obj/tests/planted/torture-%.o $(call libs,$(SERVICE_ROOMS))
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $(if $(filter silence,$*),-Wl$(COMMA)--wrap=switch_receive -Wl$(COMMA)--wrap=switch_ports_reply) $(if $(filter unknown,$*),-Wl$(COMMA)--wrap=switch_reply_failed) $B/obj/main/countersign.o $B/obj/tests/planted/torture-$*.o -Wl,--start-group $(call libs,$(SERVICE_ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -o $@
COMMA := ,

$B/countersign-hsm: $B/obj/main/countersign_hsm.o $(call libs,$(HSM_ROOMS))
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $B/obj/main/countersign_hsm.o -Wl,--start-group $(call libs,$(HSM_ROOMS)) -Wl,--end-group $(HSM_LIBS) -o $@

# Test builds that make one call fail: what the C library gives (a library to preload), what the secret arena gives (wrapped).
$B/tests/fault/shim.so: tests/fault/shim.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) -std=gnu17 $(OPT) $(WARN) -fPIC -shared $< -ldl -o $@
$B/countersign-hsm-faults: $B/obj/main/countersign_hsm.o $B/obj/tests/fault/arena_fault.o $(call libs,$(HSM_ROOMS))
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -Wl,--wrap=secret_arena_take,--wrap=secret_arena_resize $B/obj/main/countersign_hsm.o $B/obj/tests/fault/arena_fault.o -Wl,--start-group $(call libs,$(HSM_ROOMS)) -Wl,--end-group $(HSM_LIBS) -o $@
# The wall clock and the disk of the scripts' processes, and what tries things inside them.
$B/tests/scenario/%.so: tests/scenario/lab/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) -std=gnu17 $(OPT) $(WARN) -fPIC -shared $< -ldl -o $@
FAULTS := $B/tests/fault/shim.so $B/countersign-hsm-faults $B/tests/scenario/clock.so $B/tests/scenario/disk.so $B/tests/scenario/probe.so

# ---- tests: tests/<kind>/<name>.c is a program of its own; tests/support/*.c is linked into each
TORTURE      := $(patsubst tests/%.c,$B/obj/tests/%.o,$(wildcard tests/torture/*.c))
# The errors of every room, for a program that links every room.
ALL_ERRORS   := $B/obj/tests/support/errors.o
TEST_SUPPORT := $(patsubst tests/%.c,$B/obj/tests/%.o,$(wildcard tests/support/*.c))
$B/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -c $< -o $@
$B/tests/%: $B/obj/tests/%.o $(TEST_SUPPORT) $(call libs,$(ROOMS))
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $< $(TEST_SUPPORT) -Wl,--start-group $(call libs,$(ROOMS)) -Wl,--end-group $(SERVICE_LIBS) $(TOOL_LIBS) -lcmocka -lm -o $@

# Some unit tests start the real key holder; one of them over the link that the services use.
$B/tests/unit/test_hsm_server $B/tests/unit/test_hsm_link $B/tests/unit/test_hsm_link_settings $B/tests/unit/test_tool_send $B/tests/unit/test_hsm_storage: | $B/countersign-hsm
$B/tests/unit/test_issuer_live $B/tests/unit/test_issuer_layout $B/tests/unit/test_issuer_api: | $B/countersign-hsm $B/countersign
$B/tests/unit/test_switch_live $B/tests/unit/test_switch_layout $B/tests/unit/test_switch_messages $B/tests/unit/test_switch_reversals $B/tests/unit/test_switch_frames $B/tests/unit/test_switch_lapse $B/tests/unit/test_switch_cut $B/tests/unit/test_switch_unknown $B/tests/unit/test_switch_frozen: | $B/countersign-hsm $B/countersign
$B/tests/scenario/torture: $(TORTURE)
$B/tests/scenario/torture: TEST_SUPPORT += $(TORTURE)
$B/tests/scenario/torture: | $B/countersign-hsm $B/countersign $(TORTURE_PLANTED)
$B/tests/scenario/double_use: | $B/countersign-hsm $B/countersign $B/countersign-planted
CALC_PLANTS := cvv_generate cvv_dynamic_generate cvv_card_key cvv_window_index cvv_overlay cvv_decimalise cvv_cvc3_iv cvv_cvc3_iv_track1 cvv_cvc3 \
    cvv_csc_generate keys_kcv keys_kcv_aes keys_wrap keys_unwrap
$B/tests/unit/test_tool_calc: LDFLAGS_ALL += $(CALC_PLANTS:%=-Wl$(COMMA)--wrap=%)
# These script the outcomes of commits and of the HSM.
$B/tests/unit/test_issuer_apart $B/tests/unit/test_switch_issuers: LDFLAGS_ALL += -Wl,--wrap=store_reader_submit
$B/tests/unit/test_issuer_turn $B/tests/unit/test_issuer_apart $B/tests/property/test_issuer_random: LDFLAGS_ALL += -Wl,--wrap=store_writer_submit -Wl,--wrap=hostcmd_client_send -Wl,--wrap=hostcmd_client_take -Wl,--wrap=hostcmd_answer_wipe -Wl,--wrap=hostcmd_client_turn -Wl,--wrap=hostcmd_client_ready
$B/tests/unit/test_switch_faults: LDFLAGS_ALL += -Wl,--wrap=store_writer_submit -Wl,--wrap=store_reader_submit
$B/tests/property/test_switch_crossing: LDFLAGS_ALL += -Wl,--wrap=store_writer_start -Wl,--wrap=store_reader_submit
$B/tests/property/test_gateway_random: LDFLAGS_ALL += -Wl,--wrap=store_writer_submit_all
$B/tests/unit/test_switch_faults: TEST_SUPPORT := $(filter-out %/issuer_script.o,$(TEST_SUPPORT))
# These play the gateway's clients, links and writer on one thread.
GATEWAY_SIM       := $(patsubst tests/%.c,$B/obj/tests/%.o,$(wildcard tests/support/gateway/*.c))
GATEWAY_SIM_WRAPS := net_loop_wake http_take http_header http_body http_put_header http_reply net_client_create net_client_send \
  net_client_up net_client_reconnect store_writer_submit store_writer_submit_all
GATEWAY_SIM_TESTS := $(addprefix $B/tests/,property/test_gateway_crash unit/test_gateway_pipeline unit/test_gateway_record unit/test_gateway_reversal unit/test_gateway_route)
$(GATEWAY_SIM_TESTS): $(GATEWAY_SIM)
$(GATEWAY_SIM_TESTS): TEST_SUPPORT := $(filter-out %/issuer_script.o,$(TEST_SUPPORT)) $(GATEWAY_SIM)
$(GATEWAY_SIM_TESTS): LDFLAGS_ALL += $(GATEWAY_SIM_WRAPS:%=-Wl$(COMMA)--wrap=%)
# These make the n-th allocation fail.
$B/tests/unit/test_net_faults $B/tests/unit/test_issuer_faults $B/tests/unit/test_hsm_key_faults $B/tests/unit/test_store_reader_faults: LDFLAGS_ALL += -Wl,--wrap=calloc

UNIT_TESTS := $(filter-out $(UNIT_SKIP:%=$B/tests/%),$(patsubst tests/%.c,$B/tests/%,$(wildcard tests/unit/*.c tests/property/*.c)))
unit: all $(UNIT_TESTS)
	@tools/run-tests $(UNIT_TESTS)

# Scenarios drive the real processes: scripts (tests/scenario/*.scene), Python, and C under load.
SCENARIO_TESTS := $(patsubst tests/%.c,$B/tests/%,$(wildcard tests/scenario/*.c))
SCENARIOS      := $(SCENARIO_TESTS) $(wildcard tests/scenario/*.scene tests/scenario/scenario_*.py)
scenario: all $(SCENARIO_TESTS) $(FAULTS) $B/countersign-planted lib
	@tools/run-tests --serial $(SCENARIOS)

# The long campaign on both stores; `build/tests/scenario/torture --help` names its settings. Its short form is one of the scenarios.
TORTURE_USES  ?= 1000000
TORTURE_KILLS ?= 100
torture: $B/tests/scenario/torture
	$B/tests/scenario/torture --store sqlite --uses $(TORTURE_USES) --kills $(TORTURE_KILLS)
	$B/tests/scenario/torture --store postgres --uses $(TORTURE_USES) --kills $(TORTURE_KILLS)

# ---- fuzz: tests/fuzz/<name>.c has LLVMFuzzerTestOneInput; `make fuzz` runs it under libFuzzer for FUZZ_SECONDS, `make test`
# replays the corpus tests/fuzz/corpus/<name>/ and a fixed number of mutations of it
FUZZ_SECONDS ?= 60
FUZZ_NAMES   := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_REPLAYS := $(FUZZ_NAMES:%=$B/tests/fuzz/%)
$(FUZZ_REPLAYS): $B/tests/fuzz/%: $B/obj/tests/fuzz/%.o $B/obj/tests/fuzz/replay/replay.o $(ALL_ERRORS) $(call libs,$(ROOMS))
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $(filter %.o,$^) -Wl,--start-group $(call libs,$(ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -o $@

FUZZERS := $(FUZZ_NAMES:%=$B/fuzzers/%)
$(FUZZERS): $B/fuzzers/%: $B/obj/tests/fuzz/%.o $(ALL_ERRORS) $(call libs,$(ROOMS))
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer $(filter %.o,$^) -Wl,--start-group $(call libs,$(ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -o $@
fuzzers: $(FUZZERS)

fuzz:
	@tools/setup --extras
	@$(MAKE) --no-print-directory B=build-fuzz CC=clang OPT='-O1 -g' HARD=-fPIE WARN='-Wall -Wextra' \
	  EXTRA_CFLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' \
	  EXTRA_LDFLAGS=-fsanitize=address,undefined fuzzers
	@tools/run-fuzz build-fuzz/fuzzers $(FUZZ_SECONDS) $(FUZZ_NAMES)

# ---- timing: does an operation's time depend on its secret? A campaign for a quiet machine.
DUDECT_RUNS ?= 10000000
dudect: $B/tests/dudect/dudect
	@$B/tests/dudect/dudect $(DUDECT_RUNS)

# ---- campaigns on the real HSM process; `make test` runs a short form of each
SOAK_SECONDS ?= 600
soak: all
	@SOAK_SECONDS=$(SOAK_SECONDS) tests/scenario/scenario_soak.py
SIEGE_SECONDS ?= 30
siege: all
	@SIEGE_SECONDS=$(SIEGE_SECONDS) tests/scenario/scenario_siege.py
CRASH_ROUNDS ?= 20000
crash: $B/tests/property/test_gateway_crash
	@GATEWAY_CRASH_ROUNDS=$(CRASH_ROUNDS) $<
fault: all $(FAULTS)
	@FAULT_ALL=1 tests/scenario/scenario_hsm_faults.py

# ---- everything that CI counts
test:
	@tools/setup --test
	@$(MAKE) --no-print-directory test-build
	@tools/run-tests $(UNIT_TESTS) $(FUZZ_REPLAYS) $(SCRIPT_TESTS) --serial $(SCENARIOS)
test-build: all $(UNIT_TESTS) $(FUZZ_REPLAYS) $(SCENARIO_TESTS) $(FAULTS) $B/countersign-planted $B/gendoc lib

# One test by its name, of any kind: make check T=hsm_frames, T=test_hsm_frames, T=scenario_keys, T=windows.
SCRIPT_TESTS := $(wildcard tests/tidy/test_*.py tests/tools/test_*.py)
CHECK_NAME   := $(basename $(notdir $T))
CHECK_ALL    := $(UNIT_TESTS) $(FUZZ_REPLAYS) $(SCENARIOS) $(SCRIPT_TESTS)
CHECK_FOUND  := $(foreach c,$(CHECK_ALL),$(if $(filter $(CHECK_NAME) test_$(CHECK_NAME) fuzz_$(CHECK_NAME) scenario_$(CHECK_NAME),$(basename $(notdir $c))),$c))
CHECK_LIKE   := $(foreach c,$(CHECK_ALL),$(if $(findstring $(CHECK_NAME),$(notdir $c)),$c))
check: $(filter $B/%,$(CHECK_FOUND)) $(if $(filter-out $(UNIT_TESTS) $(FUZZ_REPLAYS),$(CHECK_FOUND)),all $(FAULTS) $B/countersign-planted $B/gendoc lib)
ifeq ($(strip $(CHECK_FOUND)),)
	@echo "make check T=NAME: $(if $T,no test is called '$T'. )$(if $(strip $(CHECK_LIKE)),Like it are,There are):"
	@printf '  %s\n' $(sort $(basename $(notdir $(or $(strip $(CHECK_LIKE)),$(CHECK_ALL)))))
	@exit 2
else
	@tools/run-tests --serial $(CHECK_FOUND)
endif

tidy: $B/gendoc
	@tools/tidy

demo:
	@began=$$(date +%s) && tools/setup && there=$$(date +%s) && $(MAKE) --no-print-directory all && built=$$(date +%s) && \
	echo "Packages took $$((there - began)) s, the build $$((built - there)) s." && exec $B/countersign demo $(ARGS)

SANITIZE := -fsanitize=address,undefined
# Unit tests (valgrind and ASan exclude each other) and the sandbox's story.
asan: export LSAN_OPTIONS = suppressions=$(CURDIR)/tools/lsan.supp:print_suppressions=0
asan: export ASAN_OPTIONS = fast_unwind_on_malloc=0:malloc_context_size=40
asan:
	@$(MAKE) --no-print-directory B=build-asan OPT='-O1 -g' HARD='-fPIE -ftrivial-auto-var-init=zero' WARN=-Wall \
	  EXTRA_CFLAGS='$(SANITIZE) -fno-sanitize-recover=undefined -fno-omit-frame-pointer' EXTRA_LDFLAGS='$(SANITIZE)' \
	  UNIT_SKIP=unit/test_constant_time unit
	@build-asan/countersign demo --once --port-offset 9000 >build-asan/story.log 2>&1 || { cat build-asan/story.log; exit 1; }
	@tail -n 1 build-asan/story.log

# Counters of an instrumented build are branches to valgrind: the constant-time test is left out here.
cov:
	@tools/setup --extras
	@$(MAKE) --no-print-directory B=build-cov OPT='-O0 -g' HARD=-fPIE WARN=-Wall EXTRA_CFLAGS='--coverage -fprofile-update=atomic -DCS_INSTRUMENTED' EXTRA_LDFLAGS=--coverage \
	  UNIT_SKIP=unit/test_constant_time unit || echo 'cov: the report counts what ran'
	@gcovr --root . --object-directory build-cov --filter src/ --exclude-throw-branches --gcov-ignore-parse-errors --print-summary --html-details build-cov/coverage.html
	@echo "build-cov/coverage.html"

# ---- documents printed from the tables of the code
$B/gendoc: $B/obj/tools/gendoc.o $B/obj/tools/gendoc_man.o $(ALL_ERRORS) $(call libs,$(ROOMS))
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $(filter %.o,$^) -Wl,--start-group $(call libs,$(ROOMS)) -Wl,--end-group $(SERVICE_LIBS) $(TOOL_LIBS) -o $@
$B/obj/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@
docs: $B/gendoc
	@$B/gendoc docs/reference man

# Searches circuits for the S-boxes; src/crypto/des_sbox_*.h were printed by it.
$B/sboxgen: tools/sboxgen.c tools/sboxgen_search.c tools/sboxgen.h tools/des_sboxes.h
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(CFLAGS_ALL) -O3 -march=native $(LDFLAGS_ALL) $(filter %.c,$^) -o $@

# ---- bench: one program a figure
$B/obj/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) $(CFLAGS_ALL) -Ibench -Itests -MMD -MP -c $< -o $@
# The lab (real processes over a ledger of its own) serves tests and benches.
BENCH_SUPPORT := $(patsubst bench/%.c,$B/obj/bench/%.o,$(wildcard bench/support/*.c)) $(patsubst tests/%.c,$B/obj/tests/%.o,$(wildcard tests/support/lab*.c tests/support/hsm_process.c tests/support/certificates.c tests/support/postgres.c)) $(ALL_ERRORS)
$B/bench/%: $B/obj/bench/%.o $(BENCH_SUPPORT) $(call libs,$(ROOMS))
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) $< $(BENCH_SUPPORT) -Wl,--start-group $(call libs,$(ROOMS)) -Wl,--end-group $(SERVICE_LIBS) -lm -o $@

BENCHES := $(patsubst bench/%.c,$B/bench/%,$(wildcard bench/*.c))
bench: all $(BENCHES)
	@status=0; for b in $(BENCHES); do $$b || status=1; done; exit $$status

# ---- install: make install PREFIX=/usr DESTDIR=/tmp/tree
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
MAN_PAGES  := $(wildcard man/*.[1-8])
install: all lib
	@install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)
	@install -m 755 $B/countersign $B/countersign-hsm $(DESTDIR)$(BINDIR)
	@install -m 644 include/countersign.h $(DESTDIR)$(INCLUDEDIR)
	@install -m 644 $(LIB_STATIC) $(LIB_SHARED) $(DESTDIR)$(LIBDIR)
	@ln -sf $(notdir $(LIB_SHARED)) $(DESTDIR)$(LIBDIR)/libcountersign.so.$(SOVERSION)
	@ln -sf libcountersign.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libcountersign.so
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	  packaging/countersign.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/countersign.pc
	@for file in $(wildcard packaging/*.conf packaging/*.clients packaging/systemd/*.service); do \
	  install -D -m 644 $$file $(DESTDIR)$(PREFIX)/share/doc/countersign/examples/$${file##*/} || exit 1; done
	@install -d $(DESTDIR)$(COMPLETIONS)
	@$B/countersign completion bash >$(DESTDIR)$(COMPLETIONS)/countersign
	@$B/countersign-hsm completion bash >$(DESTDIR)$(COMPLETIONS)/countersign-hsm
	@for page in $(MAN_PAGES); do install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done

clean:
	rm -rf $B build-asan build-cov build-fuzz

help:
	@echo "make            build/countersign and build/countersign-hsm"
	@echo "make demo       install what is missing, build, start the sandbox (ARGS=--once: the story alone)"
	@echo "make test       install what is missing, build, run every test; ends with 'N passed, N failed'"
	@echo "make check      one test by its name, of any kind: T=hsm_frames, T=fuzz_tr31, T=scenario_keys"
	@echo "make unit       unit and property tests alone      make scenario   the tests on real processes alone"
	@echo "make tidy       the style of the house             make docs       docs/reference from the tables"
	@echo "make bench      the figures and their limits       make fuzz       libFuzzer, FUZZ_SECONDS=60 a target"
	@echo "make asan       unit tests under ASan and UBSan    make cov        coverage of the unit tests"
	@echo "make dudect     timing of what handles secrets, DUDECT_RUNS=10000000 a target"
	@echo "make soak       connects, disconnects and garbage, SOAK_SECONDS=600"
	@echo "make siege      strangers hold every port while honest people pay, SIEGE_SECONDS=30 an attack"
	@echo "make crash      random histories of the gateway that dies at its writes, CRASH_ROUNDS=20000"
	@echo "make torture    two switches under kills, with an oracle: TORTURE_USES=1000000 TORTURE_KILLS=100 a store"
	@echo "make fault      the HSM process with each single call failing once"
	@echo "make lib        libcountersign, the algorithms for other programs"
	@echo "make install    binaries, library, header, man pages, completion, examples: PREFIX=/usr/local DESTDIR="
	@echo "make clean"

-include $(shell find $B/obj $B/pic -name '*.d' 2>/dev/null)
.PHONY: all lib install unit check scenario fuzzers fuzz test test-build tidy demo asan cov docs bench dudect soak siege torture crash fault clean help
