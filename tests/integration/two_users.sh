#!/bin/sh
# two_users.sh - two users of one server, each with a store of his own
#
# JOB     User 61001 has the store red, user 61002 the store blue, each with an
#         account at a real relay; the daemon is a third user. Red tries to
#         send as blue, to get at blue's mail in the spool, at the daemon, at
#         its answers and at any credential; and to be in the way. All of it
#         must fail; blue's mail arrives whole and once, by blue's account,
#         red's own by red's; red finds no credential, his own included.
# NEEDS   root, to be more than one user. The users need not exist by name.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034 # HARNESS

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
HARNESS=$root/tests/harness
# shellcheck source=tests/harness/installed.sh
. "$HARNESS/installed.sh"
if [ "$(id -u)" -ne 0 ]; then
	echo "two_users.sh: needs root, to be several users"
	exit 1
fi
red=61001 blue=61002
work=$(mktemp -d "${TMPDIR:-/tmp}/tpu.XXXXXX") || exit 1
hanging=
racing=

clean_up()
{
	[ -z "$hanging" ] || kill "$hanging" 2>/dev/null
	[ -z "$racing" ] || kill "$racing" 2>/dev/null
	installed_stop
	"$HARNESS/relays.sh" stop "$work/r"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail()
{
	echo "FAILED: $*"
	[ ! -s "$work/out" ] || tail -n 40 "$work/out"
	installed_show_log 2>&1
	exit 1
}

chmod 711 "$work"
installed_prepare "$work" || exit 1
install -m 755 "$root/tests/integration/two_users.py" "$work/attack" || exit 1
"$HARNESS/relays.sh" start "$work/r" || exit 1
. "$work/r/relays.env"
: >"$work/learnt"

secret=canary-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
installed_secret red "$A_PASS1"
installed_secret blue "$A_PASS2"
installed_secret spare "$secret"
cat >"$TP_CONFIG" <<END
queue = { path = "$TP_STATE/queue.db"; retry_base = "1s"; retry_cap = "1s"; };
spool = { path = "$TP_SPOOL"; };
log = { path = "$TP_STATE/outcome.jsonl"; };
relays = {
  red = { host = "localhost"; port = $A_STARTTLS_PORT; tls = "starttls";
          username = "$A_USER1"; password_file = "$TP_SECRETS/red";
          ca_file = "$CA_FILE"; };
  blue = { host = "localhost"; port = $A_STARTTLS_PORT; tls = "starttls";
           username = "$A_USER2"; password_file = "$TP_SECRETS/blue";
           ca_file = "$CA_FILE"; };
  spare = { host = "localhost"; port = $B_SMTPS_PORT; tls = "implicit";
            username = "spare"; password_file = "$TP_SECRETS/spare";
            ca_file = "$CA_FILE"; };
};
stores = {
  default = { relays = ["spare"]; users = ["61003"]; };
  red = { relays = ["red"]; users = ["$red"];
          match = { from = ["@red.example.com"]; run_code = ["red"];
                    host = ["red.example.com"]; }; };
  blue = { relays = ["blue"]; users = ["$blue"];
           match = { from = ["@blue.example.com"]; run_code = ["blue"];
                     host = ["blue.example.com"]; }; };
};
END
chmod 644 "$TP_CONFIG"

# user UID COMMAND...: all output is looked through at the end
user()
{
	uid=$1
	shift
	installed_as "$uid" env -i PATH=/usr/bin:/bin \
		TILLPOST_CONFIG="${config:-$TP_CONFIG}" \
		TILLPOST_PLUGIN="$TP_PLUGIN" TILLPOST_SPOOL="$TP_SPOOL" \
		"$@" >"$work/out" 2>&1
	code=$?
	cat "$work/out" >>"$work/learnt"
	return $code
}

# mail FROM TO SUBJECT [HEADER]
mail()
{
	printf 'From: %s\nTo: %s\nSubject: %s\n' "$1" "$2" "$3"
	[ -z "${4:-}" ] || printf '%s\n' "$4"
	printf '\nThe words of %s.\n' "$3"
}

# submit UID [NAME=VALUE...] [OPTION...] < message
submit()
{
	uid=$1
	shift
	env=
	while case ${1:-} in *=*) ;; *) false ;; esac do
		env="$env $1"
		shift
	done
	# shellcheck disable=SC2086 # no value has a space
	user "$uid" env $env "$TP_BIN/tillpost-sendmail" "$@"
}

attack()
{
	user $red /usr/bin/python3 "$work/attack" "$@" ||
		fail "an attack got through: $1"
	tail -n 1 "$work/out"
}

arrived()
{
	"$HARNESS/arrived.py" "$work/r/a/store" "$@" >"$work/out" ||
		fail "arrived $*"
}

# ---- the daemon has made the spool, and is stopped: mail waits --------------

installed_start || exit 1
installed_stop || fail "the daemon does not stop"

mail shop@blue.example.com victim@example.org "Private of blue" \
	>"$work/blue"
