#!/bin/sh
# relays.sh - two real, independent mail relays for tests and the demo
#
# JOB     Relay A is Postfix with Dovecot SASL; relay B is Dovecot's submission
#         service. Both listen on free ports of 127.0.0.1 with certificates of
#         a private authority, keep everything below one directory, and use
#         nothing of the system's own Postfix and Dovecot but the programs.
#         An ordinary user gets an aiosmtpd server as A (Postfix needs root)
#         and the same real Dovecot as B.
#
# USE     As a command:   tests/harness/relays.sh COMMAND ARGUMENTS
#         As a library:   HARNESS=tests/harness; . "$HARNESS/relays.sh"
#
#   relays_start DIR        start DIR    both; writes DIR/relays.env
#   relays_stop DIR         stop DIR     both; nothing of them stays running
#   relay_stop a|b DIR      stop-one     one, as in an outage
#   relay_start a|b DIR     start-one    again, on the same ports
#   relay_messages a|b DIR  messages     prints the directory of stored mail
#   relay_auth_log a|b DIR  auth-log     id user sender recipient tls, one line
#                                        for each message and recipient
#   relay_sessions DIR      sessions     of A: listener tls user command=count
#                                        for each finished session
#   relay_wait a|b N DIR    wait         until N messages are stored; gives up
#                                        when none came for 10 s
#
#         DIR must be reachable by other users when root starts the relays
#         (it is made mode 0711), and short: at most 70 bytes.
#         Before the start, the caller may set A_PASS1 A_PASS2 B_PASS1 (random
#         otherwise; no quotes or controls) and SIZE_LIMIT (bytes).
#
# RESULT  relays.env (sh syntax, mode 0600) has A_KIND, B_KIND; A_USER1,
#         A_PASS1, A_USER2, A_PASS2, B_USER1, B_PASS1; A_SMTPS_PORT, A_STARTTLS_PORT,
#         A_PLAIN_PORT (no STARTTLS), B_SMTPS_PORT, B_STARTTLS_PORT; with bad
#         certificates A_{EXPIRED,WRONG_NAME,OTHER_CA}_{SMTPS,STARTTLS}_PORT;
#         CA_FILE, OTHER_CA_FILE; SIZE_LIMIT. The certificates name localhost,
#         127.0.0.1 and relay-a.test or relay-b.test.
#         Of each message, DIR/X/store has ID.eml (exactly the bytes received,
#         CRLF, without the relay's own Received field) and ID.env (lines id,
#         user, sender, recipient...). ID.eml appears last.
#
# RULES   Both relays accept every address from an authenticated user, except:
#         recipient nobody@ 550 5.1.1, tempfail@ 451 4.7.1; sender blocked@
#         553 5.7.1 at MAIL, late-blocked@ 550 5.7.1 at RCPT (B says all of it
#         where Dovecot passes the backend's answer on).
# ERRORS  0; 1 with a reason and the tails of the logs on stderr; 64 usage.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC1091,SC3043

case $0 in
relays.sh | */relays.sh) HARNESS=$(dirname -- "$0") ;;
esac
HARNESS=$(cd "${HARNESS:?is the directory of relays.sh}" && pwd -P)

# The daemons are in sbin, which an ordinary user's PATH may lack.
PATH=$PATH:/usr/sbin:/sbin
PYTHON=/usr/bin/python3

# shellcheck source=tests/harness/relay_postfix.sh
. "$HARNESS/relay_postfix.sh"
# shellcheck source=tests/harness/relay_dovecot.sh
. "$HARNESS/relay_dovecot.sh"

PORT_NAMES="A_SMTPS_PORT A_STARTTLS_PORT A_PLAIN_PORT
	A_EXPIRED_SMTPS_PORT A_EXPIRED_STARTTLS_PORT
	A_WRONG_NAME_SMTPS_PORT A_WRONG_NAME_STARTTLS_PORT
	A_OTHER_CA_SMTPS_PORT A_OTHER_CA_STARTTLS_PORT
	B_SMTPS_PORT B_STARTTLS_PORT B_BACKEND_PORT"
ENV_NAMES="A_KIND B_KIND A_USER1 A_PASS1 A_USER2 A_PASS2 B_USER1 B_PASS1
	CA_FILE OTHER_CA_FILE SIZE_LIMIT $PORT_NAMES"

relays_say()
{
	echo "relays.sh: $*" >&2
}

relays_random()
{
	od -An -N12 -tx1 /dev/urandom | tr -d ' \n'
}

# relays_open DIR: sets DIR, and the variables of relays.env if it is there
relays_open()
{
	DIR=$(cd "$1" && pwd -P) || return 1
	[ ! -e "$DIR/relays.env" ] || . "$DIR/relays.env"
}

# relays_is_running PID WORD: a process with WORD in its command line. An
# ended one that nobody has waited for has no command line any more.
relays_is_running()
{
	grep -qaF -- "$2" "/proc/$1/cmdline" 2>/dev/null
}

