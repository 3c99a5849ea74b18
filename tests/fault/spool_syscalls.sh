#!/bin/sh
# spool_syscalls.sh - each system call of handing a mail over fails in turn
#
# JOB     One mail is handed to a spool under strace, which makes the Nth call
#         of a kind fail, or kills the program there, for N = 1, 2, ... until
#         there is no Nth. Each time: if the program says accepted, the mail is
#         there, whole; if it says no, nothing is left; after a kill, what is
#         there is whole or not taken in. And the order of the calls that no
#         fault disturbs: a mail is on the disk before it has its name, and the
#         name before it is accepted; the daemon has it in the queue, on the
#         disk, before it leaves the spool.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build/default}
put=$build/tests/fault/spool_put
id=01JD6K5S0NABCDEFGH
work=$(mktemp -d "${TMPDIR:-/tmp}/tps.XXXXXX") || exit 1
tracer=

clean_up()
{
	[ -z "$tracer" ] || end_daemon
	rm -rf "$work"
}

# The daemon is the only child of its tracer.
end_daemon()
{
	pkill -TERM -P "$tracer" 2>/dev/null
	wait "$tracer"
	tracer=
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work"
spool=$work/spool
cases=0
injected=0
bad=0

command -v strace >/dev/null || {
	echo "strace is not installed: run packaging/deps.sh test"
	exit 1
}
"$put" open "$spool" || exit 1

wrong()
{
	echo "$what: $1"
	sed 's/^/    /' "$work/out"
	bad=$((bad + 1))
}

# run ROLE STRACE_OPTION...: one mail; the status goes to $status
run()
{
	role=$1
	shift
	what="$role $*"
	rm -f "$spool/incoming/"*
	# the shell tells of kills there
	{ strace -f -qq -o "$work/trace" "$@" "$put" "$role" "$spool" "$id" \
		>"$work/out" 2>&1; status=$?; } 2>/dev/null
	cases=$((cases + 1))
	grep -q INJECTED "$work/trace" && injected=$((injected + 1))
	ls "$spool/incoming" >"$work/left"
	"$put" check "$spool" >"$work/taken" 2>>"$work/out" ||
		wrong "something in the spool is not whole"
}

# What must hold after an error
verify()
{
	case $status in
	0)
		[ "$(cat "$work/taken")" = "$id" ] ||
			wrong "said accepted, but it is not there"
		;;
	2)
		wrong "said uncertain, although it could be taken back"
		;;
	*)
		[ ! -s "$work/left" ] ||
			wrong "said no, but left $(cat "$work/left")"
		;;
	esac
}

# each ROLE CALL HOW: for every N
each()
{
	n=0
	while :; do
		n=$((n + 1))
		run "$1" -e "trace=$2" -e "inject=$2:$3:when=$n"
		case $3 in
		signal=*)
			[ "$status" = 0 ] || [ ! -s "$work/taken" ] ||
				[ "$(cat "$work/taken")" = "$id" ] ||
				wrong "something else was taken in"
			grep -q 'killed by SIGKILL' "$work/trace" || break
			;;
		*)
			verify
			grep -q INJECTED "$work/trace" || break
			# the loader opens and looks at files that it can do
			# without; every other failure must be told
			case $2 in
			openat | newfstatat | close) ;;
			*) [ "$status" != 0 ] || wrong "did not notice" ;;
			esac
			;;
		esac
		[ $n -lt 100 ] || {
			wrong "no end of calls"
			break
		}
	done
	# the last one had no fault in it
	[ "$status" = 0 ] || wrong "failed without a fault"
	[ $n -gt 1 ] || wrong "never happened: is the call named otherwise here?"
}

# expect ROLE STATUS STRACE_OPTION...
expect()
{
	want=$2
	role=$1
	shift 2
	run "$role" "$@"
	[ "$status" = "$want" ] || wrong "status $status, not $want"
}

# in_order FILE PATTERN...: a line for each, every one after that before
in_order()
{
	trace=$1
	shift
	printf '%s\n' "$@" >"$work/want"
	awk 'NR == FNR { want[NR] = $0; last = NR; next }
		at < last && $0 ~ want[at + 1] { at++ }
		END {
			if (at < last)
				print "never in its place: " want[at + 1]
			exit at < last
		}' "$work/want" "$trace" >"$work/out"
}