submit $blue -i victim@example.org <"$work/blue" || fail "blue cannot submit"
victim=$(ls "$TP_SPOOL/incoming")
[ "$(stat -c %u "$TP_SPOOL/incoming/$victim")" = $blue ] ||
	fail "the file is not blue's"

# ---- as the other's store, while the mail waits and afterwards --------------

# Each way to name a store, with a configuration that red can read, and
# without one: then the daemon must find it.
all_ways_to_be_blue()
{
	to=forged@example.org
	mail a@red.example.com $to "Forged $1 option" |
		submit $red --store blue -i $to
	mail a@red.example.com $to "Forged $1 environment" |
		submit $red TILLPOST_STORE=blue -i $to
	mail a@red.example.com $to "Forged $1 header" "X-Tillpost-Store: blue" |
		submit $red -i $to
	mail a@blue.example.com $to "Forged $1 From" | submit $red -i $to
	mail a@blue.example.com $to "Forged $1 -f" |
		submit $red -i -f a@blue.example.com $to
	mail a@example.com $to "Forged $1 run code" |
		submit $red MAGE_RUN_CODE=blue -i $to
	mail a@example.com $to "Forged $1 host" |
		submit $red HTTP_HOST=blue.example.com -i $to
	mail a@example.com $to "Forged $1 default" | submit $red -i $to
	mail a@red.example.com $to "Forged $1 extension" |
		user $red php -n -d "extension=$TP_EXTENSION" \
			-d "tillpost.config=${config:-$TP_CONFIG}" \
			-d "tillpost.plugin=$TP_PLUGIN" \
			-d "tillpost.spool=$TP_SPOOL" \
			-d sendmail_path=/nonexistent/sendmail -r '
				tillpost_set_store("blue");
				mail("forged@example.org", "Forged extension",
					stream_get_contents(STDIN));'
}

config=
all_ways_to_be_blue "with configuration,"
config=/nowhere/tillpost.conf
all_ways_to_be_blue "without configuration,"
config=

# ---- the other's files in the spool -----------------------------------------

attack files "$TP_SPOOL" "$victim"

# A record of red's own, as a form for others.
mail a@example.com own@example.org "Own of red, waiting" |
	submit $red --store red -i own@example.org || fail "red cannot submit"
template=$(find "$TP_SPOOL/incoming" -user $red -type f -exec \
	grep -l "^Subject: Own of red" {} + | head -n 1)
[ -n "$template" ] || fail "no record of red's own"
cp "$template" "$work/template"
chown $red "$work/template"
attack plant "$TP_SPOOL" "$victim" "$work/template" blue \
	"$TP_SECRETS/blue" /etc/passwd "$TP_CONFIG" "$TP_STATE/queue.db"
attack fill "$TP_SPOOL" 2000

# ---- it all comes in at once, and blue's mail is not much delayed -----------

"$HARNESS/relays.sh" stop-one a "$work/r" || exit 1
installed_start || exit 1
before=$(date +%s)
installed_taken_in()
{
	[ ! -e "$TP_SPOOL/incoming/$victim" ]
}
until installed_taken_in; do
	[ $(($(date +%s) - before)) -lt 5 ] || fail "blue's mail waits"
	sleep 0.1
done

# ---- in the daemon's hands: the relay is away, so blue's mail is queued -----

attack forge "$TP_SPOOL" "$victim" "$work/template" red
attack process "$TP_PID"
attack read "$TP_SECRETS" "$TP_SECRETS/red" "$TP_SECRETS/blue" \
	"$TP_SECRETS/spare" "$TP_STATE" "$TP_STATE/queue.db" \
	"$TP_STATE/queue.db-wal" "$TP_STATE/outcome.jsonl" \
	"$TP_SPOOL/quarantine" "$work/r/relays.env"
attack ask "$TP_SPOOL" blue "$victim"
for command in "log --json --store blue" "log --json --id $victim" \
	"log --json --limit 0" "queue --json" "queue show $victim" \
	"queue cancel $victim" "queue hold $victim" "status --json" \
	"settings get relays" "spool list" "run --until-empty" \
	"test --store blue --to red@example.org"; do
	# shellcheck disable=SC2086
	user $red timeout 20 "$TP_BIN/tillpost" $command -c "$TP_CONFIG"
done
user $red "$TP_BIN/tillpost-sendmail" -bp
user $red timeout 20 "$TP_BIN/tillpostd" -c "$TP_CONFIG" &&
	fail "a second daemon on this spool"

# Red holds all of the daemon's ears, and blue is heard.
installed_as $red /usr/bin/python3 "$work/attack" hang "$TP_SPOOL" 30 \
	>"$work/hang" 2>&1 &
hanging=$!
until [ -s "$work/hang" ]; do sleep 0.1; done
/usr/bin/setpriv --reuid=$blue --regid=$blue --clear-groups \
	/usr/bin/python3 - "$work/attack" "$TP_SPOOL" "$victim" \
	>"$work/out" 2>&1 <<'END' || fail "blue is not answered"
