#!/bin/sh
# selftest.sh - every lint can fail
#
# JOB     Builds a small tree that all lints accept, then plants one violation
#         after the other and expects the lint to name it.
# SPDX-License-Identifier: MIT

set -u
lint=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$lint/../.." && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0

# c_file FILE: standard input with a proper head
c_file()
{
	mkdir -p "$(dirname "$1")"
	{
		printf '/*\n * %s - a file of the self test\n *\n' \
			"$(basename "$1")"
		printf ' * JOB     Something.\n'
		printf ' * SPDX-License-Identifier: MIT\n */\n'
		cat
	} >"$1"
}

# A tree without fault
plain()
{
	rm -rf "${scratch:?}"/* "$scratch/.ci"
	mkdir -p module include/tillpost config tests/lint packaging/man .ci \
		bin
	cp "$root/include/tillpost/abi.h" include/tillpost/
	cp "$root/.clang-format" .
	# This is no test of the format of the copy.
	clang-format-14 -i include/tillpost/abi.h
	printf '# Makefile - nothing\n# SPDX-License-Identifier: MIT\n' \
		>Makefile
	printf '#!/bin/sh\n# run - nothing\n# SPDX-License-Identifier: MIT\n' \
		>.ci/run
	c_file module/base/a.h </dev/null
	c_file module/core/b.c <<'END'
#include "base/a.h"

#include <string.h>

/* strcpy(a, b); */
int tp_b(const char *text);

int tp_b(const char *text)
{
	return strlen(text) > 0 ? 0 : -1; // system("x")
}
END
	c_file module/hosts/cli/main.c <<'END'
#include <tillpost/abi.h>

#include <stdlib.h>

int main(void)
{
	exit(0);
}
END
	c_file module/adapters/c.c <<'END'
#include "core/d.h"

#include <sqlite3.h>

static const char text[] = "SELECT id FROM t WHERE id = ?1; sprintf(";
END
	cat >packaging/man/x.1 <<-'END'
	.Dd January 1, 2024
	.Dt X 1
	.Os
	.Sh NAME
	.Nm x
	.Nd nothing
	END
	# The generator of this tree
	cat >bin/gen-docs <<-'END'
	#!/bin/sh
	echo "document $1"
	END
	chmod +x bin/gen-docs
	echo 'document example' >config/tillpost.conf.example
	echo 'document man' >packaging/man/tillpost.conf.5
}

# expect LINT TEXT: it fails now and says TEXT
expect()
{
	if out=$(TP_BUILD=$scratch "$lint/$1" "$scratch" 2>&1); then
		echo "$1 did not see: $2"
		failures=$((failures + 1))
	elif ! printf '%s\n' "$out" | grep -qF -- "$2"; then
		echo "$1 failed without saying \"$2\":"
		printf '%s\n' "$out"
		failures=$((failures + 1))
	fi
	plain
}

# planted FILE LINT TEXT: the lint rejects standard input in FILE
planted()
{
	c_file "$1"
	expect "$2" "$3"
}

# -- without a violation all pass

