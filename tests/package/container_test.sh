#!/bin/bash
# container_test.sh - process 1 in the foreground, settings from file and
# environment
#
# JOB     What README.Debian says about containers, done in a bare root: the
#         user with a fixed number, a read-only file of settings, the password
#         in the environment only, no outcome log, and the documented command
#         as process 1 of a name space. Mail of another user goes out; the
#         commands work beside it; SIGTERM ends it in time with everything on
#         disk; the next one delivers what waited.
# NEEDS   root, the mirror
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh

readme=$root/usr/share/doc/tillpost/README.Debian
RELAY_PASSWORD=only-in-the-environment
one=

# run_container: the command of the documentation, as its user, as process 1
run_container()
{
	local command user

	command=$(gzip -cdf "$readme"* | sed -n 's/^ *CMD //p' | tr -d '[]",')
	user=$(gzip -cdf "$readme"* | sed -n 's/^ *USER //p')
	[ "$user ${command:-none}" = "tillpost tillpostd" ] ||
		fail "README.Debian: user $user, command $command"
	: >"$work/container.log"
	# shellcheck disable=SC2016,SC2086 # for the inner shell; several words
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		RELAY_PASSWORD=$RELAY_PASSWORD \
		unshare --pid --mount --fork --kill-child chroot "$root" \
		sh -c 'mount -t proc proc /proc && exec setpriv \
			--reuid=$0 --regid=$0 --clear-groups "$@"' \
		"$user" $command </dev/null >>"$work/container.log" 2>&1 &
	runner=$!
	for _ in $(seq 100); do
		one=$(pgrep -P $runner tillpostd) && break
		sleep 0.1
	done
	[ -n "$one" ] || { cat "$work/container.log"; fail "no process 1"; }
	for _ in $(seq 100); do
		! grep -q '"event": *"started"' "$work/container.log" || return 0
		sleep 0.1
	done
	cat "$work/container.log"
	fail "not started"
}

# run_exec [NAME=VALUE...] COMMAND...: as docker exec does
run_exec()
{
	nsenter --target "$one" --mount --pid --root --wd setpriv \
		--reuid=tillpost --regid=tillpost --clear-groups \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# stop_container: SIGTERM; the time, at most 25 s
stop_container()
{
	local begin=$SECONDS code=0

	kill -TERM "$one"
	wait "$runner" || code=$?
	[ $code -eq 0 ] || { cat "$work/container.log"; fail "ended with $code"; }
	[ $((SECONDS - begin)) -le 25 ] || fail "took $((SECONDS - begin)) s"
	grep -q '"event": *"stopped"' "$work/container.log" ||
		fail "not stopped in order"
	step "ended with 0 after $((SECONDS - begin)) s"
}

mkdir -p "$work"
built first
step "an image: user with a fixed number, package, read-only settings"
root_base bare
root_open bare
in_root groupadd --system --gid 990 tillpost
in_root useradd --system --uid 990 --gid 990 --home-dir /var/lib/tillpost \
	--no-create-home --shell /usr/sbin/nologin tillpost
apt update
offer "$work/first"
apt install tillpost
[ "$(in_root id -u tillpost)" = 990 ] || fail "not user 990"
inside modes
sink_start
cat >"$root/etc/tillpost/tillpost.conf" <<-END
	queue = { retry_base = "1s"; retry_cap = "2s"; };
	log = { path = ""; };
	relays = {
	  lab = { host = "127.0.0.1"; port = $port; tls = "none";
	          auth = "plain"; allow_plaintext_auth = true;
	          username = "shop"; password_env = "RELAY_PASSWORD"; };
	};
	stores = { default = { relays = ["lab"]; from = "shop@example.com";
	                       users = ["33"]; }; };
END
chown -R root:root "$root/etc/tillpost"
mount --bind "$root/etc/tillpost" "$root/etc/tillpost"
mount -o remount,ro,bind "$root/etc/tillpost"

step "process 1"
run_container
[ "$(run_exec cat /proc/1/comm)" = tillpostd ] || fail "not process 1"
nsenter --target "$one" --mount --pid --root --wd /test/inside.sh restricted
inside accept "from another container"
arrived 1
run_exec RELAY_PASSWORD=$RELAY_PASSWORD tillpost status
run_exec RELAY_PASSWORD=$RELAY_PASSWORD tillpost log |
	grep -q anna@example.org ||
	fail "tillpost log shows nothing"
for command in status queue log; do
	run_exec tillpost $command >/dev/null ||
		fail "$command wants the secret"
done

step "the password is nowhere else"
if in_root setpriv --reuid=www-data --regid=www-data --clear-groups \
	cat "/proc/$one/environ" >/dev/null 2>&1; then
	fail "others can read the environment"
fi
if grep -rqaF $RELAY_PASSWORD "$root/var" "$root/etc" \
	"$work/container.log"; then
	fail "the password is on disk"
fi
[ -z "$(find "$root/var/log/tillpost" -type f)" ] || fail "there is a log"

step "SIGTERM, with mail that waits"
sink_stop
inside accept "waits in the queue"
for _ in $(seq 100); do
	[ "$(find "$root/var/spool/tillpost/incoming" -type f | wc -l)" -ne 0 ] ||
		break
	sleep 0.1
done
inside spooled 0
stop_container
inside accept "waits in the spool"
inside spooled 1

step "the next one has it"
sink_start "$port"
run_container
arrived 3
stop_container
sink_stop
umount "$root/etc/tillpost"
root_close
