#!/bin/sh
# events.sh - the names of the events that tillpostd logs
#
# JOB     events.sh sources|manual|guide: sorted, one on a line; what the
#         daemon and the plugin in it log, what tillpostd(8) names, what the
#         table of packaging/OPERATIONS.md and the line below it name.
# SPDX-License-Identifier: MIT

set -u
cd "$(dirname "$0")/../.." || exit 1

# The first string among the arguments of a function that logs
in_sources()
{
	logging='tp_log|tp_(log_event|engine_log|handle_log|spool_tell)|make_line'
	logging="($logging|[^_]note|log_error)\\("
	before='[^"()]*(\([^()]*\)[^"()]*)*'
	find module -path '*/cli' -prune -o -name '*.c' -exec cat {} + |
		tr -s '\n\t' ' ' |
		grep -oE "$logging$before\"[a-z-]+\"" |
		grep -v 'log_error(run' | # another one, in core/worker.c
		sed 's/.*"\(.*\)"/\1/'
}

in_manual()
{
	sed -n '/^\.Sh LOG EVENTS/,/^\.Sh EXIT/s/^\.It Li //p' \
		packaging/man/tillpostd.8 | tr -d ' ' | tr ',' '\n'
}

in_guide()
{
	{
		sed -n '/^| Event/,/^$/s/^| \([^|]*\)|.*/\1/p' \
			packaging/OPERATIONS.md
		sed -n '/^Not errors:/,/\.$/p' packaging/OPERATIONS.md
	} | grep -o "\`[a-z-]*\`" | tr -d "\`"
}

case $# in
1) ;;
*) exit 64 ;;
esac
case $1 in
sources) in_sources ;;
manual) in_manual ;;
guide) in_guide ;;
*) exit 64 ;;
esac | sort -u
