#!/bin/sh
# cli.sh - every subcommand of tillpost, as its users type it
#
# JOB     Runs the built command with the built plugin on a configuration of
#         its own. Its relay is a loopback port where nobody listens, so that
#         messages stay in the queue. Needs no network and no root.
# ERRORS  Ends at the first check that fails, with what was printed.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
tillpost=$build/bin/tillpost
HARNESS=$root/tests/harness
example_host=$build/bin/example-host
export TILLPOST_PLUGIN="${TILLPOST_PLUGIN:-$build/tillpost.so}"
export TZ=UTC
# shellcheck source=tests/harness/command.sh
. "$HARNESS/command.sh"

work=$(mktemp -d) || exit 1
started=
clean_up()
{
	[ -z "$started" ] || kill "$started" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

secret=canary-7f3a91

# json EXPRESSION: true for LINES, the objects that were printed
json()
{
	checks=$((checks + 1))
	python3 - "$work/out" "$1" <<-'END' 2>>"$work/err" ||
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1], "rb")]
		ok = eval(sys.argv[2], {"LINES": lines})
		sys.exit(0 if ok else "the objects are different")
	END
		fail "not so: $1"
}

state_is()
{
	run 0 queue -c "$conf" --json
	json "[m['state'] for m in LINES if m['queue_id'] == '$1'] == ['$2']"
}

# ---- a configuration --------------------------------------------------------

closed_port=$(python3 -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])') || exit 1

conf=$work/tillpost.conf
cat >"$conf" <<END
queue = { path = "$work/queue.db"; };
spool = { path = "$work/spool"; };
log = { path = "$work/outcome.jsonl"; };
relays = {
	lab = { host = "127.0.0.1"; port = $closed_port; tls = "none";
		auth = "none"; };
	office = { host = "127.0.0.1"; port = $closed_port; tls = "none";
		auth = "plain"; allow_plaintext_auth = true;
		username = "shop"; password = "$secret"; };
};
stores = {
	default = { relays = ["lab"]; from = "shop@example.com"; };
	eu = { relays = ["office"]; from = "sales@eu.example.com";
		match = { from = ["@eu.example.com"]; }; };
};
END
chmod 600 "$conf"

cat >"$work/order" <<'END'
From: Shop <shop@example.com>
To: kunde@example.org
Subject: =?UTF-8?Q?Bestellung_1001_best=C3=A4tigt?=

Thank you.
END
: >"$work/everything"

# ---- help and wrong use -----------------------------------------------------

run 0 --help
shows out '^Usage: tillpost COMMAND'
run 0 --version
shows out '^tillpost [0-9]+\.[0-9]+'
run 64
run 64 nonsense
shows err '^tillpost: nonsense: no such command$'
run 64 --nonsense

for command in check submit run status queue spool log test route \
	settings; do
	run 0 $command --help
	shows out "^Usage: tillpost $command"
	shows out '--config FILE'
	run 64 $command --nonsense -c "$conf"
	shows err '^tillpost: --nonsense: no such option'
	shows err "^Try 'tillpost $command --help'"
	run 64 $command -c
	shows err '^tillpost: -c: needs a value'
done

run 64 submit -c "$conf"
shows err 'no recipient'
run 64 submit -c "$conf" --wait 5 a@example.org
run 64 test -c "$conf"
run 64 queue -c "$conf" dance
run 64 queue -c "$conf" hold
run 64 queue -c "$conf" cancel --all
run 64 log -c "$conf" --since yesterday
shows err '^tillpost: --since: "yesterday" is not a time'
run 64 settings -c "$conf"
run 64 settings -c "$conf" set queue.lifetime

# ---- check ------------------------------------------------------------------

run 0 check -c "$conf"
run 0 check -c "$conf" --json
json 'all(f["level"] == "warning" for f in LINES)'

sed 's/auth = "none"/authh = "none"/' "$conf" >"$work/bad.conf"
chmod 600 "$work/bad.conf"
run 78 check -c "$work/bad.conf"
shows out "bad\.conf:[0-9]+: error: .*authh"
run 78 check -c "$work/bad.conf" --json
json '[f for f in LINES if f["level"] == "error" and "bad.conf:" in f["where"]]'
run 78 queue -c "$work/bad.conf"
shows err "bad\.conf:[0-9]+: "

