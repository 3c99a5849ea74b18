# scratch.sh - a place to try the PHP extension in, to be sourced
#
# JOB     Sets $scratch with a private spool ($scratch/spool), a folder for the
#         recorder ($TP_RECORD) and a link to it that has the name of a
#         sendmail program, $sendmail. php_ini prints the settings that the
#         extension needs. Everything goes away at the end.
# SPDX-License-Identifier: MIT

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${TP_BUILD:-$root/build/default}
plugin=${TILLPOST_PLUGIN:-$build/tillpost.so}
extension=$build/php/tillpost.so
php=${PHP:-php}
php_config=${PHP_CONFIG:-php-config}

die()
{
	echo "$(basename "$0"): $*" >&2
	exit 1
}

for file in "$plugin" "$extension" "$build/bin/tillpost-sendmail"; do
	[ -f "$file" ] || die "$file is not built"
done

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$scratch"
mkdir -p "$scratch/spool/incoming" "$scratch/record"
chmod 3733 "$scratch/spool/incoming"
sendmail=$scratch/sendmail-recorder
ln -s "$root/tests/harness/php/recorder.sh" "$sendmail"
TP_RECORD=$scratch/record
TP_SPOOL=$scratch/spool
export TP_RECORD TP_SPOOL
unset TILLPOST_PLUGIN TILLPOST_STORE TILLPOST_SPOOL TILLPOST_CONFIG

# The extensions that are files of their own here
php_extensions()
{
	for name in "$@"; do
		"$php" -n -m | grep -qx "$name" ||
			printf 'extension=%s\n' "$name"
	done
}

# Settings of the extension, which is loaded first: mbstring is found anyway.
php_ini()
{
	printf 'extension=%s\n' "$extension"
	php_extensions mbstring
	printf 'tillpost.config=%s\n' "$scratch/tillpost.conf"
	printf 'tillpost.plugin=%s\n' "$plugin"
	printf 'tillpost.spool=%s\n' "$TP_SPOOL"
	printf 'tillpost.sendmail=%s\n' "$build/bin/tillpost-sendmail"
}
