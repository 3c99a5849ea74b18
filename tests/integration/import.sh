#!/bin/sh
# import.sh - tillpost import, product by product
#
# JOB     Every export in tests/suites/import gives the configuration and the
#         messages that stand beside it; tillpost check accepts the former;
#         no secret is in any output. Inputs of bad.txt are refused with what
#         stands there. --write puts things in place, or leaves all as it
#         was. UPDATE=1 writes the expected files anew: read them then.
# BOUNDS  A minute at most; no network.
# ERRORS  Ends at the first check that fails, with what was printed.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build/default}
tillpost=$build/bin/tillpost
HARNESS=$root/tests/harness
suite=$root/tests/suites/import
export TILLPOST_PLUGIN="${TILLPOST_PLUGIN:-$build/tillpost.so}"
export TZ=UTC
# shellcheck source=tests/harness/command.sh
. "$HARNESS/command.sh"

work=$(mktemp -d) || exit 1
work=$(cd "$work" && pwd -P)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# Not the system user of tillpost, where there is one.
as="--user $(id -u)"
tab=$(printf '\t')

# Every password_file that a configuration names, with something in it.
make_secrets()
{
	umask 077
	sed -n 's/.*\(password\|token\)_file = "\(.*\)";/\2/p' "$1" |
		while IFS= read -r file; do
			mkdir -p "${file%/*}"
			[ -e "$file" ] || echo canary-by-hand >"$file"
		done
	umask 022
}

same()
{
	checks=$((checks + 1))
	[ -z "${UPDATE:-}" ] || cp "$1" "$2"
	cmp -s "$1" "$2" || { diff "$2" "$1"; fail "$3: not as in $2"; }
}

# ---- every product ---------------------------------------------------------

