# Makefile - builds, checks and installs tillpost (GNU make)
#
# Everything that is built goes to build/<variant>/:
#   lib/              archives (without the plugin's entry) for test programs
#   bin/              tillpost, tillpostd, tillpost-sendmail, example-host,
#                     gen-docs
#   tillpost.so       the plugin
#   php/tillpost.so   the PHP extension, if there is a php-config
#   tests/            test programs
#   log/              output of test runs
# build/bin and build/tillpost.so point to the default variant.
#
# Sources are found by folder: a new .c file in module/core is built, a new
# tests/unit/x_test.c is built and run. "make help" lists the targets.
#
# SPDX-License-Identifier: MIT

VERSION = 0.1.0

# ---- what a caller may change -----------------------------------------------

CC = gcc
# default, asan, ubsan, tsan, fuzz; any other name is a default build with its
# own folder: make CC=clang-14 VARIANT=clang
VARIANT = default
# 1: a warning is an error (CI, make check)
WERROR =
# 1: show whole commands
V =
# seconds per target of "make fuzz"
FUZZ_SECONDS = 60

PREFIX = /usr
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib$(if $(MULTIARCH),/$(MULTIARCH))
INCLUDEDIR = $(PREFIX)/include
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/tillpost
SBINDIR = $(PREFIX)/sbin
DESTDIR =
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)

# ---- flags ------------------------------------------------------------------

DEFINES = -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
OPTIMISE = -O2 -g
HARDEN = -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZE =

include packaging/make/variants.mk

CFLAGS = -std=c11 -fPIC -fvisibility=hidden -fno-common \
	-ffile-prefix-map=$(CURDIR)=. \
	$(OPTIMISE) $(HARDEN) $(SANITIZE) $(WARNINGS) $(EXTRA_CFLAGS)
LDFLAGS = $(SANITIZE) -Wl,-z,relro,-z,now $(EXTRA_LDFLAGS)

# What the plugin is linked with. A host needs none of it.
LIBS = -lesmtp -lconfig -lssl -lcrypto -lsqlite3 -ljansson -lgsasl -lz -lpthread
LIB_HEADERS = libesmtp.h libconfig.h openssl/ssl.h sqlite3.h jansson.h gsasl.h \
	zlib.h

# Optional: readiness and watchdog of the daemon; the PHP extension, for the
# PHP that php-config tells of.
HAVE_SYSTEMD := $(shell pkg-config --exists libsystemd 2>/dev/null && echo yes)
PHP_CONFIG = php-config
PHP_INCLUDES := $(shell $(PHP_CONFIG) --includes 2>/dev/null)

# ---- folders and lists ------------------------------------------------------

B = build/$(VARIANT)
O = $(B)/obj
T = $(B)/tests
# One folder per layer with links to what that layer may include.
I = build/inc

objects = $(patsubst %.c,$(O)/%.o,$(1))

