# operations_world.sh - a shop, its relay, machines; what has arrived
#
# JOB     A library for operations.sh, which has the procedures. It has the
#         directory $work, in which everything is; $build, $tests, $plugin;
#         and quick, the settings of a queue that waits for short times only.
#
#   world_prepare               in $work; chooses the port of the relay
#   machine NAME [QUEUE [LOGIN]]  ends the daemon of the one before; from now
#                               on everything is in $work/NAME
#   accept COUNT NAME           the shop hands mail over; queue id and
#                               Message-ID of each go to $work/NAME
#   queued COUNT NAME           and the daemon takes it in
#   relay_works [OPTION...], relay_out   the sink, which takes everything
#   arrived_once NAME           all mails of $work/NAME arrive; no mail has
#                               arrived twice, of whatever file
#   true_that WHAT COMMAND...   a check; in_time: within 20 s
#
# ERRORS  The first check that fails ends the script, with what was printed.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2153,SC2154

# shellcheck source=tests/harness/installed.sh
. "$HARNESS/installed.sh"
# shellcheck source=tests/harness/relays.sh
. "$HARNESS/relays.sh"
# shellcheck source=tests/harness/guide.sh
. "$HARNESS/guide.sh"

SHOP=61001 # the user whose programs send
relay_pid=
checks=0

world_prepare()
{
	chmod 711 "$work"
	guide_prepare "$work/tools"
	cd "$work" || exit 1
	: >received
	install -m 755 "$tests/integration/spool_load" tools/ || exit 1
	port=$("$PYTHON" "$HARNESS/ports.py" choose 1)
}

fail()
{
	echo "FAILED: $*"
	tail -n 20 "$GUIDE_OUT" "$GUIDE_ERR"
	installed_show_log 2>&1
	exit 1
}

# true_that WHAT COMMAND...
true_that()
{
	what=$1
	shift
	checks=$((checks + 1))
	"$@" >>"$GUIDE_OUT" 2>>"$GUIDE_ERR" || fail "not true: $what"
}

# in_time WHAT COMMAND...
in_time()
{
	what=$1 waited=0
	shift
	checks=$((checks + 1))
	until "$@" >>"$GUIDE_OUT" 2>>"$GUIDE_ERR"; do
		[ $waited -lt 200 ] || fail "after 20 s still not true: $what"
		sleep 0.1
		waited=$((waited + 1))
	done
}

not() { ! "$@"; }
count() { wc -l <"$work/$1"; }
at_least() { [ "$(count "$2")" -ge "$1" ]; }
prints() { grep -q -- "$1" "$GUIDE_OUT"; }
logs() { grep "\"event\":\"$1\"" "$TP_LOG" | grep -q "${2:-}"; }
is() { [ "$(stat -c %a:%u "$2")" = "$1:$TP_UID" ]; }
stops() { true_that "the daemon stops" installed_stop; }
starts() { true_that "the daemon starts" installed_start; }

# machine NAME [QUEUE_SETTINGS [LOGIN]]: everything is there from now on
machine()
{
	stops
	mkdir -p "$work/$1"
	TILLPOST_PLUGIN=$plugin
	installed_prepare "$work/$1" || exit 1
	TP_LOGS=$work/$1/log
	installed_directory 750 "$TP_LOGS"
	chown "$TP_UID:$TP_UID" "$work/$1/etc"
	guide_runs "Operating tillpost" T=
	[ ! -e "$TP_CONFIG" ] || return 0
	login="username = \"shop\"; password_file = \"$TP_SECRETS/ses\";"
	cat >"$TP_CONFIG" <<-END
	queue = { path = "$TP_STATE/queue.db"; ${2:-$quick} };
	spool = { path = "$TP_SPOOL"; };
	log = { path = "$TP_LOGS/outcome.jsonl"; };
	relays = { ses = { host = "127.0.0.1"; port = $port; tls = "none";
	    allow_plaintext_auth = true; ${3-$login} }; };
	stores = { default = { relays = ["ses"]; from = "shop@example.com";
	    users = ["$SHOP"]; }; };
	END
	chown "$TP_UID" "$TP_CONFIG"
	installed_secret ses old-password
}

# accept COUNT NAME: the shop hands mail over; ids and Message-IDs to $work/NAME
accept()
{
	installed_as $SHOP "$work/tools/spool_load" -c "$TP_CONFIG" \
		-n "$1" -b 1000 >>"$work/$2" 2>>"$GUIDE_ERR" ||
		fail "the spool refuses mail"
}

# queued COUNT NAME: and the daemon takes it in
queued()
{
	accept "$1" "$2"
	true_that "mail is taken in" installed_wait_empty 0
}

relay_works()
{
	"$tests/bench/sink" --port "$port" --auth --log "$work/received" \
		"$@" >>"$work/sink" 2>&1 &
	relay_pid=$!
	true_that "the relay works" "$PYTHON" "$HARNESS/ports.py" wait "$port"
}

relay_out()
{
	[ -z "$relay_pid" ] || { kill "$relay_pid" && wait "$relay_pid"; }
	relay_pid=
}

# The Message-ID of each mail that a relay took, as often as it did
received()
{
	cut -f 6 "$work/received"
	cat "$work"/strict/store/*.eml 2>/dev/null | tr -d '\r' |
		sed -n 's/^Message-ID: //p'
}

# Nothing waits in any way: what step 2 of moving looks for
drained()
{
	tillpost status | awk '
	/^(waiting|active|held|spooled|refused) / { sum += $2; seen++ }
	END { exit sum > 0 || seen < 4 }'
}

# arrived_once NAME: all mails of this file have arrived, and no mail twice
arrived_once()
{
	in_time "nothing waits" drained
	received | sort >"$work/ids"
	twice=$(uniq -d "$work/ids" | wc -l)
	missing=$(cut -d ' ' -f 2 "$work/$1" | sort | comm -23 - "$work/ids" |
		wc -l)
	true_that "all come once ($missing of $(count "$1") do not, $twice twice)" \
		[ "$missing $twice" = "0 0" ]
}

# The test command does not see what a running daemon sends for it: it ends with
# 75 then.
test_mail_sent()
{
	tillpost log --to you@example.com --verdict sent --json | grep -q .
}
