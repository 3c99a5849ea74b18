#!/bin/sh
# demo.sh - the main job, on real parts, in under a minute
#
# JOB     Starts two real relays with two accounts and a private authority;
#         the example host loads tillpost.so and sends real order mails of two
#         stores; a table tells what the relays saw. Then one relay stops, a
#         mail is accepted all the same, the relay comes back, the mail
#         arrives. Then PHP's mail() and a cron job's sendmail hand mail over
#         while no daemon runs; tillpostd starts and delivers it. Exit status 1
#         if anything differs from what must be.
#         Needs no root: an ordinary user gets relays that need none.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
HARNESS=$root/tests/harness
export TILLPOST_PLUGIN="$build/tillpost.so"
work=$(mktemp -d "${TMPDIR:-/tmp}/tpd.XXXXXX") || exit 1

daemon=

clean_up()
{
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null
	"$HARNESS/relays.sh" stop "$work/r"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

say()
{
	printf '\n== %s\n' "$*"
}

fail()
{
	echo "demo: FAILED: $*"
	exit 1
}

# send STORE FILE...: with the example host, as a shop's own program would
send()
{
	store=$1
	shift
	"$build/bin/example-host" -c "$work/tillpost.conf" -s "$store" "$@" ||
		fail "the example host ended with $?"
}

# order NAME STORE RECIPIENT...: an order mail: UTF-8 subject and names, text
# and HTML, a PDF invoice
order()
{
	name=$1 store=$2
	shift 2
	for to in "$@"; do
		shift
		set -- "$@" --to "$to"
	done
	/usr/bin/python3 "$HARNESS/order_mail/order_mail.py" --lf \
		--store "$store" "$@" >"$work/$name.eml" || fail "no mail"
}

chmod 711 "$work"
say "Two relays start on loopback, with TLS and accounts of their own"
"$HARNESS/relays.sh" start "$work/r" || fail "the relays did not start"
. "$work/r/relays.env"
echo "relay a: $A_KIND, STARTTLS on port $A_STARTTLS_PORT, account $A_USER1"
echo "relay b: $B_KIND, implicit TLS on port $B_SMTPS_PORT, account $B_USER1"
[ "$A_KIND" = postfix ] ||
	echo "(relay a is aiosmtpd because Postfix needs root)"

umask 077
printf %s "$A_PASS1" >"$work/secret-a"
printf %s "$B_PASS1" >"$work/secret-b"
cat >"$work/tillpost.conf" <<END
queue = { path = "$work/queue.db"; retry_base = "1s"; };
spool = { path = "$work/spool"; };
log = { path = "$work/outcome.jsonl"; };
relays = {
  a = { host = "localhost"; port = $A_STARTTLS_PORT; tls = "starttls";
        username = "$A_USER1"; password_file = "$work/secret-a";
        ca_file = "$CA_FILE"; };
  b = { host = "localhost"; port = $B_SMTPS_PORT; tls = "implicit";
        username = "$B_USER1"; password_file = "$work/secret-b";
        ca_file = "$CA_FILE"; };
};
stores = {
  default = { relays = ["a"]; from = "shop@example.com"; };
  eu = { inherits = "default"; relays = ["b"]; from = "sales@eu.example.com"; };
};
END
"$build/bin/tillpost" -c "$work/tillpost.conf" check || fail "configuration"
order default default "anna.schmidt@example.test"
order eu eu "zoe.novak@example.test"
order two default "ben.weber@example.test" "nobody@example.test"
order outage default "carla.rossi@example.test"

say "The example host loads tillpost.so and sends order mails of two stores"
send default "$work/default.eml"
send eu "$work/eu.eml"
send default "$work/two.eml"

say "Relay a stops; a shop's mail is accepted all the same"
"$HARNESS/relays.sh" stop-one a "$work/r" || fail "relay a did not stop"
send default "$work/outage.eml"
"$build/bin/tillpost" -c "$work/tillpost.conf" queue list

say "Relay a is back; what waited goes out"
"$HARNESS/relays.sh" start-one a "$work/r" || fail "relay a did not start"
"$build/bin/tillpost" -c "$work/tillpost.conf" run --until-empty \
	--max-time 20s || fail "the queue was not emptied"
"$HARNESS/relays.sh" wait a 4 "$work/r" || fail "mail is missing at relay a"

say "PHP's mail() and a sendmail command, through the spool; no daemon runs yet"
mkdir -m 755 "$work/spool"
mkdir "$work/spool/incoming"
chmod 3733 "$work/spool/incoming"
php -n -d extension="$build/php/tillpost.so" \
	-d tillpost.plugin="$TILLPOST_PLUGIN" \
	-d tillpost.config="$work/tillpost.conf" \
	"$root/tests/demo/shop.php" || fail "mail() did not accept"
printf 'From: sales@eu.example.com\nTo: emil.cron@example.test\nSubject: %s\n\n%s\n' \
	"Stock report" "3 articles are running low." |
	TILLPOST_CONFIG="$work/tillpost.conf" \
		"$build/bin/tillpost-sendmail" --store=eu -t -i ||
	fail "tillpost-sendmail did not accept"
"$build/bin/tillpost" -c "$work/tillpost.conf" spool

say "tillpostd starts, takes the spool in, and delivers"
"$build/bin/tillpostd" -c "$work/tillpost.conf" --log text \
	2>"$work/daemon.log" &
daemon=$!
"$HARNESS/relays.sh" wait a 5 "$work/r" || fail "PHP's mail did not arrive"
"$HARNESS/relays.sh" wait b 2 "$work/r" || fail "cron's mail did not arrive"
kill "$daemon"
wait "$daemon" || fail "tillpostd ended with $?"
daemon=
cat "$work/daemon.log"

say "The log"
"$build/bin/tillpost" -c "$work/tillpost.conf" log

say "What the relays saw, joined with the log"
/usr/bin/python3 "$root/tests/demo/table.py" "$build" "$work" ||
	fail "the relays saw something else"
say "Everything was as it must be"
