# variants.mk - what a variant of the build changes
# SPDX-License-Identifier: MIT

# Undefined symbols in the plugin are an error, except under a sanitizer whose
# functions are in the program that loads it.
PLUGIN_LDFLAGS = -Wl,-z,defs

# A sanitizer does not work well with fortified functions and wants frames.
ifneq ($(filter asan ubsan tsan fuzz,$(VARIANT)),)
OPTIMISE = -O1 -g -fno-omit-frame-pointer
HARDEN =
PLUGIN_LDFLAGS =
endif

ifeq ($(VARIANT),asan)
SANITIZE = -fsanitize=address
endif
ifeq ($(VARIANT),ubsan)
SANITIZE = -fsanitize=undefined -fno-sanitize-recover=all
endif
ifeq ($(VARIANT),tsan)
SANITIZE = -fsanitize=thread
endif
ifeq ($(VARIANT),fuzz)
CC = clang-14
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fsanitize=fuzzer-no-link
endif