# relays_end_process PID_FILE WORD: WORD keeps a leftover file, whose number
# is in use again, from hitting a stranger.
relays_end_process()
{
	local pid waited=0

	[ -e "$1" ] || return 0
	read -r pid <"$1" || return 0
	relays_is_running "$pid" "$2" || return 0
	kill "$pid"
	while relays_is_running "$pid" "$2"; do
		[ $waited -lt 100 ] || return 1
		sleep 0.05
		waited=$((waited + 1))
	done
}

# ---- relay A of ordinary users, and the backend of relay B

# relay_user_launch DIRECTORY OPTION...: does not wait for its ports
relay_user_launch()
{
	local directory="$1" pid waited=0

	shift
	"$PYTHON" "$HARNESS/relay_user.py" "$directory" \
		--size "$SIZE_LIMIT" "$@" </dev/null \
		>>"$directory/server.out" 2>&1 &
	pid=$!
	echo "$pid" >"$directory/server.pid"
	# Between fork and exec it does not have its name, and could not be
	# ended by it.
	while ! relays_is_running "$pid" relay_user.py; do
		[ $waited -lt 100 ] || return 1
		sleep 0.01
		waited=$((waited + 1))
	done
}

relay_user_halt()
{
	relays_end_process "$1/server.pid" relay_user.py
}

# The same listeners as relay A's Postfix has.
aiosmtpd_start()
{
	local pki="$DIR/pki"

	mkdir -p "$DIR/a"
	dovecot_write_accounts "$DIR/a/accounts" "$A_USER1" "$A_PASS1" \
		"$A_USER2" "$A_PASS2"
	set -- "smtps:$A_SMTPS_PORT:implicit:$pki/relay-a.pem" \
		"starttls:$A_STARTTLS_PORT:starttls:$pki/relay-a.pem" \
		"plain:$A_PLAIN_PORT:plain" \
		"expired-smtps:$A_EXPIRED_SMTPS_PORT:implicit:$pki/expired.pem" \
		"expired-starttls:$A_EXPIRED_STARTTLS_PORT:starttls:$pki/expired.pem"
	set -- "$@" \
		"wrong-name-smtps:$A_WRONG_NAME_SMTPS_PORT:implicit:$pki/wrong-name.pem" \
		"wrong-name-starttls:$A_WRONG_NAME_STARTTLS_PORT:starttls:$pki/wrong-name.pem" \
		"other-ca-smtps:$A_OTHER_CA_SMTPS_PORT:implicit:$pki/other.pem" \
		"other-ca-starttls:$A_OTHER_CA_STARTTLS_PORT:starttls:$pki/other.pem"
	relay_user_launch "$DIR/a" --name relay-a.test \
		--accounts "$DIR/a/accounts" --listen "$@"
}

# ---- one relay

relay_launch()
{
	case $1-${A_KIND:-} in
	a-postfix) postfix_start ;;
	a-aiosmtpd) aiosmtpd_start ;;
	b-*) submission_start ;;
	esac
}

relay_halt()
{
	case $1-${A_KIND:-} in
	a-postfix) postfix_stop ;;
	a-aiosmtpd) relay_user_halt "$DIR/a" ;;
	b-*) submission_stop ;;
	esac
}

relay_ready()
{
	case $1 in
	a) "$PYTHON" "$HARNESS/ports.py" wait "tls:$A_SMTPS_PORT" \
		"$A_STARTTLS_PORT" "$A_PLAIN_PORT" ;;
	b) "$PYTHON" "$HARNESS/ports.py" wait "$B_BACKEND_PORT" \
		"tls:$B_SMTPS_PORT" "$B_STARTTLS_PORT" ;;
	esac
}

