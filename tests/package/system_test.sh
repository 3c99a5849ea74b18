#!/bin/bash
# system_test.sh - unit, profiles, users, directories, completion: no mistakes
#
# JOB     What can be checked without installing anything.
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bin=$(readlink -f "${TP_BUILD:-build/default}/bin")

fail()
{
	echo "system_test.sh: $*"
	exit 1
}

for profile in packaging/apparmor/*; do
	# Never in force on any machine yet, so nothing may depend on it; and
	# "deny" would be in force even so.
	grep -q '^profile .* flags=(complain) {$' "$profile" ||
		fail "$profile is not in complain mode"
	if grep -E '^ *(deny|capability)' "$profile"; then
		fail "$profile: no deny, and no capability is needed"
	fi
	# A kernel without AppArmor is a warning and no error.
	apparmor_parser --skip-kernel-load --skip-cache \
		--skip-read-cache "$profile" 2>"$scratch/out" || {
		cat "$scratch/out"
		fail "$profile"
	}
done

# 1.2 is "OK"; what is left open is the network, the users' numbers and the
# clock device. Tenths: at most 1.3.
systemd-analyze security --offline=true --threshold=13 --no-pager \
	packaging/systemd/tillpostd.service >"$scratch/out" || {
	cat "$scratch/out"
	fail "the unit is not restricted enough"
}
tail -n 1 "$scratch/out"

root=$scratch/root
mkdir -p "$root/etc"
systemd-sysusers --root="$root" "$PWD/packaging/systemd/tillpost.sysusers" \
	>"$scratch/out" 2>&1 || {
	cat "$scratch/out"
	fail "sysusers"
}
grep -q '^tillpost:.*:/var/lib/tillpost:/usr/sbin/nologin$' \
	"$root/etc/passwd" || fail "no user"
if [ "$(id -u)" -eq 0 ]; then
	systemd-tmpfiles --root="$root" --create \
		"$PWD/packaging/systemd/tillpost.tmpfiles"
	[ "$(stat -c %a "$root/var/spool/tillpost/incoming")" = 3733 ] ||
		fail "the mode of incoming is wrong"
fi

# What postinst makes without systemd has the modes of tmpfiles.d.
while read -r type path mode _; do
	[ "$type" = d ] || continue
	case $path in
	*/incoming) pattern="chmod ${mode#0} incoming" ;;
	*/spool/tillpost/*) pattern="mkdir -m $mode ${path##*/}" ;;
	*) pattern= ;;
	esac
	made="own_directory $mode ${path/\/var\/spool\/tillpost/\$SPOOL}"
	for line in "$made" "$pattern"; do
		grep -qF -- "$line" packaging/debian/tillpost.postinst ||
			fail "tillpost.postinst differs from tmpfiles.d: $line"
	done
done <packaging/systemd/tillpost.tmpfiles

# complete WORD...: the candidates for the last word
complete_words()
{
	PATH=$bin:$PATH bash -c '
		. packaging/bash-completion/tillpost
		compopt() { :; }
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		"$(complete -p "$1" | sed "s/.*-F \([^ ]*\) .*/\1/")"
		echo "${COMPREPLY[*]}"' - "$@"
}

# expect WANTED WORD...
expect()
{
	local wanted="$1" got

	shift
	got=$(complete_words "$@")
	[ "$got" = "$wanted" ] || fail "completion of \"$*\": \"$got\""
}

expect "submit" tillpost sub
expect "setup" tillpost setu
expect "doctor" tillpost d
expect "import" tillpost i
expect "log" tillpost lo
expect "failed" tillpost log --verdict f
expect "--verdict" tillpost log --v
expect "list release discard" tillpost spool ""
expect "--password-env --password-file --password-stdin" tillpost setup --pass
expect "--token-env --token-file" tillpost setup --tok
expect "secret" tillpost sec
expect "set" tillpost secret ""
expect "implicit starttls none" tillpost setup --tls ""
expect "sendgrid" tillpost setup --provider sendg
expect "--selector --sendmail" tillpost doctor --se
expect "wp-mail-smtp" tillpost import wp
expect "--sasl" tillpost import --sas
expect "LICENSE" tillpost import msmtp LIC
expect "error warning info debug" tillpostd --log-level ""
expect "--log --log-level" tillpostd --lo
expect "--store=" tillpost-sendmail --s