cp "$conf" "$work/open.conf"
chmod 644 "$work/open.conf"
run 78 check -c "$work/open.conf"
shows out 'error: '

# ---- submit and queue -------------------------------------------------------

run 0 queue -c "$conf"
checks=$((checks + 1))
[ ! -s "$work/out" ] || fail 'an empty queue prints nothing'

input=$work/order
run 0 submit -c "$conf" -t
id=$(cat "$work/out")
state_is "$id" queued
input=$work/order
run 0 submit -c "$conf" --json -f bounces@example.com --dedup-key order-1001 \
	--expires 2h a@example.org b@example.org
json 'LINES[0]["verdict"] == "queued" and LINES[0]["store"] == "default"'
json 'LINES[0]["duplicate"] is False and LINES[0]["message_id"][0] == "<"'
run 0 submit -c "$conf" --dedup-key order-1001 a@example.org
shows err 'was used before'
run 66 submit -c "$conf" --store nowhere a@example.org
run 65 submit -c "$conf" 'not an address'
printf 'From: shop@example.com\nSubject: a\000b\n\nx\n' >"$work/nul"
input=$work/nul
run 65 submit -c "$conf" a@example.org
truncate -s 257M "$work/big"
input=$work/big
run 65 submit -c "$conf" a@example.org
shows err 'standard input: is longer than'
input=/dev/null

run 0 queue -c "$conf"
shows out '^ID  .*STATE .*STORE .*TO '
shows out "^$id .* queued .*kunde@example\.org"
shows out 'bounces@example\.com +a@example\.org \+1'
run 0 queue list -c "$conf" --json
json 'len(LINES) == 2'
json "LINES[0]['queue_id'] == '$id' and LINES[0]['relay'] == 'lab'"
json "[r['address'] for r in LINES[1]['recipients']] == ['a@example.org', 'b@example.org']"
json "LINES[1]['created'] < LINES[1]['expires'] < LINES[0]['expires']"
run 0 queue -c "$conf" --store eu
shows_not out .
run 64 queue -c "$conf" --state asleep

run 0 queue -c "$conf" show "$id"
shows out '^state +queued$'
shows out '^accepted +20[0-9-]+T[0-9:]+\+00:00$'
shows out '^kunde@example\.org +open'
run 66 queue -c "$conf" show 00000000000000000A
shows err 'is not in the queue'

run 0 queue -c "$conf" hold "$id"
state_is "$id" held
run 0 queue -c "$conf" --state held --json
json 'len(LINES) == 1'
run 0 queue -c "$conf" release "$id"
state_is "$id" queued
run 66 queue -c "$conf" hold 00000000000000000A "$id"
state_is "$id" held
run 0 queue -c "$conf" retry --all
shows out '^2 due now$'
state_is "$id" queued
run 66 queue -c "$conf" cancel --json 00000000000000000A
json 'LINES[0]["ok"] is False and LINES[0]["text"] != ""'
run 0 queue -c "$conf" cancel "$id"
run 0 queue -c "$conf" --json
json "'$id' not in [m['queue_id'] for m in LINES]"

run 0 status -c "$conf"
shows out '^waiting +1$'
shows out '^office +stopped +0 .* no daemon answers$'
run 0 status -c "$conf" --json
json 'len(LINES) == 1 and LINES[0]["queued_count"] == 1'
json "[r['relay'] for r in LINES[0]['relays']] == ['lab', 'office']"
json 'LINES[0]["delivering"] is False'
json '{r["state"] for r in LINES[0]["relays"]} == {"stopped"}'

# A daemon that answers once is enough for counts and table.
mkdir "$work/spool"
/usr/bin/python3 - "$work/spool/query" <<'END' &
import json, os, socket, sys
at = socket.socket(socket.AF_UNIX)
at.bind(sys.argv[1] + ".new")
at.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])
asker = at.accept()[0]
at.close()
os.unlink(sys.argv[1])
asker.recv(4096)
row = dict.fromkeys(("retry_ms", "connections", "waiting_count",
                     "queued_count", "active_count", "held_count",
                     "oldest_ms", "body_bytes"), 0)