# The last line: the name, or by who cannot open the directory the file again.
accepted_in_order()
{
	run "$1" -y -e trace=fdatasync,renameat2,fsync
	in_order "$work/trace" \
		"fdatasync\\(.*/incoming/t\\.$id>\\) += 0" \
		"renameat2\\(.*\"t\\.$id\", .*\"$id\", RENAME_NOREPLACE\\) += 0" \
		"fsync\\(.*/incoming(/$id)?>\\) += 0" ||
		wrong "accepted before it is durable"
}

taken_in_in_order()
{
	what="the daemon"
	cases=$((cases + 1))
	rm -f "$spool/incoming/"*
	cat >"$work/t.conf" <<END
queue = { path = "$work/queue.db"; };
spool = { path = "$spool"; };
log = { path = ""; };
relays = { none = { host = "127.0.0.1"; port = 9; tls = "none";
                    auth = "none"; }; };
stores = { default = { relays = ["none"]; from = "shop@example.com"; }; };
END
	chmod 600 "$work/t.conf"
	printf 'To: buyer@example.org\nSubject: order\n\nThank you.\n' |
		TILLPOST_CONFIG=$work/t.conf TILLPOST_PLUGIN=$build/tillpost.so \
			"$build/bin/tillpost-sendmail" -t >"$work/out" 2>&1 ||
		wrong "the mail is not accepted"
	name=$(ls "$spool/incoming")
	TILLPOST_PLUGIN=$build/tillpost.so strace -f -qq -y -s 4096 \
		-o "$work/trace" -e \
		trace=pwrite64,fdatasync,fsync,renameat,renameat2,unlinkat \
		"$build/bin/tillpostd" -c "$work/t.conf" >"$work/log" 2>&1 &
	tracer=$!
	waited=0
	until [ ! -e "$spool/incoming/$name" ] || [ $waited -ge 200 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	end_daemon
	# "resumed": another thread's call was shown in between
	in_order "$work/trace" \
		"pwrite64\\(.*/queue\\.db-wal>, .*$name" \
		"fdatasync(\\(.*/queue\\.db-wal>| resumed>)\\) += 0" \
		"(rename|unlink)at2?\\(.*/incoming>, \"$name\"" \
		"fsync(\\(.*/incoming>| resumed>)\\) += 0" ||
		wrong "removed from the spool before it is durable"
	rm -f "$spool/done/"*
}

roles=put
# a user who cannot read the directory syncs in another way
[ "$(id -u)" != 0 ] || roles="put other"
for role in $roles; do
	accepted_in_order $role
	for call in openat fchmod writev fdatasync renameat2 fsync; do
		for error in EIO ENOSPC; do
			each $role $call error=$error
		done
	done
	for call in fstatfs newfstatat close; do
		each $role $call error=EIO
	done
	for call in fchmod writev fdatasync renameat2 fsync sendto; do
		each $role $call signal=KILL
	done
	# the daemon need not be there, and a signal is no failure
	for call in socket sendto; do
		expect $role 0 -e "inject=$call:error=EACCES"
		verify
	done
	for call in writev fdatasync fsync; do
		expect $role 0 -e "inject=$call:error=EINTR:when=1..3"
		verify
	done
	# without this kind of rename
	expect $role 0 -e inject=renameat2:error=EINVAL
	verify
	# it cannot be synced; it was taken in meanwhile; it cannot be told
	expect $role 1 -e inject=fsync:error=EIO
	verify
	expect $role 0 -e inject=fsync:error=EIO \
		-e inject=unlinkat:error=ENOENT
	expect $role 2 -e inject=fsync:error=EIO -e inject=unlinkat:error=EIO
done

taken_in_in_order

# writes that take less than they were given
for most in 1 13 100 4096; do
	rm -f "$spool/incoming/"*
	what="at most $most bytes a write"
	"$put" put "$spool" "$id" $most >"$work/out" 2>&1
	status=$?
	"$put" check "$spool" >"$work/taken" 2>>"$work/out" ||
		wrong "something in the spool is not whole"
	[ "$status" = 0 ] || wrong "failed"
	verify
	cases=$((cases + 1))
done

echo "$cases mails, $injected with an error, $bad wrong"
[ $bad = 0 ]
