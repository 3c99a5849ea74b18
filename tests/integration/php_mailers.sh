#!/bin/sh
# php_mailers.sh - PHP's mail libraries, through the extension and without it
#
# JOB     PHPMailer, Symfony Mailer and Swift Mailer as Debian packs them, each
#         with every way to sendmail that it knows (mail(), popen, proc_open;
#         -t, -bs, recipients as arguments), each
#           extension  with the commands that the libraries have built in:
#                      /usr/sbin/sendmail, which the extension replaces
#           command    without the extension: sendmail_path and commands name
#                      tillpost-sendmail
#         and each with a small body that has dots where they hurt, and with
#         one of 70 KB. All arrive at a real relay (STARTTLS, AUTH): text,
#         subject and sender as given, envelope right, Bcc nowhere.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034 # HARNESS

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
HARNESS=$root/tests/harness
# shellcheck source=tests/harness/installed.sh
. "$HARNESS/installed.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/tpp.XXXXXX") || exit 1
count=0

clean_up()
{
	installed_stop
	"$HARNESS/relays.sh" stop "$work/r"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail()
{
	echo "FAILED: $*"
	[ ! -s "$work/out" ] || cat "$work/out"
	[ ! -s "$work/php.log" ] || tail -n 5 "$work/php.log"
	installed_show_log 2>&1
	exit 1
}

web=$(id -u www-data 2>/dev/null || echo 33)
[ "$(id -u)" -eq 0 ] || web=$(id -u)
chmod 711 "$work"
installed_prepare "$work" || exit 1
"$HARNESS/relays.sh" start "$work/r" || exit 1
. "$work/r/relays.env"

installed_secret one "$A_PASS1"
cat >"$TP_CONFIG" <<END
queue = { path = "$TP_STATE/queue.db"; retry_base = "1s"; };
spool = { path = "$TP_SPOOL"; };
log = { path = "$TP_STATE/outcome.jsonl"; };
relays = { one = { host = "localhost"; port = $A_STARTTLS_PORT;
	tls = "starttls"; username = "$A_USER1";
	password_file = "$TP_SECRETS/one"; ca_file = "$CA_FILE"; }; };
stores = { default = { relays = ["one"]; }; };
END
chmod 644 "$TP_CONFIG"
installed_start || exit 1

# ---- bodies, with LF lines

printf 'Grüße,\n.\n..\n.x\n\nFrom here on\nQUIT\n\\. end\n' >"$work/small"
/usr/bin/python3 - "$work/large" <<'END'
import sys
line = "Artikel %05d für 12,50 € .\n"
with open(sys.argv[1], "w", encoding="utf-8") as out:
    number = 0
    while out.tell() < 70000:
        out.write(line % number)
        out.write(".\n" if number % 7 == 0 else "")
        number += 1
END

# ---- PHP's settings, the system's left out

{
	for name in ctype iconv mbstring posix tokenizer; do
		[ ! -e "$(php-config --extension-dir)/$name.so" ] ||
			echo "extension=$name.so"
	done
	# Deprecations of these libraries are not the matter here.
	echo "error_reporting=E_ALL & ~E_DEPRECATED"
	echo "display_errors=stderr"
} >"$work/plain.ini"
{
	cat "$work/plain.ini"
	echo "extension=$TP_EXTENSION"
	echo "tillpost.config=$TP_CONFIG"
	echo "tillpost.plugin=$TP_PLUGIN"
	echo "tillpost.spool=$TP_SPOOL"
	echo "tillpost.sendmail=$TP_BIN/tillpost-sendmail"
} >"$work/extension.ini"
{
	cat "$work/plain.ini"
	echo "sendmail_path = \"$TP_BIN/tillpost-sendmail -t -i\""
} >"$work/command.ini"

# the_way INI COMMAND...: as the web user, with its environment
the_way()
{
	ini=$1
	shift
	installed_as "$web" env -i PATH=/usr/bin:/bin \
		TILLPOST_CONFIG="$TP_CONFIG" TILLPOST_PLUGIN="$TP_PLUGIN" \
		TILLPOST_SPOOL="$TP_SPOOL" PHP_INI_SCAN_DIR='' \
		php -c "$work/$ini.ini" "$@"
}

# mailer WAY LIBRARY TRANSPORT SENDER
mailer()
{
	for body in small large; do
		count=$((count + 1))
		subject="Bestellung $count für Käthe"
		the_way "$1" "$root/tests/integration/php_mailers.php" "$2" \
			"$3" "$subject" "$work/$body" >"$work/out" 2>&1 ||
			fail "$1: $2 $3 ($body)"
		[ ! -s "$work/out" ] || fail "$1: $2 $3 ($body): says something"
		"$HARNESS/arrived.py" "$work/r/a/store" \
			--subject "$subject" --user "$A_USER1" --sender "$4" \
			--recipients \
			kunde@example.org,copy@example.org,hidden@example.org \
			--header 'From=^Geschäft <shop@example.com>$' \
			--header 'To=^Käthe Kunde <kunde@example.org>$' \
			--header 'Cc=^copy@example.org$' \
			--header "Subject=^$subject\$" \
			--lacks '^bcc:' --lacks hidden@ --lacks x-tillpost \
			--body-sha256 "$(sha256sum "$work/$body" | cut -c 1-64)" \
			--rest 0 >"$work/out" || fail "$1: $2 $3 ($body)"
	done
	echo "ok: $1: $2 $3"
}

bounce=bounce@example.com
for way in extension command; do
	program=/usr/sbin/sendmail
	[ $way = extension ] || program=$TP_BIN/tillpost-sendmail
	mailer $way phpmailer mail $bounce
	mailer $way phpmailer sendmail $bounce
	mailer $way phpmailer "sendmail:$program" $bounce
	mailer $way symfony native://default $bounce
	mailer $way symfony "sendmail://default?command=$program%20-t%20-i" \
		$bounce
	mailer $way symfony "sendmail://default?command=$program%20-bs" $bounce
	[ $way = command ] || mailer $way symfony sendmail://default $bounce
	mailer $way swift "$program -bs" $bounce
	mailer $way swift "$program -t -i" $bounce
	mailer $way swift "$program -oi -t" $bounce
done

installed_stop || fail "the daemon does not stop"
echo "$count mails arrived, each once and as it was given"