row.update(store="default", relay="office", state="paused", reason="once")
asker.sendall(json.dumps({"row": row}).encode() + b'\n{"end":0}\n')
END
started=$!
waited=0
until [ -S "$work/spool/query" ]; do
	[ $waited -lt 100 ] || fail "nobody answers"
	sleep 0.1
	waited=$((waited + 1))
done
run 0 status -c "$conf"
shows out '^waiting +1$'
shows out '^office +paused +0 .* once$'
wait "$started"
started=
rmdir "$work/spool"

# ---- log --------------------------------------------------------------------

run 0 log -c "$conf"
shows out '^TIME +ID +STORE +RELAY +VERDICT'
shows out "^20[0-9-]+ [0-9:]+ +$id +default +lab +cancelled +"
run 0 log -c "$conf" --json --id "$id"
json 'len(LINES) == 1 and LINES[0]["verdict"] == "cancelled"'
json "LINES[0]['recipient'] == 'kunde@example.org' and LINES[0]['last']"
run 0 log -c "$conf" --json --verdict sent
shows_not out .
run 0 log -c "$conf" --json --since 2001-01-01 --until 2001-01-02
shows_not out .

# The lines of the log file have the same keys in the same order.
run 0 log -c "$conf" --json -n 1
tail -n 1 "$work/outcome.jsonl" >>"$work/out"
json 'list(LINES[0]) == list(LINES[1]) and LINES[0]["time"] == LINES[1]["time"]'

# ---- run --------------------------------------------------------------------

run 0 run -c "$conf" --due-only --max-time 20s
run 0 log -c "$conf" --json
json 'LINES[-1]["verdict"] == "deferred" and LINES[-1]["relay"] == "lab"'
json '"refused" in LINES[-1]["text"].lower() and LINES[-1]["next_try"]'

"$tillpost" run -c "$conf" >"$work/out" 2>"$work/err" &
started=$!
sleep 1
kill -HUP $started
sleep 1
kill -TERM $started
wait $started
got=$?
started=
[ $got -eq 0 ] || fail "run after SIGTERM: exit code $got"
shows err 'the configuration was read again'

"$tillpost" log -c "$conf" --follow --json --verdict cancelled \
	>"$work/follow" 2>"$work/err" &
