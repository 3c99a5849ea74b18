#!/bin/sh
# layers.sh - who may include what
#
# JOB     layers.sh [ROOT]
#           base      base; libc
#           core      base, core; libc without sockets and files
#           adapters  base, core, adapters; libc, and per file, the headers of
#                     its own folder counted in, one outside library at most
#           api       base, core, adapters, api, <tillpost/abi.h>; libc
#           hosts     common, their own folder, <tillpost/abi.h>; libc, and
#                     jansson in cli (and libcrypto in one file of it),
#                     libsystemd in daemon, PHP in php
#         The include paths of the Makefile catch the same for our own headers;
#         this one also sees outside headers and "../" paths.
# SPDX-License-Identifier: MIT

set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

find module -name '*.[ch]' | sort | awk '
BEGIN {
	# Headers of C11 and POSIX; everything else is a library.
	count = split("assert ctype dirent dlfcn errno fcntl float getopt " \
		"inttypes limits link locale math netdb poll pthread pwd grp " \
		"sched semaphore setjmp signal spawn stdalign stdarg " \
		"stdatomic stdbool stddef stdint stdio stdlib stdnoreturn " \
		"string strings sysexits syslog termios threads time uchar " \
		"unistd wchar wctype endian fnmatch glob regex resolv", names, " ")
	for (i = 1; i <= count; i++)
		libc[names[i] ".h"] = 1
	count = split("arpa/ net/ netinet/ sys/ linux/", libc_folders, " ")

	# What core may not touch: sockets, files, processes, programs.
	outside_core = "^(netdb|fcntl|unistd|poll|dirent|dlfcn|spawn|termios" \
		"|glob|syslog)[.]h$|^(arpa|net|netinet|sys|linux)/"

	own["base"] = "base"
	own["core"] = "base core"
	own["adapters"] = "base core adapters"
	own["api"] = "base core adapters api"
	own["common"] = "common"
	own["cli"] = "common cli"
	own["daemon"] = "common daemon"
	own["sendmail"] = "common sendmail"
	own["php"] = "common php"
	own["example"] = "example"
}

function is_libc(header,  i)
{
	for (i in libc_folders)
		if (index(header, libc_folders[i]) == 1)
			return 1
	return header in libc
}

# The one library that a host is for or lives by.
function host_library(header)
{
	# One file of tillpost import opens what FluentSMTP has encrypted.
	if (file == "module/hosts/cli/import/import_fluent_cipher.c")
		return header == "openssl/evp.h"
	return layer == "cli" && header == "jansson.h" ||
		layer == "daemon" && header ~ /^systemd\// ||
		layer == "php" && header ~ /^(php|SAPI|TSRM|Zend|ext|main|zend)/
}

# openssl/ssl.h -> openssl, sqlite3.h -> sqlite3
function library(header)
{
	sub(/[\/.].*/, "", header)
	return header
}

function complain(text)
{
	print file ":" line ": " text
	bad = 1
}

function own_header(header,  part, allowed, i, count)
{
	if (header ~ /\.\.\//) {
		complain("relative include \"" header "\"")
		return
	}
	if (header !~ /\//)
		return # in the same folder
	part = header
	sub(/\/.*/, "", part)
	count = split(own[layer], allowed, " ")
	for (i = 1; i <= count; i++)
		if (allowed[i] == part)
			return
	complain(layer " may not include \"" header "\"")
}

function outside_header(header)
{
	if (header ~ /^tillpost\//) {
		if (layer != "api" && !host)
			complain(layer " may not include <" header ">")
		else if (host && header != "tillpost/abi.h")
			complain("a host may include only <tillpost/abi.h>")
	} else if (is_libc(header)) {
		if (layer == "core" && header ~ outside_core)
			complain("core has no sockets and files: <" header ">")
	} else if (layer == "adapters") {
		uses[file] = uses[file] " " library(header)
	} else if (!host_library(header)) {
		complain(layer " may not use a library: <" header ">")
	}
}

# All libraries that FILE sees, through headers of adapters too.
function collect(file,  i, count, parts)
{
	if (file in visited)
		return
	visited[file] = 1
	count = split(uses[file], parts, " ")
	for (i = 1; i <= count; i++)
		seen[parts[i]] = 1
	count = split(includes[file], parts, " ")
	for (i = 1; i <= count; i++)
		collect("module/" parts[i])
}

{
	file = $0
	layer = $0
	host = sub(/^module\/hosts\//, "", layer)
	sub(/^module\//, "", layer)
	sub(/\/.*/, "", layer)
	if (!(layer in own)) {
		line = 0
		complain("unknown layer: add it to layers.sh")
		next
	}
	line = 0
	while ((getline text < file) > 0) {
		line++
		if (text !~ /^[ \t]*#[ \t]*include/)
			continue
		header = text
		sub(/^[^"<]*["<]/, "", header)
		sub(/[">].*/, "", header)
		if (text ~ /</) {
			outside_header(header)
		} else {
			own_header(header)
			if (header ~ /^adapters\//)
				includes[file] = includes[file] " " header
			else if (header !~ /\//)
				includes[file] = includes[file] " " layer "/" header
		}
	}
	close(file)
	if (layer == "adapters")
		adapters[file] = 1
}

END {
	for (file in adapters) {
		split("", visited)
		split("", seen)
		collect(file)
		met = ""
		n = 0
		for (name in seen) {
			met = met " " name
			n++
		}
		if (n > 1) {
			print file ": meets more than one library:" met
			bad = 1
		}
	}
	exit bad
}
'
