#!/bin/sh
# query_cli.sh - a shop's user asks the command what became of his mail
#
# JOB     The queue is the daemon's alone. log, status and queue show, run by
#         another user, ask the daemon, say so, and show what is his: the
#         stores that name him, and of other messages nothing.
# NEEDS   root, to be several users. They need not exist by name.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034 # HARNESS

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
HARNESS=$root/tests/harness
# shellcheck source=tests/harness/installed.sh
. "$HARNESS/installed.sh"
# shellcheck source=tests/harness/command.sh
. "$HARNESS/command.sh"
if [ "$(id -u)" -ne 0 ]; then
	echo "query_cli.sh: needs root, to be several users"
	exit 1
fi
red=61001 neither=61004
work=$(mktemp -d "${TMPDIR:-/tmp}/tpq.XXXXXX") || exit 1
trap 'installed_stop; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export TZ=UTC
input=$work/order

show_more() { installed_show_log 2>&1; }

# run CODE UID ARGUMENT...
run()
{
	wanted=$1 user=$2
	shift 2
	ran installed_as "$user" "$TP_BIN/tillpost" "$@" -c "$TP_CONFIG"
	[ $got -eq "$wanted" ] ||
		fail "$user: tillpost $*: exit code $got, not $wanted"
}

installed_prepare "$work" || exit 1
installed_secret red password-of-red
: >"$work/out"
: >"$work/err"
printf 'From: shop@example.com\nTo: k@example.org\nSubject: order\n\nThanks\n' \
	>"$work/order"
cat >"$TP_CONFIG" <<END
queue = { path = "$TP_STATE/queue.db"; free_reserve = "0"; };
spool = { path = "$TP_SPOOL"; };
log = { path = ""; };
relays = {
  nobody = { host = "127.0.0.1"; port = 9; tls = "none"; auth = "none"; };
  unused = { host = "relay.example"; username = "red";
    password_file = "$TP_SECRETS/red"; };
};
stores = {
  default = { relays = ["nobody"]; from = "shop@example.com"; };
  red = { users = ["$red"]; };
  blue = { users = ["61002"]; };
};
END
chmod 644 "$TP_CONFIG"

# ---- nobody delivers --------------------------------------------------------

run 69 $red log
shows err 'asking tillpostd'
shows err 'tillpostd does not run'

run 0 "$TP_UID" status
shows out '^nobody +stopped +.*no daemon answers$'
shows_not out ready

# ---- the daemon delivers, in vain -------------------------------------------

installed_start || exit 1
run 0 $red submit --spool -s red k@example.org
red_id=$(cat "$work/out")
run 0 0 submit --spool -s blue k@example.org
blue_id=$(cat "$work/out")
installed_wait_empty 0 || fail 'the spool stays full'
waited=0
until installed_as $red "$TP_BIN/tillpost" log -c "$TP_CONFIG" --id "$red_id" \
	2>/dev/null | grep -q deferred; do
	[ $waited -lt 100 ] || fail 'no outcome in time'
	waited=$((waited + 1))
	sleep 0.1
done

run 0 $red log
shows err 'queue: not for this user: asking tillpostd what he may see'
shows out "$red_id +red +nobody +deferred"
shows_not out "$blue_id"
run 0 $red log --json -n 1 --to k@example.org --store red
shows out "\"queue_id\":\"$red_id\".*\"verdict\":\"deferred\""
run 77 $red log --store blue
shows err 'may not see what became of the mail of store "blue"'
run 0 $neither log --json
shows_not out .
timeout 2 setpriv --reuid=$red --regid=$red --clear-groups \
	"$TP_BIN/tillpost" log -F -c "$TP_CONFIG" >"$work/out" 2>"$work/err"
[ $? -eq 124 ] || fail 'log --follow ends by itself'
shows out "$red_id"

run 0 $red status
shows out '^waiting +1$'
shows out '^nobody +(paused|ready) +'
shows_not out unused
run 0 $neither status
shows out '^waiting +0$'
shows_not out nobody

run 0 $red queue show "$red_id"
shows out '^state +queued$'
shows out '^reason +.*[a-z]'
shows_not out 'example\.(com|org)'
run 66 $red queue show "$blue_id"
shows err 'no such message is known here'
run 66 $neither queue show "$red_id"
run 77 $red queue
run 77 $red queue hold "$red_id"

# Who may see all is told what the daemon sees, also of a relay without a store.
for owner in 0 "$TP_UID"; do
	run 0 "$owner" status
	shows out '^nobody +paused +[0-9]+ +.*refused'
	shows out '^unused +ready +'
	run 0 "$owner" status --json
	shows out '"state":"paused"'
	shows out '"delivering":true'
done

# Its owner reads the queue himself.
run 0 "$TP_UID" log
shows out "$red_id"
run 0 "$TP_UID" queue
shows out "$blue_id"
shows_not err 'asking tillpostd'
run 0 "$TP_UID" status
shows out '^waiting +2$'
shows_not err 'asking tillpostd'

echo "$checks checks passed"