started=$!
sleep 1
run 0 queue -c "$conf" --json
last=$(python3 -c 'import json, sys
print(json.loads(sys.stdin.readline())["queue_id"])' <"$work/out")
run 0 queue -c "$conf" cancel "$last"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(wc -l <"$work/follow")" -lt 3 ] || break
	sleep 1
done
kill -TERM $started
wait $started 2>/dev/null
started=
cp "$work/follow" "$work/out"
json "[e['queue_id'] for e in LINES] == ['$id', '$last', '$last']"

# ---- test, route ------------------------------------------------------------

run 69 test -c "$conf" --to kunde@example.org
shows out '^ok +route .*store default, relay lab'
shows out '^failed +connect '
run 69 test -c "$conf" --store eu --to kunde@example.org --json
json 'LINES[-1]["ok"] is False and LINES[-1]["status"] < 0'
run 66 test -c "$conf" --store nowhere --to kunde@example.org

sed 's/@example\.com>/@eu.example.com>/' "$work/order" >"$work/order_eu"
input=$work/order_eu
run 0 route -c "$conf"
shows out '^store +eu$'
shows out '^why +.*@eu\.example\.com'
run 0 route -c "$conf" --json --store default a@example.org
json '{"name": "relay", "value": "lab"} in LINES'
json '{"name": "recipient", "value": "a@example.org"} in LINES'
input=/dev/null

# ---- settings ---------------------------------------------------------------

run 0 settings -c "$conf" schema
shows out '^queue\.lifetime +duration +5d'
run 0 settings -c "$conf" schema --json
json '[s["key"] for s in LINES if s["secret"]] == ["password", "token"]'

run 0 settings -c "$conf" get --json
json 'all(s["set"] for s in LINES)'
json '[s["value"] for s in LINES if s["secret"]] == [None]'
run 0 settings -c "$conf" get relays.office
shows out '^relays\.office\.password +\(secret\) +main +locked'
run 66 settings -c "$conf" get relays.office.pasword

run 0 settings -c "$conf" set queue.lifetime 3d
run 0 settings -c "$conf" get queue.lifetime
shows out '^queue\.lifetime +3d +managed'
run 64 settings -c "$conf" set queue.lifetime soon
shows err 'queue\.lifetime'
run 77 settings -c "$conf" set stores.default.from other@example.com
shows err 'tillpost\.conf:[0-9]+'
run 66 settings -c "$conf" set queue.lifetimes 3d
run 0 settings -c "$conf" unset queue.lifetime
run 0 settings -c "$conf" get queue.lifetime
shows out '^queue\.lifetime +5d +default'

# A secret is taken from standard input only.
run 64 settings -c "$conf" set relays.lab.password "$secret"
shows err 'is a secret'
printf 'first\nsecond\n' >"$work/two_lines"
input=$work/two_lines
run 64 settings -c "$conf" set relays.lab.password -
shows err 'must be one line'
sed 's/password = "[^"]*";//; s/username = "shop";//; s/auth = "plain";//' \
	"$conf" >"$work/second.conf"
chmod 600 "$work/second.conf"
printf '%s\n' "$secret" >"$work/value"
input=$work/value
run 0 settings -c "$work/second.conf" set relays.office.password -
input=/dev/null
run 0 settings -c "$work/second.conf" set relays.office.username shop
run 0 settings -c "$work/second.conf" get relays.office.password --json
json 'LINES[0]["value"] is None and LINES[0]["source"] == "managed"'
grep -qF "\"$secret\"" "$work/second.managed.conf" ||
	fail 'the managed file has the password as it was given'
run 0 check -c "$work/second.conf"

# ---- secrets that only the daemon has ---------------------------------------

sed 's/password = "[^"]*"/password_env = "TP_NOT_IN_HERE"/' "$conf" \
	>"$work/elsewhere.conf"
for command in status queue log spool 'settings get' 'queue retry --all'; do
	# shellcheck disable=SC2086 # two words
	case $command in
	spool) run 66 $command -c "$work/elsewhere.conf" ;;
	*) run 0 $command -c "$work/elsewhere.conf" ;;
	esac
	shows_not err 'TP_NOT_IN_HERE'
done
run 0 settings -c "$work/elsewhere.conf" get relays.office.password --json
json 'LINES[0]["value"] is None and LINES[0]["source"] == "main"'
input=$work/order_eu
run 0 route -c "$work/elsewhere.conf"
shows out '^login +shop$'
input=/dev/null
run 78 test -c "$work/elsewhere.conf" --to kunde@example.org
shows err 'variable TP_NOT_IN_HERE is not set'
run 78 run -c "$work/elsewhere.conf" --due-only
run 0 check -c "$work/elsewhere.conf"
shows out 'warning: the environment variable TP_NOT_IN_HERE is not set; the service may'
sed 's|password = "[^"]*"|password_file = "/run/credentials/x.service/y"|' \
	"$conf" >"$work/elsewhere.conf"
run 0 status -c "$work/elsewhere.conf"
run 0 check -c "$work/elsewhere.conf"
shows out 'warning: cannot open /run/credentials.* there only for the service'
sed 's|password = "[^"]*"|password_file = "/nowhere/y"|' \
	"$conf" >"$work/elsewhere.conf"
run 0 queue -c "$work/elsewhere.conf"
run 78 check -c "$work/elsewhere.conf"

# ---- the plugin that is loaded ----------------------------------------------

