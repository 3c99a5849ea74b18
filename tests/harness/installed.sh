#!/bin/sh
# installed.sh - a tillpost of its own for a test, as on a server
#
# JOB     A library for tests with storefronts: the built programs in a
#         directory that every user can reach, a configuration with secrets
#         that only the daemon's user can read, a spool, and the daemon. As
#         root the daemon runs as a user that no other program of the test
#         runs as; anybody else runs everything as himself.
#
# USE     HARNESS=tests/harness; . "$HARNESS/installed.sh"
#
#   installed_prepare DIR       copies the programs of TP_BUILD (build) and
#                               TILLPOST_PLUGIN to DIR/bin, DIR/tillpost.so,
#                               DIR/php/tillpost.so; makes the directories
#   installed_secret NAME TEXT  makes the file $TP_SECRETS/NAME
#   installed_start             starts the daemon on $TP_CONFIG, which the
#                               caller has written, and waits until it answers
#   installed_stop              ends it by SIGTERM; nothing if it does not run
#   installed_wait_empty N      until at most N files are in the spool (10 s)
#
# RESULT  TP_BIN, TP_PLUGIN, TP_EXTENSION, TP_CONFIG, TP_SECRETS, TP_SPOOL,
#         TP_STATE (queue and outcomes), TP_LOG (of the daemon); TP_UID, the
#         daemon's user; TILLPOST_PLUGIN is exported.
# ERRORS  0; 1 with a reason and the end of the daemon's log on stderr.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC3043

# A user without a name: that none is needed is part of the test.
TP_DAEMON_UID=61010

installed_say()
{
	echo "installed.sh: $*" >&2
}

# installed_as UID COMMAND...: without any group but his own
installed_as()
{
	local uid="$1"

	shift
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"
	else
		"$@"
	fi
}

# installed_directory MODE PATH: of the daemon's user
installed_directory()
{
	mkdir -p "$2" && chmod "$1" "$2" || return 1
	[ "$(id -u)" -ne 0 ] || chown "$TP_UID:$TP_UID" "$2"
}

installed_prepare()
{
	local built="${TP_BUILD:-$HARNESS/../../build}" program

	TP_UID=$(id -u)
	[ "$TP_UID" -ne 0 ] || TP_UID=$TP_DAEMON_UID
	chmod 711 "$1"
	TP_BIN=$1/bin TP_PLUGIN=$1/tillpost.so TP_EXTENSION=$1/php/tillpost.so
	TP_CONFIG=$1/etc/tillpost.conf TP_SECRETS=$1/etc/secrets
	TP_SPOOL=$1/spool TP_STATE=$1/state TP_LOG=$1/daemon.log
	mkdir -p "$TP_BIN" "$1/php" "$1/etc"
	chmod 755 "$1/bin" "$1/php" "$1/etc"
	for program in tillpost tillpostd tillpost-sendmail; do
		install -m 755 "$built/bin/$program" "$TP_BIN/" || return 1
	done
	install -m 755 "${TILLPOST_PLUGIN:-$built/tillpost.so}" "$TP_PLUGIN" &&
		install -m 755 "$built/php/tillpost.so" "$TP_EXTENSION" ||
		return 1
	installed_directory 700 "$TP_SECRETS" &&
		installed_directory 700 "$TP_STATE" &&
		installed_directory 755 "$TP_SPOOL" || return 1
	TP_PID=
	export TILLPOST_PLUGIN="$TP_PLUGIN"
}

installed_secret()
{
	(umask 077 && printf '%s\n' "$2" >"$TP_SECRETS/$1") || return 1
	[ "$(id -u)" -ne 0 ] || chown "$TP_UID:$TP_UID" "$TP_SECRETS/$1"
}

installed_show_log()
{
	[ ! -s "$TP_LOG" ] || tail -n 20 "$TP_LOG" >&2
}

# Files of an earlier run, sockets too, tell nothing.
installed_starts()
{
	grep -c '"event":"started"' "$TP_LOG"
}

installed_start()
{
	local waited=0 before

	: >>"$TP_LOG"
	before=$(installed_starts)

	# Root's shell opens the log: the daemon's user may not make it.
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid="$TP_UID" --regid="$TP_UID" --clear-groups \
			"$TP_BIN/tillpostd" -c "$TP_CONFIG" --log json \
			</dev/null >>"$TP_LOG" 2>&1 &
	else
		"$TP_BIN/tillpostd" -c "$TP_CONFIG" --log json \
			</dev/null >>"$TP_LOG" 2>&1 &
	fi
	TP_PID=$!
	until [ "$(installed_starts)" -gt "$before" ]; do
		if [ $waited -ge 100 ] || ! kill -0 "$TP_PID" 2>/dev/null; then
			installed_say "the daemon does not start"
			installed_show_log
			installed_stop
			return 1
		fi
		sleep 0.1
		waited=$((waited + 1))
	done
}

installed_stop()
{
	local code

	[ -n "${TP_PID:-}" ] || return 0
	kill "$TP_PID" 2>/dev/null
	wait "$TP_PID"
	code=$?
	TP_PID=
	[ $code -eq 0 ] && return 0
	installed_say "the daemon ended with $code"
	installed_show_log
	return 1
}

installed_spooled()
{
	find "$TP_SPOOL/incoming" -type f ! -name 't.*' 2>/dev/null | wc -l
}

installed_wait_empty()
{
	local waited=0

	while [ "$(installed_spooled)" -gt "$1" ]; do
		[ $waited -lt 100 ] || return 1
		sleep 0.1
		waited=$((waited + 1))
	done
}
