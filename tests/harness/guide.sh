# guide.sh - runs the commands that stand in packaging/OPERATIONS.md
#
# JOB     A library: the guide's own words are what a test carries out, on the
#         installation that installed.sh has prepared. The guide's paths and
#         its user become those of TP_STATE, TP_SPOOL, TP_CONFIG, TP_UID and
#         TP_LOGS; BACKUP.db and BACKUP.tar become GUIDE_QUEUE and GUIDE_SPOOL.
#         A command with any other path of the system is not run.
#
# USE     HARNESS=tests/harness; . "$HARNESS/installed.sh"; . "$HARNESS/guide.sh"
#
#   guide_prepare DIR           makes DIR/tillpost and DIR/tillpostd, which
#                               use TP_CONFIG, and puts DIR into PATH
#   guide_runs SECTION WORD [CODE]
#                               runs each command of the indented block of
#                               SECTION that has WORD; each ends with 0, or
#                               with CODE. In this shell: it may set variables.
#   guide_says COMMAND          runs COMMAND, which stands in the text
#   guide_names HEADER COLUMN   what is in backticks in this column of the
#                               table that begins with HEADER
#
#         The caller has fail(), which does not return. GUIDE_INPUT is what
#         the commands read; GUIDE_COUNT counts them; GUIDE_OUT and GUIDE_ERR
#         get what the last block printed.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154,SC3043

GUIDE=$HARNESS/../../packaging/OPERATIONS.md
GUIDE_INPUT=/dev/null
GUIDE_COUNT=0

guide_prepare()
{
	GUIDE_DIR=$1 GUIDE_OUT=$1/out GUIDE_ERR=$1/err
	mkdir -p "$1"
	cat >"$1/tillpost" <<-'END'
	#!/bin/sh
	# No name server is asked, nothing is waited for long.
	case $1 in
	doctor) set -- "$@" --resolver 127.0.0.1:9 ;;
	test) set -- "$@" --wait 1s ;;
	esac
	exec "$TP_BIN/${0##*/}" "$@" -c "$TP_CONFIG"
	END
	cp "$1/tillpost" "$1/tillpostd"
	chmod 755 "$1" "$1/tillpost" "$1/tillpostd"
	PATH=$1:$PATH
	export TP_BIN TP_CONFIG
}

# What the guide calls
systemctl()
{
	case $* in
	"stop tillpostd" | "disable --now tillpostd") installed_stop ;;
	"start tillpostd" | "enable --now tillpostd") installed_start ;;
	"restart tillpostd") installed_stop && installed_start ;;
	"reload tillpostd") kill -HUP "$TP_PID" ;;
	*) return 64 ;;
	esac
}

# guide_block SECTION WORD: one line for each command
guide_block()
{
	awk -v section="$1" -v word="$2" '
	/^#/ { here = $0; sub(/^#+ /, "", here) }
	here == section && /^    / {
		sub(/^ +/, "")
		open = sub(/\\$/, "") || /\|$/
		block = block $0 (open ? " " : "\n")
		next
	}
	index(block, word) { exit }
	{ block = "" }
	END { printf "%s", block }' "$GUIDE"
}

guide_here()
{
	sed -e "s|/var/lib/tillpost|$TP_STATE|g" \
		-e "s|/var/spool/tillpost|$TP_SPOOL|g" \
		-e "s|/var/log/tillpost|$TP_LOGS|g" \
		-e "s|/etc/tillpost|${TP_CONFIG%/*}|g" \
		-e "s|BACKUP\.db|${GUIDE_QUEUE:-}|" \
		-e "s|BACKUP\.tar|${GUIDE_SPOOL:-}|" \
		-e "s|-o tillpost -g tillpost|-o $TP_UID -g $TP_UID|" \
		-e "s|id=tillpost|id=$TP_UID|g"
}

# guide_run CODE COMMAND
guide_run()
{
	local code

	case $(echo "$2" | sed "s|/tmp/[^ ']*||g") in
	*/var/* | */etc/* | */usr/*) fail "not the place for: $2" ;;
	esac
	GUIDE_COUNT=$((GUIDE_COUNT + 1))
	eval "$2" <"$GUIDE_INPUT" >>"$GUIDE_OUT" 2>>"$GUIDE_ERR"
	code=$?
	[ $code -eq 0 ] || [ $code -eq "$1" ] ||
		fail "exit code $code of the guide's command: $2"
}

guide_runs()
{
	local command

	: >"$GUIDE_OUT"
	: >"$GUIDE_ERR"
	guide_block "$1" "$2" | guide_here >"$GUIDE_DIR/block"
	[ -s "$GUIDE_DIR/block" ] || fail "the guide has no \"$2\" in \"$1\""
	while read -r command; do
		guide_run "${3:-0}" "$command"
	done <"$GUIDE_DIR/block"
}

guide_says()
{
	tr -s '\n ' '  ' <"$GUIDE" | grep -qF "\`$1\`" ||
		fail "the guide does not say: $1"
	guide_run 0 "$(echo "$1" | guide_here)"
}

guide_names()
{
	awk -F '|' -v header="$1" -v column="$2" '
	!/^\|/ { here = 0 }
	index($0, header) == 1 { here = 1 }
	here { print $column }' "$GUIDE" | grep -o "\`[a-z_-]*\`" | tr -d "\`"
}