LIB_SRC := $(wildcard module/base/*.c module/core/*.c module/adapters/*.c)
API_SRC := $(wildcard module/api/*.c)
COMMON_SRC := $(wildcard module/hosts/common/*.c)
CLI_SRC := $(wildcard module/hosts/cli/*.c module/hosts/cli/import/*.c)
DAEMON_SRC := $(wildcard module/hosts/daemon/*.c)
SENDMAIL_SRC := $(wildcard module/hosts/sendmail/*.c)
PHP_SRC := $(wildcard module/hosts/php/*.c)
EXAMPLE_SRC := $(wildcard module/hosts/example/*.c)
GEN_DOCS_SRC := $(wildcard config/gen_docs.c)

UNIT_SRC := $(wildcard tests/unit/*_test.c)
# Shared parts of the unit tests and the fault programs.
HELPER_SRC := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)) \
	$(wildcard tests/harness/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
# Programs that see the public headers only and load the plugin ...
HOST_TEST_SRC := $(wildcard tests/abi/*.c tests/integration/*.c)
# ... and programs that are linked with the archive.
ARCHIVE_TEST_SRC := $(wildcard tests/fault/*.c tests/bench/*.c)

LIB_OBJ = $(call objects,$(LIB_SRC))
API_OBJ = $(call objects,$(API_SRC))

# Each is built only if its source exists.
PLUGIN = $(if $(API_SRC),$(B)/tillpost.so)
CLI = $(if $(CLI_SRC),$(B)/bin/tillpost)
DAEMON = $(if $(DAEMON_SRC),$(B)/bin/tillpostd)
SENDMAIL = $(if $(SENDMAIL_SRC),$(B)/bin/tillpost-sendmail)
PHP = $(if $(and $(PHP_SRC),$(PHP_INCLUDES)),$(B)/php/tillpost.so)
EXAMPLE = $(if $(EXAMPLE_SRC),$(B)/bin/example-host)
GEN_DOCS = $(if $(GEN_DOCS_SRC),$(B)/bin/gen-docs)

UNIT = $(patsubst %.c,$(B)/%,$(UNIT_SRC))
REPLAY = $(patsubst %_fuzz.c,$(B)/%_replay,$(FUZZ_SRC))
FUZZ = $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
HOST_TESTS = $(patsubst %.c,$(B)/%,$(HOST_TEST_SRC))
ARCHIVE_TESTS = $(patsubst %.c,$(B)/%,$(ARCHIVE_TEST_SRC))

# ---- build ------------------------------------------------------------------

.PHONY: all tests-built
.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: ## build the plugin, the hosts and the PHP extension (default)
all: $(PLUGIN) $(CLI) $(DAEMON) $(SENDMAIL) $(PHP) $(EXAMPLE) $(GEN_DOCS) \
	$(B)/links

tests-built: ## build all test programs
tests-built: all $(UNIT) $(REPLAY) $(HOST_TESTS) $(ARCHIVE_TESTS)

# One short line per step; V=1 shows the command.
ifeq ($(V),1)
say = @:
Q =
else
say = @printf '  %-5s %s\n'
Q = @
endif

# Include paths. What a layer must not see is not on its path, so a wrong
# include does not compile.
$(O)/module/base/%.o: INC = -I$(I)/base
$(O)/module/core/%.o: INC = -I$(I)/core
$(O)/module/adapters/%.o: INC = -I$(I)/adapters
$(O)/module/api/%.o: INC = -I$(I)/api
$(O)/module/hosts/common/%.o: INC = -I$(I)/common
$(O)/module/hosts/cli/%.o: INC = -I$(I)/cli
$(O)/module/hosts/daemon/%.o: INC = -I$(I)/daemon
$(O)/module/hosts/daemon/%.o: DEFINES += $(if $(HAVE_SYSTEMD),-DHAVE_SYSTEMD)
$(O)/module/hosts/sendmail/%.o: INC = -I$(I)/sendmail
$(O)/module/hosts/php/%.o: INC = -I$(I)/php \
	$(patsubst -I%,-isystem %,$(PHP_INCLUDES))
$(O)/module/hosts/php/%.o: DEFINES = -DCOMPILE_DL_TILLPOST -D_GNU_SOURCE \
	-DTILLPOST_SENDMAIL_PATH='"$(BINDIR)/tillpost-sendmail"'
$(O)/module/hosts/example/%.o: INC = -I$(I)/example
$(O)/config/%.o: INC = -I$(I)/core
$(O)/tests/%.o: INC = -Imodule -Imodule/hosts -Iinclude -Itests \
	-DTP_TEST_ALLOC
$(O)/tests/abi/%.o: INC = -Iinclude -Itests
$(O)/tests/integration/%.o: INC = -Iinclude -Itests

$(O)/module/api/%.o: PLACES = -DTILLPOST_VERSION='"$(VERSION)"'
$(O)/module/hosts/%.o: PLACES = -DTILLPOST_VERSION='"$(VERSION)"' \
	-DTILLPOST_PLUGIN_PATH='"$(LIBDIR)/tillpost/tillpost.so"'

COMPILE = $(CC) $(DEFINES) $(CFLAGS) $(if $(WERROR),-Werror) $(INC) \
	$(PLACES) -MMD -MP -c -o $@ $<

$(O)/%.o: %.c $(B)/flags | $(I)/made build/libraries-found
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(COMPILE)

# The allocator with a way to make allocation n fail, for test programs.
$(O)/test_alloc/mem.o: module/base/mem.c $(B)/flags | $(I)/made
	@mkdir -p $(@D)
	$(say) CC "$< (failing on demand)"
	$(Q)$(COMPILE)
$(O)/test_alloc/%.o: INC = -I$(I)/base -DTP_TEST_ALLOC

# -- archives: an old one is removed, so that no member outlives its source

$(B)/lib/libtillpost_test.a: $(filter-out %/base/mem.o,$(LIB_OBJ)) \
		$(O)/test_alloc/mem.o
$(B)/lib/libhelpers.a: $(call objects,$(HELPER_SRC))
# With the parts of tillpost-sendmail, and those of the command that meet
# neither plugin nor network, for the tests.
CLI_PURE = $(patsubst %,module/hosts/cli/%.c, \
	conf_text mail_records probe_banner provider_hints sendmail_path \
	setup_text)
$(B)/lib/libhost.a: $(call objects,$(COMMON_SRC) $(CLI_PURE) \
	$(wildcard module/hosts/cli/import/*.c) \
	$(filter-out %/main.c,$(SENDMAIL_SRC)))

$(B)/lib/%.a:
	@mkdir -p $(@D)
	$(say) AR $@
	@rm -f $@
	$(Q)ar rcs $@ $^

# -- plugin and programs

# The loader refuses a plugin that others could replace, hence the chmod.
$(B)/tillpost.so: $(LIB_OBJ) $(API_OBJ) module/api/tillpost.map
	$(say) LINK $@
	$(Q)$(CC) -shared -o $@ $(LIB_OBJ) $(API_OBJ) $(LDFLAGS) \
		$(PLUGIN_LDFLAGS) -Wl,--version-script=module/api/tillpost.map \
		-Wl,-z,nodelete $(LIBS)
	@chmod go-w $@ $(@D)

LINK = $(CC) -pie -o $@ $(filter %.o %.a,$^) $(LDFLAGS)

$(B)/bin/tillpost: $(call objects,$(CLI_SRC) $(COMMON_SRC))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) -ldl -lpthread -ljansson -lresolv -lcrypto

$(B)/bin/tillpostd: $(call objects,$(DAEMON_SRC) $(COMMON_SRC))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) -ldl -lpthread $(if $(HAVE_SYSTEMD),-lsystemd)

$(B)/bin/tillpost-sendmail: $(call objects,$(SENDMAIL_SRC) $(COMMON_SRC))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) -ldl

# PHP's own symbols are found when PHP loads the extension.
$(B)/php/tillpost.so: $(call objects,$(PHP_SRC)) $(B)/lib/libhost.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) -shared -o $@ $^ $(LDFLAGS) -ldl

$(B)/bin/example-host: $(call objects,$(EXAMPLE_SRC))
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) -ldl

$(B)/bin/gen-docs: $(call objects,$(GEN_DOCS_SRC)) $(B)/lib/libtillpost_test.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) $(LIBS)

# -- test programs

ARCHIVES = $(B)/lib/libhelpers.a $(B)/lib/libhost.a $(B)/lib/libtillpost_test.a

$(UNIT): $(B)/%: $(O)/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) -lcmocka $(LIBS) -ldl

$(ARCHIVE_TESTS): $(B)/%: $(O)/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) -lcmocka $(LIBS) $(TEST_LIBS) -ldl

# quick.sh compares with a plain libcurl loop.
$(T)/bench/%: TEST_LIBS = -lcurl

$(HOST_TESTS): $(B)/%: $(O)/%.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) -ldl -lpthread

$(REPLAY): $(T)/fuzz/%_replay: $(O)/tests/fuzz/%_fuzz.o \
		$(O)/tests/fuzz/replay.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) $(LIBS)

$(FUZZ): $(B)/%: $(O)/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(LINK) -fsanitize=fuzzer $(LIBS)

# -- helpers of the build

# A change of compiler or flags rebuilds; WERROR alone does not.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(DEFINES) $(CFLAGS) $(LDFLAGS) $(LIBDIR) \
		$(VERSION)' >$@.new
	@cmp -s $@.new $@ || cp $@.new $@
	@rm -f $@.new

$(I)/made: Makefile
	@rm -rf $(I)
	@for layer in base core adapters api common cli daemon sendmail php \
			example; do \
		mkdir -p $(I)/$$layer; \
	done
	@for layer in base core adapters api; do \
		ln -s ../../../module/base $(I)/$$layer/base; \
	done
	@for layer in core adapters api; do \
		ln -s ../../../module/core $(I)/$$layer/core; \
	done
	@for layer in adapters api; do \
		ln -s ../../../module/adapters $(I)/$$layer/adapters; \
	done
	@ln -s ../../../module/api $(I)/api/api
	@for layer in api common cli daemon sendmail php example; do \
		ln -s ../../../include/tillpost $(I)/$$layer/tillpost; \
	done
	@for host in common cli daemon sendmail php; do \
		ln -s ../../../module/hosts/common $(I)/$$host/common; \
	done
	@for host in cli daemon sendmail php; do \
		ln -s ../../../module/hosts/$$host $(I)/$$host/$$host; \
	done
	@ln -s ../../../module/hosts/example $(I)/example/example
	@touch $@

build/libraries-found:
	@mkdir -p $(@D)
	@missing=; for header in $(LIB_HEADERS); do \
		echo "#include <$$header>" | $(CC) -E - >/dev/null 2>&1 || \
			missing="$$missing $$header"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "tillpost: headers of libraries are missing:$$missing" >&2; \
		echo "To install the Debian packages, run:" >&2; \
		echo "    packaging/deps.sh build" >&2; \
		exit 1; \
	fi
	@touch $@

# build/bin and build/tillpost.so, for people and scripts
$(B)/links:
	@mkdir -p $(@D)
ifeq ($(VARIANT),default)
	@ln -sfn default/bin build/bin
	@ln -sfn default/php build/php
	@ln -sfn default/tillpost.so build/tillpost.so
endif
	@touch $@

FORCE:
.PHONY: FORCE

-include $(shell find $(O) -name '*.d' 2>/dev/null)

include packaging/make/check.mk
include packaging/make/install.mk
include packaging/make/package.mk
