#!/bin/sh
# setup.sh - tillpost setup, unattended and at a terminal
#
# JOB     Runs setup against the harness's relay: right settings, wrong
#         password, the two TLS labels mixed up, a closed port, a provider
#         that does not exist, a configuration that exists. What fails leaves
#         nothing; what succeeds has safe owners and modes, and a mail
#         through the written configuration arrives.
# ERRORS  Ends at the first check that fails, with what was printed.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
HARNESS=$root/tests/harness
export TILLPOST_PLUGIN="${TILLPOST_PLUGIN:-$build/tillpost.so}"
# shellcheck source=tests/harness/command.sh
. "$HARNESS/command.sh"

work=$(mktemp -d /tmp/tp-setup.XXXXXX) || exit 1
chmod 711 "$work"
clean_up()
{
	"$HARNESS/relays.sh" stop "$work/relays" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# Everything runs where the user of the result can reach it.
mkdir "$work/bin" && install -m 755 "$build/bin/tillpost" "$work/bin/" &&
	install -m 755 "$TILLPOST_PLUGIN" "$work/tillpost.so" || exit 1
tillpost=$work/bin/tillpost
export TILLPOST_PLUGIN="$work/tillpost.so"

owner=$(id -u)
[ "$owner" -ne 0 ] || owner=61010
canary=canary-2b8e17

# nothing_in DIRECTORY: no file at all
nothing_in()
{
	checks=$((checks + 1))
	found=$(find "$1" ! -type d 2>/dev/null)
	[ -z "$found" ] || fail "left behind: $found"
	[ -z "$(find "$1" -name '.setup.*' 2>/dev/null)" ] ||
		fail "a draft was left in $1"
}

# is MODE PATH: with this mode, and the owner's
is()
{
	checks=$((checks + 1))
	got=$(stat -c '%a %u' "$2") || fail "there is no $2"
	[ "$got" = "$1 $owner" ] || fail "$2 is $got, expected $1 $owner"
}

"$HARNESS/relays.sh" start "$work/relays" || exit 1
. "$work/relays/relays.env"
printf '%s\n' "$A_PASS1" >"$work/right"
printf '%s\n' "$canary" >"$work/wrong"
chmod 600 "$work/right" "$work/wrong"
closed_port=$(/usr/bin/python3 "$HARNESS/ports.py" choose 1)

as=
[ "$(id -u)" -ne 0 ] || as="--user $owner"
conf=$work/etc/tillpost.conf
# Everything but port, tls and password.
common="$as --yes -c $conf --state-dir $work/state --host 127.0.0.1
	--ca-file $CA_FILE --username $A_USER1"
from="Shop <shop@example.com>"

# ---- what is wrong leaves nothing -------------------------------------------

# shellcheck disable=SC2086
attempt()
{
	code=$1
	shift
	run "$code" setup $common --from "$from" "$@"
}

attempt 69 --port "$A_STARTTLS_PORT" --tls implicit \
	--password-file "$work/right"
shows out "tls mode: port $A_STARTTLS_PORT greets in clear text \(220 "
shows out 'do: .*set tls to "starttls"'
nothing_in "$work/etc"

attempt 69 --port "$A_SMTPS_PORT" --tls starttls --password-file "$work/right"
shows out "port $A_SMTPS_PORT speaks TLS from the first byte"
shows out 'do: .*set tls to "implicit"'
nothing_in "$work/etc"

attempt 69 --port "$closed_port" --tls starttls --password-file "$work/right"
shows out "port $closed_port cannot be reached: Connection refused"
nothing_in "$work/etc"

attempt 77 --port "$A_SMTPS_PORT" --tls implicit --password-file "$work/wrong"
shows out 'error +login: .*535'
checks=$((checks + 1))
[ "$(grep -o 'authentication failed' "$work/out" | wc -l)" -eq 1 ] ||
	fail "the relay's reply does not stand there once"
shows out 'why: +the server refuses'
nothing_in "$work/etc"

attempt 76 --port "$A_EXPIRED_SMTPS_PORT" --tls implicit \
	--password-file "$work/right"
shows out 'error +tls: .*expired'
nothing_in "$work/etc"

attempt 64 --port "$A_SMTPS_PORT" --tls SSL --password-file "$work/right"
shows err 'called SSL or SSL/TLS elsewhere'
nothing_in "$work/etc"

bare="$as --yes -c $conf --state-dir $work/state"
# shellcheck disable=SC2086
{
run 69 setup $bare --host does-not-exist.invalid \
	--from "$from" -u x --password-file "$work/wrong"
shows out 'dns: does-not-exist.invalid has no address'
run 78 setup $bare --provider sengrid --from "$from" \
	--password-file "$work/wrong"
shows err 'did you mean.*sendgrid|sendgrid'
run 64 setup $bare --provider sendgrid --username me \
	--from "$from" --password-file "$work/wrong"
shows err 'literally "apikey"'
run 78 setup $bare --provider amazon-ses --username me \
	--from "$from" --password-file "$work/wrong" --no-test
shows err 'region'
run 64 setup $bare --provider sendgrid --from "$from"
shows err 'password-file'
run 64 setup $bare --from "$from"
shows err 'list shows'
run 64 setup $bare --provider sendgrid \
	--password-file "$work/wrong"
shows err 'from: is needed'
}
run 0 setup --list
shows out '^  brevo '
nothing_in "$work/etc"

# ---- the right ones ---------------------------------------------------------

input=$work/right
attempt 0 --port "$A_STARTTLS_PORT" --tls starttls --password-stdin \
	--test-to kunde@example.org
input=/dev/null
shows out 'ok +login: logged in'
shows out 'ok +test mail: the relay took the mail'
is 755 "$work/etc"
is 644 "$conf"
is 700 "$work/etc/secrets"
is 600 "$work/etc/secrets/relay"
is 755 "$work/state"
is 700 "$work/state/queue"
is 600 "$work/state/queue/queue.db"
is 755 "$work/state/spool"
cmp "$work/right" "$work/etc/secrets/relay" >"$work/out" 2>&1
printf '%s' "$A_PASS1" | cmp - "$work/etc/secrets/relay" >"$work/out" 2>&1 ||
	fail "the secret is not what was given"
find "$work/etc" ! -type d | sort >"$work/files"
[ "$(wc -l <"$work/files")" -eq 2 ] || fail "$(cat "$work/files")"

# A mail through what was written, by another command and its own user.
cat >"$work/order" <<'END'
From: shop@example.com
To: kunde@example.org
Subject: order 4711

Thank you.
END
chmod 644 "$work/order"
chmod 711 "$work/relays"
if [ "$(id -u)" -eq 0 ]; then
	setpriv --reuid=$owner --regid=$owner --clear-groups "$tillpost" \
		submit -c "$conf" -t --now <"$work/order" >"$work/out" \
		2>"$work/err" || fail "submit as $owner"
else
	input=$work/order
	run 0 submit -c "$conf" -t --now
	input=/dev/null
fi
shows out 'sent'
# The test mail of setup and this one.
"$HARNESS/relays.sh" wait a 2 "$work/relays" || fail "mails did not arrive"
grep -l '^Subject: order 4711' "$work"/relays/a/store/*.eml >"$work/out" ||
	fail "the order did not arrive"

# ---- a secret that is somewhere else ------------------------------------------

# env --token-file: what is written, and tried before.
elsewhere()
{
	code=$1
	shift
	rm -rf "$work/other"
	run "$code" setup $as --yes -c "$work/other/tillpost.conf" \
		--state-dir "$work/other" --host 127.0.0.1 --from "$from" \
		--ca-file "$CA_FILE" -u "$A_USER1" --port "$A_SMTPS_PORT" \
		--tls implicit "$@"
}

export TP_SETUP_SECRET="$A_PASS1"
elsewhere 0 --password-env TP_SETUP_SECRET
shows out 'ok +login: logged in'
shows out 'needs TP_SETUP_SECRET in its environment'
grep -q '^		password_env = "TP_SETUP_SECRET";$' \
	"$work/other/tillpost.conf" || fail "no password_env"
[ ! -e "$work/other/secrets" ] || fail "a secret was written"
export TP_SETUP_SECRET=$canary
elsewhere 77 --password-env TP_SETUP_SECRET
nothing_in "$work/other"
unset TP_SETUP_SECRET
elsewhere 78 --password-env TP_SETUP_SECRET
shows err 'environment variable TP_SETUP_SECRET is not set'
nothing_in "$work/other"

token=$work/token
printf '%s\n' "$canary" >"$token"
chmod 644 "$token"
elsewhere 64 --no-test --token-file "$token"
shows err 'chmod 600'
chmod 600 "$token"
[ "$(id -u)" -ne 0 ] || chown $owner "$token"
elsewhere 0 --no-test --token-file "$token"
grep -q "token_file = \"$token\"" "$work/other/tillpost.conf" &&
	grep -q 'auth = "xoauth2"' "$work/other/tillpost.conf" ||
	fail "no token_file"
[ ! -e "$work/other/secrets" ] || fail "a token was copied"
TP_SETUP_SECRET=$canary
export TP_SETUP_SECRET
elsewhere 0 --no-test --token-env TP_SETUP_SECRET
grep -q 'token_env = "TP_SETUP_SECRET"' "$work/other/tillpost.conf" ||
	fail "no token_env"
unset TP_SETUP_SECRET
elsewhere 64 --no-test --token-file "$token" --password-env X
shows err 'give one of --password-file'

# A provider's name in any spelling.
run 0 setup $as --yes -c "$work/spelt/tillpost.conf" --state-dir \
	"$work/spelt" --provider 'Amazon SES' --region eu-west-1 -u AKIA \
	--password-file "$work/wrong" --from "$from" --no-test
grep -q 'preset = "amazon-ses"' "$work/spelt/tillpost.conf" || fail "not found"

# ---- a configuration that exists --------------------------------------------

cp -p "$conf" "$work/before"
attempt 64 --port "$A_SMTPS_PORT" --tls implicit --password-file "$work/right"
shows err '.'
cmp "$work/before" "$conf" || fail "the configuration was changed"

# Without --state-dir, which is for new ones.
add="$as --yes -c $conf --host 127.0.0.1 --ca-file $CA_FILE
	--username $A_USER1 --password-file $work/right"
# shellcheck disable=SC2086
{
	run 64 setup $add --from "$from" --port "$A_SMTPS_PORT" --tls implicit
	shows err 'this relay is in .* already'
	run 64 setup $add --from "$from" --port "$A_SMTPS_PORT" \
		--tls implicit --relay second
	shows err 'this store sends through "relay" already'
	run 69 setup $add --from "$from" --port "$closed_port" \
		--tls implicit --relay second --store eu
	[ ! -e "$work/etc/tillpost.managed.conf" ] ||
		fail "a failure wrote the managed file"
	run 0 setup $add --from sales@eu.example.com --port "$A_SMTPS_PORT" \
		--tls implicit --relay second --store eu \
		--test-to kunde@example.org
}
shows out 'test mail: the relay took'
shows out 'Store eu gets no mail until its .match. says which'
cmp "$work/before" "$conf" || fail "the main file was changed"
is 600 "$work/etc/tillpost.managed.conf"
is 600 "$work/etc/secrets/second"
run 0 check -c "$conf"

# A broken one is not touched, and is replaced only by force, with a backup.
printf 'relays = {\n' >"$conf"
# shellcheck disable=SC2086
{
	run 78 setup $add --from "$from" --port "$A_SMTPS_PORT" --tls implicit
	shows err 'replace it with --force'
}
attempt 0 --port "$A_SMTPS_PORT" --tls implicit \
	--password-file "$work/right" --force
shows out 'the configuration of before is'
is 644 "$conf"
is 600 "$work/etc/secrets/relay-2"
backup=$(echo "$work"/etc/tillpost.conf.*.bak)
grep -qx 'relays = {' "$backup" || fail "the backup is another file"
[ ! -e "$work/etc/tillpost.managed.conf" ] ||
	fail "the managed file of before is still in force"

# What the check of the result refuses is taken back.
mkdir -m 755 "$work/bad" && mkdir -m 500 "$work/bad/queue" || exit 1
[ "$(id -u)" -ne 0 ] || chown -R $owner "$work/bad"
find "$work/etc" -type f -exec cksum {} + | sort >"$work/files"
# shellcheck disable=SC2086
run 78 setup $as --yes -c "$conf" --state-dir "$work/bad" --force --no-test \
	--host 127.0.0.1 --from "$from" -u x --password-file "$work/wrong"
shows out 'check: queue.path: cannot write into directory'
shows err 'nothing was written'
find "$work/etc" -type f -exec cksum {} + | sort | cmp - "$work/files" ||
	fail "files differ"

# The example that a package brings says nothing, and makes room.
mkdir -m 755 "$work/fresh" && cp "$root/config/tillpost.conf.example" \
	"$work/fresh/tillpost.conf" || exit 1
[ "$(id -u)" -ne 0 ] || chown $owner "$work/fresh"
run 0 setup --yes -c "$work/fresh/tillpost.conf" --state-dir "$work/state2" \
	--host 127.0.0.1 --from "$from" --no-test -u x \
	--password-file "$work/wrong"
shows out 'the configuration of before is'
shows out "written: $work/fresh/tillpost.conf\$"
is 644 "$work/fresh/tillpost.conf"
[ ! -e "$work/fresh/tillpost.managed.conf" ] || fail "a managed file was made"
cmp "$root/config/tillpost.conf.example" "$work"/fresh/tillpost.conf.*.bak ||
	fail "the backup is not the example"
run 0 check -c "$work/fresh/tillpost.conf"

# With a setting it is somebody's, though it sends nothing; setup adds to it.
mkdir -m 755 "$work/packaged" "$work/var" && mkdir -m 700 "$work/var/queue" &&
	mkdir -m 755 "$work/var/spool" || exit 1
sed -e "s|#path = \"/var/lib/tillpost|path = \"$work/var/queue|" \
	-e "s|#path = \"/var/log/tillpost|path = \"$work/var/queue|" \
	-e "s|#path = \"/var/spool/tillpost|path = \"$work/var/spool|" \
	"$root/config/tillpost.conf.example" >"$work/packaged/tillpost.conf"
[ "$(id -u)" -ne 0 ] || chown -R $owner "$work/packaged" "$work/var"
cp -p "$work/packaged/tillpost.conf" "$work/before"
# Found as the directory's owner, without --user.
run 0 setup --yes -c "$work/packaged/tillpost.conf" --host 127.0.0.1 \
	--ca-file "$CA_FILE" -u "$A_USER1" --password-file "$work/right" \
	--port "$A_SMTPS_PORT" --tls implicit --from "$from" \
	--test-to kunde@example.org
cmp "$work/before" "$work/packaged/tillpost.conf" || fail "example changed"
checks=$((checks + 1))
[ "$(cat "$work/out" "$work/err" | grep -c 'no stores')" -eq 0 ] ||
	fail "warnings of what is being mended"
is 600 "$work/packaged/tillpost.managed.conf"
is 600 "$work/packaged/secrets/relay"
is 600 "$work/var/queue/queue.db"

# ---- rights -----------------------------------------------------------------

mkdir -m 777 "$work/open"
chmod 777 "$work/open"
[ "$(id -u)" -ne 0 ] || chown $owner "$work/open"
# shellcheck disable=SC2086
run 77 setup $as --yes -c "$work/open/tillpost.conf" --host 127.0.0.1 \
	--from "$from" --no-test -u x --password-file "$work/wrong"
shows err 'chmod go-w'
nothing_in "$work/open"
if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 755 "$work/roots"
	run 77 setup --user $owner --yes -c "$work/roots/tillpost.conf" \
		--host 127.0.0.1 --from "$from" --no-test -u x \
		--password-file "$work/wrong"
	shows err 'belongs to user 0 and not to'
	# Root's directory in somebody's home: its name is in his hands.
	mkdir -m 755 "$work/home" && mkdir -m 755 "$work/home/ops" &&
		chown $owner "$work/home" || exit 1
	run 77 setup --user $owner --yes -c "$work/etc3/tillpost.conf" \
		--state-dir "$work/home/ops/state" --host 127.0.0.1 \
		--from "$from" --no-test -u x --password-file "$work/wrong"
	shows err 'home/ops/state: cannot make the directory'
	[ ! -e "$work/home/ops/state" ] || fail "root worked in a home"
fi

# ---- interrupted while files are put in place --------------------------------

# What has begun is finished, and then the command ends as it would have: each
# file by a new name in turn waits a second, and the signal comes there.
command -v strace >/dev/null || {
	echo "strace is not installed: run packaging/deps.sh test"
	exit 1
}
# shellcheck disable=SC2086
interrupted()
{
	interrupted_at=$1
	shift
	rm -f "$work/trace"
	strace -D -f -qq -o "$work/trace" -e trace=link,linkat,rename,renameat \
		-e "inject=$interrupted_at:delay_enter=1000000" \
		env --default-signal=INT "$tillpost" setup $common \
		--from "$from" --port "$A_SMTPS_PORT" --tls implicit \
		--password-file "$work/right" --no-test "$@" \
		</dev/null >"$work/out" 2>"$work/err" &
	traced=$!
	i=0
	until grep -qs "$work/etc" "$work/trace"; do
		i=$((i + 1))
		[ $i -lt 400 ] || fail "$interrupted_at is never called"
		sleep 0.02
	done
	kill -INT $traced
	wait $traced
	got=$?
	checks=$((checks + 1))
	[ $got -eq 130 ] || fail "$interrupted_at: interrupted, but ended $got"
	! find "$work/etc" -name '.setup.*' | grep . || fail "a draft was left"
	[ -f "$conf" ] || fail "$interrupted_at: no configuration"
	[ "$(stat -c %h "$conf")" -eq 1 ] || fail "$conf has two names"
	secret=$(sed -n 's/.*password_file = "\(.*\)";/\1/p' "$conf")
	[ -f "$secret" ] || fail "$interrupted_at: no $secret"
	# shellcheck disable=SC2015
	run 0 check -c "$conf"
}

interrupted link,linkat:when=1 --force
interrupted link,linkat:when=2 --force
interrupted rename,renameat:when=1 --force
interrupted rename,renameat:when=2 --force

# ---- at a terminal, and interrupted -----------------------------------------

SETUP_PORT=$A_SMTPS_PORT SETUP_USER=$A_USER1 SETUP_CA=$CA_FILE \
	SETUP_AS=$as SETUP_TOKEN=$token /usr/bin/python3 "$HARNESS/setup_terminal.py" \
	"$tillpost" "$work/terminal" "$work/right" >"$work/out" 2>"$work/err" ||
	fail "setup at a terminal"
is 600 "$work/terminal/etc/secrets/relay"
cat "$work/out" "$work/err" >>"$work/everything"

checks=$((checks + 1))
if grep -qe "$canary" -e "$A_PASS1" "$work/everything"; then
	fail "a secret was printed"
fi
echo "setup: $checks checks"