import importlib.machinery, importlib.util, sys
loader = importlib.machinery.SourceFileLoader("attack", sys.argv[1])
attack = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("attack", loader))
sys.dont_write_bytecode = True
loader.exec_module(attack)
answer = attack.question(sys.argv[2], {"op": "message", "queue_id": sys.argv[3]})
print(answer)
sys.exit('"store":"blue"' not in answer.replace(" ", ""))
END
kill "$hanging"
wait "$hanging" 2>/dev/null
hanging=

# ---- what arrives -----------------------------------------------------------

"$HARNESS/relays.sh" start-one a "$work/r" || exit 1
arrived --subject "Private of blue" --user "$A_USER2" \
	--recipients victim@example.org --has "The words of Private of blue." \
	--wait 20
arrived --subject "Own of red, waiting" --user "$A_USER1" \
	--recipients own@example.org
arrived --subject "Red's honest record" --user "$A_USER1"
mail a@blue.example.com own@example.org "Own of blue, later" |
	submit $blue -i own@example.org || fail "blue cannot submit"
mail a@red.example.com own@example.org "Own of red, later" |
	submit $red -i own@example.org || fail "red cannot submit"
arrived --subject "Own of blue, later" --user "$A_USER2"
arrived --subject "Own of red, later" --user "$A_USER1"

# ---- red is in the way, and blue's mail goes out ----------------------------

# Less than the ten seconds of the slow scan.
blue_is_quick()
{
	begun=$(date +%s%N)
	mail a@blue.example.com own@example.org "Of blue, beside $1" |
		submit $blue -i own@example.org || fail "blue cannot submit"
	arrived --subject "Of blue, beside $1" --user "$A_USER2" \
		--wait "$2" --rest 0
	echo "beside $1: blue's mail arrived within" \
		"$((($(date +%s%N) - begun) / 1000000)) ms"
}

attack sparse "$TP_SPOOL" "$victim" "$work/template" 20
blue_is_quick "20 sparse files" 6
installed_as $red /usr/bin/python3 "$work/attack" race "$TP_SPOOL" "$victim" \
	12 >"$work/race" 2>&1 &
racing=$!
until [ -s "$work/race" ]; do sleep 0.1; done
for number in 1 2 3; do
	blue_is_quick "race $number" 6
done
wait "$racing" || fail "the race was not run"
racing=
cat "$work/race"
installed_as $red /usr/bin/python3 "$work/attack" broken "$TP_SPOOL" \
	"$victim" 20000 >"$work/race" 2>&1 &
racing=$!
blue_is_quick "the first of 20,000 broken files" 6
wait "$racing" || fail "the broken files were not left"
racing=
blue_is_quick "20,000 broken files" 6

# What is not refused at once must not come out later either.
sleep 2
installed_stop || fail "the daemon does not stop"
arrived --subject Forged --count 0 --wait 0 --rest 0
"$HARNESS/relays.sh" auth-log b "$work/r" | grep . >"$work/out" &&
	fail "something was sent by the default store"
"$HARNESS/relays.sh" auth-log a "$work/r" >"$work/out"
[ "$(cut -f 2 "$work/out" | sort | uniq -c | tr -s ' \n' ' ')" = \
	" 3 $A_USER1 8 $A_USER2 " ] || fail "other accounts or other numbers"
refused=$(grep -c '"event":"quarantined".*may not submit as store' "$TP_LOG")
[ "$refused" -ge 12 ] || fail "only $refused were refused by their owner"
echo "$refused mails refused because of who left them"

# ---- what red has learnt ----------------------------------------------------

/usr/bin/python3 - "$work/learnt" "$A_PASS1" "$A_PASS2" "$secret" \
	"$A_USER2" "$B_PASS1" <<'END' || fail "red has learnt a credential"
import base64, sys, urllib.parse
learnt = open(sys.argv[1], "rb").read()
found = []
for secret in map(str.encode, sys.argv[2:]):
    forms = {secret, base64.b64encode(secret).rstrip(b"="), secret.hex().encode(),
             urllib.parse.quote(secret).encode()}
    # In base64 behind NUL user NUL: two more alignments.
    for pad in (b"\0", b"\0\0"):
        forms.add(base64.b64encode(pad + secret)[4:-4])
    found += [form for form in forms if form and form in learnt]
print(f"{len(learnt)} bytes learnt, {len(found)} credentials in them")
sys.exit(bool(found))
END
for word in victim@example.org "Private of blue"; do
	! grep -aF "$word" "$work/learnt" >"$work/out" ||
		fail "red has learnt of blue's mail"
done
grep -aF -e "$A_PASS1" -e "$A_PASS2" -e "$secret" "$TP_LOG" >"$work/out" &&
	fail "a credential in the daemon's log"
echo "neither mail, nor outcomes, nor credentials of the other user"
