#!/bin/sh
# secret.sh - tillpost secret set
#
# JOB     A secret from standard input, and typed at a terminal, ends up in a
#         file of the daemon's user alone, whole and without its line end;
#         the old file stays until then. Links, directories of others, names
#         that are paths, no secret: refused, and nothing is left behind.
# ERRORS  Ends at the first check that fails, with what was printed.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build/default}
HARNESS=$root/tests/harness
# shellcheck source=tests/harness/command.sh
. "$HARNESS/command.sh"

work=$(mktemp -d /tmp/tp-secret.XXXXXX) || exit 1
chmod 711 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
install -m 755 "$build/bin/tillpost" "$work/tillpost" || exit 1
tillpost=$work/tillpost
owner=$(id -u)
[ "$owner" -ne 0 ] || owner=61010
canary=canary-71c0aa

typed=$canary
given() { printf '%s' "$typed" | "$tillpost" secret "$@"; }

# run CODE ARGUMENT...: tillpost secret ends with CODE, given $typed
run()
{
	wanted=$1
	shift
	ran given "$@"
	[ $got -eq "$wanted" ] ||
		fail "tillpost secret $*: exit code $got, expected $wanted"
}

# holds PATH TEXT: a file of the owner alone
holds()
{
	checks=$((checks + 1))
	printf '%s' "$2" | cmp -s - "$1" || fail "$1 is not what was given"
	[ "$(stat -c '%a %u %F' "$1")" = "600 $owner regular file" ] ||
		fail "$1 is $(stat -c '%a %u %F' "$1")"
	[ -z "$(find "${1%/*}" -name '.secret*')" ] || fail "left behind"
}

mkdir -m 755 "$work/etc" || exit 1
[ "$(id -u)" -ne 0 ] || chown $owner "$work/etc"
conf=$work/etc/tillpost.conf

# ---- a name -----------------------------------------------------------------

run 0 set ses -c "$conf"
holds "$work/etc/secrets/ses" $canary
[ "$(stat -c '%a %u' "$work/etc/secrets")" = "700 $owner" ] ||
	fail "the directory of secrets"
shows out "password_file = \"$work/etc/secrets/ses\""
shows out 'tillpostd --check -c .* && systemctl reload'

typed="another one
"
run 0 set ses -c "$conf"
holds "$work/etc/secrets/ses" "another one"
typed=$canary

for name in a/b ../x . .. .x ''; do
	run 64 set "$name" -c "$conf"
	shows err 'a path begins with'
done
run 64 set -c "$conf"
run 64 get ses -c "$conf"
run 64 set ses $canary -c "$conf"
typed=
run 64 set ses -c "$conf"
shows err 'there is no secret'
typed='two
lines'
run 64 set ses -c "$conf"
typed=$canary
holds "$work/etc/secrets/ses" "another one"

# ---- a path, links, others' directories --------------------------------------

run 0 set "$work/etc/secrets/eu" -c /nowhere/tillpost.conf
holds "$work/etc/secrets/eu" $canary
mkdir "$work/etc/secrets/folder" && echo mine >"$work/mine" || exit 1
run 74 set "$work/etc/secrets/folder"
ln -s "$work/mine" "$work/etc/secrets/link"
run 0 set link -c "$conf"
holds "$work/etc/secrets/link" $canary
[ "$(cat "$work/mine")" = mine ] || fail "a link was followed"
[ -z "$(find "$work/etc/secrets" -name '.secret*')" ] || fail "left behind"

chmod 755 "$work/etc/secrets"
run 77 set ses -c "$conf"
shows err 'mode 0700'
chmod 700 "$work/etc/secrets"
mkdir -m 777 "$work/open" && chmod 777 "$work/open" || exit 1
[ "$(id -u)" -ne 0 ] || chown $owner "$work/open"
run 77 set "$work/open/x"
shows err 'nobody else may write to it'

if [ "$(id -u)" -eq 0 ]; then
	# Where root is led by somebody else's link, root does not go.
	mkdir -m 755 "$work/roots" && ln -s "$work/roots" "$work/etc/to" &&
		chown -h $owner "$work/etc/to" || exit 1
	run 77 set "$work/etc/to/x" --user 0
	shows err 'through a directory of another user'
	[ ! -e "$work/roots/x" ] || fail "root was led elsewhere"
	# Nor by a link of root's that leads through the hands of others.
	mkdir -m 755 "$work/etc/ops" && ln -s etc/ops "$work/ops" || exit 1
	run 77 set "$work/ops/x"
	run 77 set "$work/ops/x" --user 0
	shows err 'through a directory of another user'
	[ ! -e "$work/etc/ops/x" ] || fail "root was led elsewhere"
	ln -s roots "$work/links"
	run 0 set "$work/links/y"
	[ "$(stat -c %u "$work/roots/y")" = 0 ] || fail "y is not root's"
	run 77 set "$work/roots/x" --user $owner
	owner=0
	run 0 set "$work/roots/x"
	holds "$work/roots/x" $canary
fi

# ---- at a terminal ------------------------------------------------------------

checks=$((checks + 1))
TP_TYPED=$canary /usr/bin/python3 "$HARNESS/typed.py" "$tillpost" secret set \
	typed -c "$conf" >"$work/out" 2>"$work/err" || fail "at a terminal"
cat "$work/out" >>"$work/everything"
printf '%s' $canary | cmp - "$work/etc/secrets/typed" || fail "not as typed"

checks=$((checks + 1))
if grep -q $canary "$work/everything"; then
	fail "a secret was printed"
fi
echo "secret: $checks checks"