plain
for script in "$lint"/*.sh; do
	name=$(basename "$script")
	[ "$name" != selftest.sh ] || continue
	# The small tree has a page that is no page.
	[ "$name" != manpages.sh ] || rm packaging/man/tillpost.conf.5
	if ! out=$(TP_BUILD=$scratch "$script" "$scratch" 2>&1); then
		echo "$name fails without a violation:"
		printf '%s\n' "$out"
		failures=$((failures + 1))
	fi
	plain
done

# -- layers

planted module/core/x.c layers.sh 'core may not include "adapters/c.h"' <<END
#include "adapters/c.h"
END
planted module/base/x.c layers.sh 'base may not include "core/b.h"' <<END
#include "core/b.h"
END
planted module/core/x.c layers.sh 'relative include' <<END
#include "../adapters/c.h"
END
planted module/core/x.c layers.sh 'core has no sockets and files' <<END
#include <sys/socket.h>
END
planted module/core/x.c layers.sh 'core may not use a library' <<END
#include <jansson.h>
END
planted module/core/x.c layers.sh 'core may not include <tillpost/abi.h>' <<END
#include <tillpost/abi.h>
END
planted module/adapters/x.c layers.sh 'more than one library' <<END
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <sqlite3.h>
END
c_file module/adapters/y.h <<END
#include <sqlite3.h>
END
planted module/adapters/x.c layers.sh 'more than one library' <<END
#include "adapters/y.h"
#include <jansson.h>
END
planted module/hosts/example/x.c layers.sh 'example may not include "core/b.h"' \
	<<END
#include "core/b.h"
END
planted module/hosts/cli/x.c layers.sh 'only <tillpost/abi.h>' <<END
#include <tillpost/other.h>
END
planted module/hosts/cli/x.c layers.sh 'cli may not use a library' <<END
#include <openssl/evp.h>
END
planted module/other/x.c layers.sh 'unknown layer' </dev/null

# -- banned calls

for call in 'strcpy(a, b)' 'strcat(a, b)' 'sprintf(a, b)' 'vsprintf(a, b, c)' \
	'atoi(a)' 'atol(a)' 'strtok(a, b)' 'gmtime(&t)' 'localtime(&t)' \
	'strerror(e)' 'system(a)' 'popen(a, b)'; do
	planted module/hosts/cli/x.c banned.sh "${call%%(*}():" <<-END
	int f(void) { return $call; }
	END
done
for call in 'exit(1)' '_exit(1)' 'abort()' 'malloc(1)' 'calloc(1, 1)' \
	'free(a)' 'realloc(a, 1)' 'strdup(a)' 'sqlite3_mprintf(a)'; do
	planted module/core/x.c banned.sh "${call%%(*}():" <<-END
	int f(void) { return $call; }
	END
done
planted module/adapters/x.c banned.sh 'SQL by formatting' <<'END'
static const char *s = "SELECT id FROM t WHERE id = %d";
END

# -- the rest

rm -f module/core/b.c
mkdir -p module/core
printf 'int tp_x;\n' >module/core/x.c
expect headers.sh 'module/core/x.c: does not begin'
printf '/*\n * x.c - a file\n */\n' >module/core/x.c
expect headers.sh 'module/core/x.c: no SPDX line'
mkdir -p module/core
printf '/*\n * x.h - f\n * SPDX-License-Identifier: MIT\n */\n' >module/core/x.h
expect headers.sh 'module/core/x.h: the first comment has no JOB'
printf '#!/bin/sh\necho\n' >tests/lint/x.sh
expect headers.sh 'tests/lint/x.sh: has no line'

# function NAME LINES TYPE
function_of()
{
	printf 'int %s(void)\n{\n' "$1"
	i=0
	while [ $i -lt "$2" ]; do
		printf '\ttp_step();\n'
		i=$((i + 1))
	done
	printf '}\n'
}
function_of too_long 81 | planted module/core/x.c size.sh \
	'too_long() has 81 lines'
function_of excepted 81 | c_file module/core/x.c
echo 'module/core/x.c excepted a reason' >tests/lint/size_exceptions.txt
function_of too_long 81 | planted module/core/y.c size.sh \
	'too_long() has 81 lines'
# What is allowed must not be named: 80 lines, and an exception with a reason.
function_of allowed 80 | c_file module/core/x.c
function_of excepted 81 | c_file module/core/y.c
echo 'module/core/y.c excepted a reason' >tests/lint/size_exceptions.txt
if ! "$lint/size.sh" "$scratch" >/dev/null; then
	echo "size.sh refuses 80 lines or an exception"
	failures=$((failures + 1))
fi
plain

planted module/core/x.c format.sh 'module/core/x.c' <<END
int   tp_x( void );
END

sed -i 's/^struct tillpost_error {/& uint8_t odd;/' include/tillpost/abi.h
expect publicheader.sh 'include/tillpost/abi.h: fails with: gcc -std=c99'
sed -i 's/^struct tillpost_error {/& uint32_t class;/' include/tillpost/abi.h
expect publicheader.sh 'include/tillpost/abi.h: fails with: gcc -std=c++17'

printf '.Sh NAME\n.Xx\n' >packaging/man/x.1
expect manpages.sh 'x.1'
printf '.Sh NAME\n.Xx\n' >packaging/man/x.8
expect manpages.sh 'x.8'

echo 'see /home/somebody/notes' >config/x.txt
expect paths.sh 'config/x.txt:1'

echo 'document of last week' >config/tillpost.conf.example
expect docs.sh 'config/tillpost.conf.example: out of date'
echo 'document of last week' >packaging/man/tillpost.conf.5
expect docs.sh 'packaging/man/tillpost.conf.5: out of date'

[ $failures -eq 0 ]