cp "$TILLPOST_PLUGIN" "$work/mine.so"
chmod 755 "$work/mine.so"
run 0 --plugin "$work/mine.so" --version
chmod 777 "$work/mine.so"
run 69 --plugin "$work/mine.so" --version
shows err 'mine\.so: can be changed by others'
chmod 755 "$work/mine.so"
mkdir -m 777 "$work/loose"
chmod 777 "$work/loose"
cp "$work/mine.so" "$work/loose/"
run 69 --plugin "$work/loose/mine.so" --version
shows err 'loose: can be changed by others'
echo nothing >"$work/text.so"
run 69 --plugin "$work/text.so" --version
run 69 --plugin "$work/missing.so" --version
shows err 'missing\.so: cannot be opened'

# ---- the spool --------------------------------------------------------------

# There is none yet.
run 0 status -c "$conf" --json
json 'LINES[0]["spooled_count"] is None'
run 66 spool -c "$conf"
input=$work/order
run 66 submit -c "$conf" --spool kunde@example.org
shows err 'no spool here'
mkdir "$work/spool" "$work/spool/incoming" "$work/spool/quarantine"
chmod 755 "$work/spool"
chmod 3733 "$work/spool/incoming"
chmod 700 "$work/spool/quarantine"
run 0 spool -c "$conf"
run 0 submit -c "$conf" --spool -s eu kunde@example.org
spooled=$(cat "$work/out")
run 0 submit -c "$work/no.conf" --spool-dir "$work/spool" --json \
	kunde@example.org
json 'LINES[0]["verdict"] == "queued" and LINES[0]["store"] == ""'
run 64 submit -c "$conf" --spool --now kunde@example.org
shows err 'does not go with --spool'
run 66 submit -c "$conf" --spool -s moon kunde@example.org
input=/dev/null
run 0 spool list -c "$conf" --json
json 'len(LINES) == 2 and {l["state"] for l in LINES} == {"spooled"}'
json 'all(l["uid"] == __import__("os").geteuid() for l in LINES)'
run 0 status -c "$conf"
shows out '^spooled  2$'

# What tillpostd does with a message that it cannot take in.
mv "$work/spool/incoming/$spooled" "$work/spool/quarantine/$spooled"
echo 'store eu: not today' >"$work/spool/quarantine/$spooled.reason"
run 0 spool -c "$conf"
shows out "^$spooled +[0-9]+s +quarantined .* store eu: not today$"
run 0 status -c "$conf"
shows out '^refused  1 '
run 0 spool release -c "$conf" "$spooled"
run 66 spool release -c "$conf" "$spooled"
run 66 spool discard -c "$conf" --json "$spooled"
json 'LINES[0]["ok"] is False and LINES[0]["action"] == "discard"'
mv "$work/spool/incoming/$spooled" "$work/spool/quarantine/$spooled"
run 0 spool discard -c "$conf" "$spooled"
run 0 status -c "$conf" --json
json 'LINES[0]["spooled_count"] == 1 and LINES[0]["quarantined_count"] == 0'
run 64 spool eat -c "$conf"
run 64 spool release -c "$conf"

# ---- the example host -------------------------------------------------------

"$example_host" -p "$TILLPOST_PLUGIN" -c "$conf" -s eu -n "$work/order" \
	>"$work/out" 2>"$work/err" || fail 'example-host -n'
shows out 'order: store eu, id [0-9A-Z]+: queued'
"$example_host" -p "$TILLPOST_PLUGIN" -c "$conf" "$work/order" - \
	<"$work/order_eu" >"$work/out" 2>"$work/err" || fail 'example-host'
shows out 'order: store default, id [0-9A-Z]+: deferred'
# The relay of this store has just failed: it may be tried later only.
shows out '-: store eu, id [0-9A-Z]+: (deferred|queued)'
cat "$work/out" "$work/err" >>"$work/everything"

# ---- nothing of it ever showed the secret -----------------------------------

cat "$work/outcome.jsonl" >>"$work/everything"
for form in "$secret" "$(printf '%s' "$secret" | base64)" \
	"$(printf '\000shop\000%s' "$secret" | base64)"; do
	checks=$((checks + 1))
	! grep -qF -- "$form" "$work/everything" || fail 'a secret was shown'
done

echo "$checks checks passed"