relay_show_logs()
{
	local log

	for log in "$DIR/$1"/*.log "$DIR/$1"/*.out; do
		[ -s "$log" ] || continue
		echo "--- $log" >&2
		tail -n 5 "$log" >&2
	done
}

relay_start()
{
	relays_open "$2" || return 1
	# Postfix's and Dovecot's own users read some of these files.
	if ! (umask 022 && relay_launch "$1") || ! relay_ready "$1"; then
		relays_say "relay $1 does not start"
		relay_show_logs "$1"
		relay_halt "$1"
		return 1
	fi
}

relay_stop()
{
	relays_open "$2" || return 1
	relay_halt "$1" && return 0
	relays_say "relay $1 does not stop"
	return 1
}

relay_messages()
{
	relays_open "$2" || return 1
	echo "$DIR/$1/store"
}

relay_auth_log()
{
	relays_open "$2" || return 1
	case $1-$A_KIND in
	a-aiosmtpd) cat "$DIR/a/auth.log" ;;
	a-postfix) "$PYTHON" "$HARNESS/auth_log.py" postfix "$DIR/a/mail.log" ;;
	b-*) "$PYTHON" "$HARNESS/auth_log.py" dovecot "$DIR/b/auth.log" \
		"$DIR/b/run.log" ;;
	esac
}

relay_sessions()
{
	relays_open "$1" || return 1
	case $A_KIND in
	aiosmtpd) cat "$DIR/a/sessions.log" ;;
	postfix) "$PYTHON" "$HARNESS/auth_log.py" postfix-sessions \
		"$DIR/a/mail.log" ;;
	esac
}

relay_wait()
{
	local waited=0 found=0 before file

	relays_open "$3" || return 1
	while [ $waited -lt 100 ]; do
		before=$found
		found=0
		for file in "$DIR/$1/store"/*.eml; do
			[ ! -e "$file" ] || found=$((found + 1))
		done
		[ $found -lt "$2" ] || return 0
		[ $found -eq $before ] || waited=0
		sleep 0.1
		waited=$((waited + 1))
	done
	relays_say "relay $1 has $found of $2 messages"
	return 1
}

# ---- both relays

relays_write_env()
{
	local name value

	(
		umask 077
		for name in $ENV_NAMES; do
			eval "value=\$$name"
			printf "%s='%s'\n" "$name" "$value"
		done >"$DIR/relays.env.new"
	)
	mv "$DIR/relays.env.new" "$DIR/relays.env"
}

relays_check_directory()
{
	if [ ${#DIR} -gt 70 ]; then
		relays_say "$DIR: too long for socket names (70 bytes)"
		return 1
	fi
	[ "$(id -u)" -eq 0 ] || return 0
	chmod 711 "$DIR"
	setpriv --reuid=postfix --regid=postfix --clear-groups \
		test -x "$DIR/." && return 0
	relays_say "$DIR: user postfix cannot get there (see chmod o+x)"
	return 1
}

relays_check_machine()
{
	local missing=

	command -v dovecot >/dev/null || missing="$missing dovecot-core"
	[ -x /usr/lib/dovecot/submission ] ||
		missing="$missing dovecot-submissiond"
	[ "$(id -u)" -ne 0 ] || command -v postfix >/dev/null ||
		missing="$missing postfix"
	"$PYTHON" -c 'import aiosmtpd' 2>/dev/null ||
		missing="$missing python3-aiosmtpd"
	id -un >/dev/null 2>&1 || {
		relays_say "Dovecot cannot run as user $(id -u), which has no name"
		return 1
	}
	[ -z "$missing" ] && return 0
	relays_say "missing packages:$missing (see packaging/deps.sh test)"
	return 1
}

relays_choose_ports()
{
	local name

	# shellcheck disable=SC2046,SC2086
	set -- $("$PYTHON" "$HARNESS/ports.py" choose $(echo $PORT_NAMES | wc -w))
	for name in $PORT_NAMES; do
		eval "$name=\$1"
		shift
	done
}

relays_start()
{
	local attempt

	mkdir -p "$1" && DIR=$(cd "$1" && pwd -P) || return 1
	relays_check_machine || return 1
	"$HARNESS/pki.sh" "$DIR/pki" || return 1
	relays_check_directory || return 1
	A_KIND=postfix
	if [ "$(id -u)" -ne 0 ]; then
		A_KIND=aiosmtpd
		relays_say "not root: relay A is aiosmtpd instead of Postfix"
	fi
	# shellcheck disable=SC2034 # all of these go to relays.env
	B_KIND=dovecot B_USER1=shop-b@example.test
	# shellcheck disable=SC2034
	CA_FILE=$DIR/pki/ca.pem OTHER_CA_FILE=$DIR/pki/other-ca.pem
	A_USER1=shop-default@example.test
	A_USER2=shop-eu@example.test
	A_PASS1=${A_PASS1:-$(relays_random)}
	A_PASS2=${A_PASS2:-$(relays_random)}
	B_PASS1=${B_PASS1:-$(relays_random)}
	SIZE_LIMIT=${SIZE_LIMIT:-41943040}
	# Somebody may take a port between choice and use: then once more.
	for attempt in 1 2 3; do
		relays_choose_ports
		relays_write_env
		relay_start a "$DIR" && relay_start b "$DIR" && return 0
		relays_say "attempt $attempt of 3 failed"
		relays_stop "$DIR"
	done
	return 1
}

relays_stop()
{
	local result=0

	relay_stop b "$1" || result=1
	relay_stop a "$1" || result=1
	return $result
}

relays_usage()
{
	cat >&2 <<-END
	usage: relays.sh start|stop|sessions DIR
	       relays.sh start-one|stop-one|messages|auth-log a|b DIR
	       relays.sh wait a|b COUNT DIR
	END
	exit 64
}

relays_main()
{
	case $#-${1:-}-${2:-} in
	2-start-*) relays_start "$2" ;;
	2-stop-*) relays_stop "$2" ;;
	2-sessions-*) relay_sessions "$2" ;;
	3-start-one-[ab]) relay_start "$2" "$3" ;;
	3-stop-one-[ab]) relay_stop "$2" "$3" ;;
	3-messages-[ab]) relay_messages "$2" "$3" ;;
	3-auth-log-[ab]) relay_auth_log "$2" "$3" ;;
	4-wait-[ab]) relay_wait "$2" "$3" "$4" ;;
	*) relays_usage ;;
	esac
}

case $0 in
relays.sh | */relays.sh) relays_main "$@" ;;
esac
