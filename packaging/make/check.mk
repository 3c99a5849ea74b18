# check.mk - tests, lint, sanitizers, fuzzing, documents
# SPDX-License-Identifier: MIT

# ---- what is run ------------------------------------------------------------

# Tests find the build by these two; the plugin's path is the one that the
# loader of the hosts reads.
export TP_BUILD = $(abspath $(B))
export TILLPOST_PLUGIN = $(abspath $(B))/tillpost.so

# A test may take this long at most; JOBS tests run at the same time.
TIMEOUT_S = 600
JOBS = $(shell nproc)
RUN = tests/run.sh -j $(JOBS) -t $(TIMEOUT_S) -l $(B)/log

# Each replay program with its corpus folder: x_replay and corpus/x.
REPLAY_TESTS = $(foreach replay,$(REPLAY),"$(replay) \
	tests/fuzz/corpus/$(patsubst %_replay,%,$(notdir $(replay)))")
ABI_TESTS = $(wildcard tests/abi/*.sh) $(filter $(T)/abi/%_test,$(HOST_TESTS))
LINT_TESTS = $(wildcard tests/lint/*.sh)
FAULT_TESTS = $(wildcard tests/fault/*.sh) \
	$(filter $(T)/fault/%_test,$(ARCHIVE_TESTS))
INTEGRATION_TESTS = $(wildcard tests/integration/*.sh) \
	$(filter $(T)/integration/%_test,$(HOST_TESTS))

# The unit tests once more under the address sanitizer.
ASAN_UNIT = $(patsubst build/$(VARIANT)/%,build/asan/%,$(UNIT))

# ---- check ------------------------------------------------------------------

.PHONY: check check-run check-unit check-fuzz check-abi check-fault \
	check-integration lint

check: ## everything that must pass before a change goes in
	packaging/deps.sh build test
	@$(MAKE) --no-print-directory -j$(JOBS) WERROR=1 tests-built && \
	$(MAKE) --no-print-directory -j$(JOBS) WERROR=1 VARIANT=asan \
		unit-built || \
		{ echo "0 passed, 1 failed"; exit 1; }
	@$(MAKE) --no-print-directory check-run

# The long ones first, so that no core waits at the end.
check-run:
	@$(RUN) $(INTEGRATION_TESTS) $(FAULT_TESTS) $(ASAN_UNIT) $(UNIT) \
		$(REPLAY_TESTS) $(ABI_TESTS) $(LINT_TESTS)

check-unit: unit-built ## the unit tests
	@$(RUN) $(UNIT)

check-fuzz: $(REPLAY) ## every fuzz target on its stored corpus
	@$(RUN) $(REPLAY_TESTS)

check-abi: all $(HOST_TESTS) ## exports, layout, old and new hosts, valgrind
	@$(RUN) $(ABI_TESTS)

check-fault: tests-built ## crashes, failing disks, hostile servers
	@$(RUN) $(FAULT_TESTS)

check-integration: tests-built ## the plugin against real relays
	@$(RUN) $(INTEGRATION_TESTS)

lint: all ## layers, banned calls, sizes, comments, format, documents
	@$(RUN) $(LINT_TESTS)

.PHONY: unit-built
unit-built: $(UNIT)

# ---- sanitizers -------------------------------------------------------------

.PHONY: asan ubsan tsan valgrind

asan ubsan tsan: %: ## the unit tests under a sanitizer (asan, ubsan, tsan)
	@$(MAKE) --no-print-directory VARIANT=$* check-unit

valgrind: unit-built ## the unit tests under valgrind
	@$(RUN) -w "valgrind -q --leak-check=full --error-exitcode=99" $(UNIT)

# ---- fuzzing ----------------------------------------------------------------

.PHONY: fuzz fuzz-run

fuzz: ## search with libFuzzer, FUZZ_SECONDS=60 for each target
	@$(MAKE) --no-print-directory VARIANT=fuzz fuzz-run

# What is found goes to build/fuzz/found; inputs that crash to
# build/fuzz/crash. A good find is copied to tests/fuzz/corpus by hand.
fuzz-run: $(FUZZ)
	@mkdir -p $(B)/crash
	@for target in $(FUZZ); do \
		name=$$(basename $$target _fuzz); \
		seeds=tests/fuzz/corpus/$$name; dict=tests/fuzz/$$name.dict; \
		mkdir -p $(B)/found/$$name $(B)/log; \
		printf '  FUZZ  %s, %s s\n' $$name $(FUZZ_SECONDS); \
		$$target -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
			-rss_limit_mb=1024 -print_final_stats=1 \
			-artifact_prefix=$(B)/crash/$$name- \
			$$(test ! -f $$dict || echo -dict=$$dict) \
			$(B)/found/$$name $$(test ! -d $$seeds || echo $$seeds) \
			>$(B)/log/fuzz_$$name.log 2>&1 || \
			{ tail -40 $(B)/log/fuzz_$$name.log; exit 1; }; \
		grep -E 'number_of_executed|new_units_added' \
			$(B)/log/fuzz_$$name.log; \
	done

# ---- demonstration and measurement ------------------------------------------

.PHONY: demo bench-quick bench-submit bench-intake

demo: ## two real relays, two stores, real mails (under a minute)
	packaging/deps.sh build test
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/demo/demo.sh

bench-quick: ## messages per second, against a plain libcurl loop
	packaging/deps.sh build test bench
	@$(MAKE) --no-print-directory tests-built
	@tests/bench/quick.sh

bench-submit: ## cost of handing a mail over, against Postfix, msmtp, PHPMailer
	packaging/deps.sh build test bench
	@$(MAKE) --no-print-directory tests-built
	@tests/bench/submit.sh

bench-intake: ## from the spool into the queue, and the daemon's memory
	packaging/deps.sh build test bench
	@$(MAKE) --no-print-directory tests-built
	@tests/bench/intake.sh

# ---- documents and format ---------------------------------------------------

.PHONY: docs format

docs: $(GEN_DOCS) ## write the example configuration and tillpost.conf(5) anew
	$(Q)$(GEN_DOCS) example >$(B)/document
	$(Q)mv $(B)/document config/tillpost.conf.example
	$(Q)$(GEN_DOCS) man >$(B)/document
	$(Q)mv $(B)/document packaging/man/tillpost.conf.5

C_FILES = $(shell find module include config tests -name '*.[ch]')
CLANG_FORMAT = $(shell command -v clang-format-14 || echo clang-format)

format: ## clang-format on all C files
	$(CLANG_FORMAT) -i $(C_FILES)
