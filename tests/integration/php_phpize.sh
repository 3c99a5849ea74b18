#!/bin/sh
# php_phpize.sh - the extension builds with phpize, as any PHP extension
#
# JOB     Copies what a source package has, runs phpize, configure and make,
#         and looks whether PHP loads the result with the plugin of this build
#         and whether it hands over a mail. Compiles the sources once more as
#         for a PHP with threads (ZTS), of which there is no package.
# SPDX-License-Identifier: MIT

set -u
. "$(dirname "$0")/../harness/php/scratch.sh"

mkdir -p "$scratch/tree/module" "$scratch/tree/include"
cp "$root/Makefile" "$scratch/tree/"
cp -r "$root/include/tillpost" "$scratch/tree/include/"
cp -r "$root/module/hosts" "$scratch/tree/module/"
cd "$scratch/tree/module/hosts/php" || exit 1

step()
{
	"$@" >"$scratch/out" 2>&1 && return
	tail -30 "$scratch/out"
	die "fails: $*"
}
step phpize
step ./configure --with-php-config="$(command -v "$php_config")" \
	--with-tillpost-plugin="$plugin"
step make -j2 -s
if grep -iE 'warning: ' "$scratch/out" | grep -v libtool; then
	die "make warns"
fi
extension=$PWD/modules/tillpost.so
# Such functions came within a version: the extension would load into some of
# its releases only.
if nm -D --undefined-only "$extension" | grep -E 'smart_str_|_f[a-z]*alloc'; then
	die "the extension needs functions that not all releases have"
fi
php_ini | grep -v '^tillpost.plugin' >"$scratch/php.ini"
id=$("$php" -n -c "$scratch/php.ini" -r \
	'echo mail("a@example.com", "S", "B") ? tillpost_last_id() : "";')
[ -n "$id" ] && [ -f "$TP_SPOOL/incoming/$id" ] ||
	die "the extension does not hand over a mail"

for file in *.c; do
	step "${CC:-gcc}" -DZTS=1 -DZEND_ENABLE_STATIC_TSRMLS_CACHE=1 \
		-DCOMPILE_DL_TILLPOST -D_GNU_SOURCE -std=c11 -Wall -Wextra \
		-Werror -fsyntax-only -I.. -I../../../include \
		$("$php_config" --includes | sed 's/-I/-isystem /g') "$file"
done
echo "built with phpize; $(ls ./*.c | wc -l) files compile with threads too"