cd "$suite" || exit 1
for case in */*/; do
	case=${case%/}
	format=${case%%/*}
	exported=$case/input
	[ -f "$exported" ] || exported=$case/main.cf
	more=
	[ ! -f "$case/wp-config.php" ] ||
		more="--wp-config $case/wp-config.php"
	status=0
	[ ! -f "$case/status" ] || status=$(cat "$case/status")
	place=$work/case
	rm -rf "$place"
	mkdir -p "$place/state/queue" "$place/state/spool"

	# shellcheck disable=SC2086
	run "$status" import "$format" "$exported" $more $as -c "$place/tillpost.conf" \
		--state-dir "$place/state"
	sed "s|$place|/etc/tillpost|g" "$work/out" >"$work/config"
	sed -e "s|$place|/etc/tillpost|g" -e "s| $as\$||" \
		-e 's| -c /etc/tillpost/tillpost.conf$||' \
		"$work/err" >"$work/messages"
	same "$work/config" "$case/config" "$case"
	same "$work/messages" "$case/messages" "$case"
	[ ! -e "$place/tillpost.conf" ] || fail "$case: wrote without --write"
	[ "$status" -eq 0 ] || continue

	# What is shown is what the plugin takes.
	cp "$work/out" "$place/tillpost.conf"
	make_secrets "$place/tillpost.conf"
	run 0 check -c "$place/tillpost.conf"
	rm -rf "$place/tillpost.conf" "$place/secrets" "$place/state"

	# --write makes the same, with the secrets of the export and the
	# directories.
	cp "$work/config" "$work/expected"
	run "$(grep -q 'to do: give' "$work/messages" && echo 78 || echo 0)" \
		import "$format" "$exported" $more $as \
		-c "$place/tillpost.conf" --state-dir "$place/state" --write
	if grep -q 'to do: give' "$work/messages"; then
		[ ! -e "$place/tillpost.conf" ] && [ ! -e "$place/secrets" ] ||
			fail "$case: wrote although a secret is missing"
		shows err 'secrets are missing, so nothing was written'
		# Those that are missing, and no others, as it says.
		sed -n 's|.*to do: give the .* to: tillpost ||p' \
			"$work/err" >"$work/todo"
		while IFS= read -r words; do
			# shellcheck disable=SC2086
			echo canary-by-hand | "$tillpost" $words \
				>>"$work/everything" 2>&1 ||
				fail "tillpost $words"
		done <"$work/todo"
		run 0 import "$format" "$exported" $more $as \
			-c "$place/tillpost.conf" \
			--state-dir "$place/state" --write
	fi
	sed "s|$place|/etc/tillpost|g" "$place/tillpost.conf" >"$work/written"
	cmp -s "$work/expected" "$work/written" ||
		fail "$case: --write made something else"
	run 0 check -c "$place/tillpost.conf"
	for file in "$place"/secrets/*; do
		[ -e "$file" ] || continue
		checks=$((checks + 1))
		[ "$(stat -c %a "$file")" = 600 ] || fail "$file is not 0600"
		grep -q canary "$file" || fail "$file has not the secret"
	done
	run 0 import "$format" "$exported" --json
	shows out "^.\"format\": ?\"$format\""
done
cd "$root" || exit 1

# ---- secrets are what they were --------------------------------------------

# secret CASE RELAY TEXT
secret()
{
	place=$work/secret
	rm -rf "$place"
	mkdir -p "$place"
	exported=$suite/$1/input
	[ -f "$exported" ] || exported=$suite/$1/main.cf
	more=
	[ ! -f "$suite/$1/wp-config.php" ] ||
		more="--wp-config $suite/$1/wp-config.php"
	# shellcheck disable=SC2086
	run 0 import "${1%%/*}" "$exported" $more $as -c "$place/tillpost.conf" \
		--state-dir "$place" --write
	printf '%s' "$3" >"$work/wanted"
	checks=$((checks + 1))
	cmp -s "$work/wanted" "$place/secrets/$2" ||
		fail "$1: the secret of $2 is not as it was"
}

secret post-smtp/php_options post-smtp canary-post
secret post-smtp/json_encoded_twice post-smtp canary-post
secret post-smtp/json_connections fallback canary-backup
secret mageplaza/dump_plain_password mageplaza "canary \\ 'x' \"y\""
secret magepal/csv_tls_on_587 magepal 'canary "quoted", and'
secret prestashop/rows_off_with_login prestashop "canary\\tab${tab}here"
secret opencart/dump_tls_prefix_stores opencart "canary & \"co\" 'x'"
secret msmtp/without_sections msmtp canary-one
secret postfix/sender_dependent postfix 'canary:with:colons'
secret postfix/sender_dependent smtp-example-net canary-sales
secret postfix/wrapper_mode_587 postfix canary-wrap
secret fluent-smtp/php_encrypted_opened fluent-smtp 'canary-opened pässword'
secret fluent-smtp/php_encrypted_opened eu-example-com canary-constant

# ---- an existing configuration ---------------------------------------------

place=$work/existing
mkdir -p "$place/queue" "$place/spool"
cat >"$place/tillpost.conf" <<END
queue = { path = "$place/queue/queue.db"; };
spool = { path = "$place/spool"; };
log = { path = "$place/queue/outcome.jsonl"; };
relays = { old = { host = "127.0.0.1"; port = 2525; tls = "none"; }; };
stores = { default = { relays = ["old"]; }; };
END
cp "$place/tillpost.conf" "$place/before"
wp=$suite/wp-mail-smtp/json_ssl_on_587/input
run 75 import wp-mail-smtp "$wp" $as -c "$place/tillpost.conf" --write
shows err 'stores.default: is in the configuration already'
[ ! -e "$place/secrets" ] && [ ! -e "$place/tillpost.managed.conf" ] ||
	fail "a refused import left something behind"

run 0 import wp-mail-smtp "$wp" $as -c "$place/tillpost.conf" --write \
	--store wordpress --relay blog
cmp -s "$place/before" "$place/tillpost.conf" || fail "the main file changed"
run 0 settings get relays.blog.tls --json -c "$place/tillpost.conf"
shows out '"value": ?"starttls".*"source": ?"managed"'
run 0 settings get stores.wordpress.relays --json -c "$place/tillpost.conf"
shows out '"value": ?"blog"'
run 0 check -c "$place/tillpost.conf"
[ "$(cat "$place/secrets/blog")" = canary-wp ] || fail "not the secret"

run 75 import wp-mail-smtp "$wp" $as -c "$place/tillpost.conf" --write \
	--store wordpress --relay blog
shows err 'relays.blog: is in the configuration already'
run 75 import wp-mail-smtp "$wp" $as -c "$place/tillpost.conf" --write \
	--store second --relay blog
shows err 'relays.blog: is in the configuration already'

# A secret file that is there is not replaced, and nothing else is written.
(umask 077 && echo canary-mine >"$place/secrets/third")
cp "$place/tillpost.managed.conf" "$place/before"
run 75 import wp-mail-smtp "$wp" $as -c "$place/tillpost.conf" --write \
	--store third --relay third
shows err 'is there already and is not replaced'
cmp -s "$place/before" "$place/tillpost.managed.conf" ||
	fail "the managed file changed"
[ "$(cat "$place/secrets/third")" = canary-mine ] || fail "secret replaced"

# What the plugin refuses half way is taken back: a sender that another store
# matches already is found when the relays are set.
run 0 settings set stores.wordpress.match.from sales@eu.example.com \
	-c "$place/tillpost.conf"
cp "$place/tillpost.managed.conf" "$place/before"
fluent=$suite/fluent-smtp/json_three_connections/input
run 78 import fluent-smtp "$fluent" $as -c "$place/tillpost.conf" --write \
	--store fourth --relay fourth
shows err 'sales@eu.example.com.* is already in store'
cmp -s "$place/before" "$place/tillpost.managed.conf" ||
	fail "the managed file changed"
[ ! -e "$place/secrets/fourth" ] || fail "a secret was left behind"

# Several stores, without the default one of the export.
place=$work/several
mkdir -p "$place/queue" "$place/spool"
cat >"$place/tillpost.conf" <<END
queue = { path = "$place/queue/queue.db"; };
spool = { path = "$place/spool"; };
log = { path = "$place/queue/outcome.jsonl"; };
END
run 0 import fluent-smtp "$fluent" $as \
	-c "$place/tillpost.conf" --write
run 0 check -c "$place/tillpost.conf"
printf 'From: info@eu.example.com\nSubject: x\n\nx\n' >"$work/mail"
"$tillpost" route -c "$place/tillpost.conf" x@example.org <"$work/mail" \
	>"$work/out" 2>"$work/err" || fail "route"
shows out 'eu-example-com'

# A new one brings its directories; all of it is where --state-dir says.
place=$work/fresh
run 0 import wp-mail-smtp "$wp" $as -c "$place/etc/tillpost.conf" \
	--state-dir "$place" --write
run 0 settings get --json -c "$place/etc/tillpost.conf"
checks=$((checks + 1))
! grep -E '"value": ?"/(var|etc)' "$work/out" || fail "a path elsewhere"
for path in queue spool etc/secrets; do
	[ -d "$place/$path" ] || fail "there is no $path"
done

# Nobody else may write where secrets go.
place=$work/open
mkdir -p "$place"
chmod 0777 "$place"
run 77 import wp-mail-smtp "$wp" $as -c "$place/tillpost.conf" --write
shows err 'can be written by others: run chmod go-w'

# ---- what is refused -------------------------------------------------------

run 64 import
shows err 'which format and file'
run 64 import wordpress "$wp"
shows err 'no format that can be imported'
run 64 import wp-mail-smtp "$wp" --relay '1 x'
run 64 import wp-mail-smtp "$wp" --sasl "$wp"
run 66 import wp-mail-smtp "$work/none"
run 64 import wp-mail-smtp "$wp" --wp-config "$wp"
shows err 'for the format fluent-smtp'
opened=$suite/fluent-smtp/php_encrypted_opened
run 66 import fluent-smtp "$opened/input" --wp-config "$work/none"
echo '<?php' >"$work/wp-config.php"
run 65 import fluent-smtp "$opened/input" --wp-config "$work/wp-config.php"
shows err 'has no define'
echo "<?php define('LOGGED_IN_KEY', 'another');" >"$work/wp-config.php"
run 0 import fluent-smtp "$opened/input" --wp-config "$work/wp-config.php"
shows err 'not with the constants of this wp-config.php'
run 0 import --help
shows out 'Formats: wp-mail-smtp'

bad=0
while IFS="$tab" read -r format text pattern; do
	case $format in '#'* | '') continue ;; esac
	# An empty field is swallowed by read: the pattern came too early.
	if [ -z "$pattern" ]; then
		pattern=$text
		text=
	fi
	printf '%b' "$text" >"$work/bad_input"
	run 65 import "$format" "$work/bad_input"
	shows err "$pattern"
	[ ! -s "$work/out" ] || fail "$format: something was printed"
	bad=$((bad + 1))
done <"$suite/bad.txt"
[ "$bad" -ge 60 ] || fail "only $bad bad inputs were tried"

# ---- no secret anywhere ----------------------------------------------------

checks=$((checks + 1))
if grep -nE 'canary|Y2FuYXJ5' "$work/everything"; then
	echo "FAILED: a secret in the output"
	exit 1
fi
echo "$checks checks, $bad bad inputs"
