#!/bin/sh
# submit.sh - what handing over one mail costs a storefront, each way
#
# JOB     make bench-submit. In one run and on one disk: PHP's mail() through
#         the extension, through tillpost-sendmail, through Postfix's sendmail,
#         through msmtp; PHPMailer over one SMTP connection. Postfix and
#         tillpost accept durably and deliver nothing here (neither daemon
#         runs); msmtp and PHPMailer speak to a sink that stores nothing, once
#         with the delayed acknowledgements that most servers have and once
#         without. "disk" is one durable file by plain system calls.
#         One process: median and p99.9 of one call. Eight processes: the same
#         and messages per second. Only ratios mean anything.
#         COUNT=N calls of a fast way in one process; SIZES="2048 51200"
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build/default}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/tps.XXXXXX") || exit 1
sinks=

clean_up()
{
	for sink in $sinks; do
		kill "$sink" 2>/dev/null
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# start_sink NAME [OPTION]...: its port goes to $work/NAME
start_sink()
{
	name=$1
	shift
	"$build/tests/bench/sink" --port 0 "$@" >"$work/$name" &
	sinks="$sinks $!"
	waited=0
	until [ -s "$work/$name" ] || [ $waited -ge 100 ]; do
		sleep 0.05
		waited=$((waited + 1))
	done
}

# A Postfix of our own that only accepts: sendmail and postdrop.
write_postfix()
{
	mkdir -p "$work/postfix/etc" "$work/postfix/queue" "$work/postfix/data"
	cat >"$work/postfix/etc/main.cf" <<-END
	compatibility_level = 3.6
	queue_directory = $work/postfix/queue
	data_directory = $work/postfix/data
	mail_owner = postfix
	setgid_group = postdrop
	myhostname = bench.test
	inet_interfaces = 127.0.0.1
	maillog_file = $work/postfix/mail.log
	maillog_file_prefixes = $work
	END
	: >"$work/postfix/etc/master.cf"
	chown postfix "$work/postfix/data"
	chmod 755 "$work" "$work/postfix"
	postfix -c "$work/postfix/etc" set-permissions >/dev/null 2>&1
	postfix -c "$work/postfix/etc" check >/dev/null 2>&1
}

write_tillpost()
{
	mkdir -m 755 "$work/spool"
	mkdir "$work/spool/incoming"
	chmod 3733 "$work/spool/incoming"
	cat >"$work/tillpost.conf" <<-END
	queue = { path = "$work/queue.db"; };
	spool = { path = "$work/spool"; };
	relays = { none = { host = "127.0.0.1"; port = 9; tls = "none";
	                    auth = "none"; }; };
	stores = { default = { relays = ["none"];
	                       from = "orders@shop.example"; }; };
	END
	chmod 644 "$work/tillpost.conf"
}

[ "$(id -u)" -eq 0 ] || { echo "submit.sh: Postfix wants root" >&2; exit 1; }
write_postfix
write_tillpost
start_sink plain --delayed-ack
start_sink quick
exec_path=$root/tests/bench/submit.py
/usr/bin/python3 "$exec_path" --build "$build" --work "$work" \
	--php "${PHP:-php}" --count "${COUNT:-3000}" --sizes "${SIZES:-2048 51200}"
