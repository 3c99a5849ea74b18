#!/bin/sh
# operations.sh - the procedures of packaging/OPERATIONS.md, carried out
#
# JOB     Takes the commands out of the guide, puts the paths of a scratch
#         installation in, and runs them: backup, restore, moving, a new
#         password, a full disk, a relay that was out. After each, every mail
#         that was acknowledged has arrived, and none twice. The names that
#         the guide tells a monitor to look for must exist.
# NEEDS   root: other users, a disk of its own. Runs in name spaces of its
#         own, so that nothing stays mounted or running. 127.0.0.1 only.
# ERRORS  Ends at the first check that fails, with what was printed.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034 # variables of the guide and of the harness

set -u
if [ "$(id -u)" -ne 0 ]; then
	echo "operations.sh: needs root, to be several users and to mount"
	exit 1
fi
if [ "${1:-}" != --inside ]; then
	exec unshare --mount --pid --fork --kill-child --mount-proc \
		"$0" --inside
fi

root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
tests=${TP_TESTS:-${TP_BUILD:-$root/build/default}/tests}
plugin=${TILLPOST_PLUGIN:-$build/tillpost.so}
guide=$root/packaging/OPERATIONS.md
HARNESS=$root/tests/harness
. "$HARNESS/installed.sh"
. "$HARNESS/relays.sh"

shop=61001 # the user whose programs send
work=$(mktemp -d /tmp/tp-operations.XXXXXX) || exit 1
relay_pid=
clean_up()
{
	installed_stop
	relay_out
	umount "$work/full" 2>/dev/null
	cd / && rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

checks=0
fail()
{
	echo "FAILED: $*"
	tail -n 20 "$work/out" "$work/err"
	installed_show_log 2>&1
	exit 1
}

# true_that WHAT COMMAND...
true_that()
{
	what=$1
	shift
	checks=$((checks + 1))
	"$@" || fail "not true: $what"
}

# wait_for WHAT COMMAND...
wait_for()
{
	what=$1 waited=0
	shift
	checks=$((checks + 1))
	until "$@" >>"$work/out" 2>>"$work/err"; do
		[ $waited -lt 200 ] || fail "after 20 s still not: $what"
		sleep 0.1
		waited=$((waited + 1))
	done
}

# ---- the guide --------------------------------------------------------------

# Each command of the indented block in SECTION that has WORD, on one line
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
	END { printf "%s", block }' "$guide"
}

# The guide's paths and users become those of this installation.
here_and_now()
{
	sed -e "s|/var/lib/tillpost|$TP_STATE|g" \
		-e "s|/var/spool/tillpost|$TP_SPOOL|g" \
		-e "s|/var/log/tillpost|$logs|g" \
		-e "s|/etc/tillpost|${TP_CONFIG%/*}|g" \
		-e "s|BACKUP\.db|$queue_copy|; s|BACKUP\.tar|$spool_copy|" \
		-e "s|-o tillpost -g tillpost|-o $TP_UID -g $TP_UID|" \
		-e "s|tillpost:tillpost|$TP_UID:$TP_UID|" \
		-e "s|id=tillpost|id=$TP_UID|g"
}

# run_command CODE COMMAND: it ends with 0, or with CODE
run_command()
{
	commands=$((commands + 1))
	case $(printf '%s' "$2" | sed "s|$work||g") in
	*/var/* | */etc/*) fail "this is not for the test: $2" ;;
	esac
	eval "$2" <"$input" >>"$work/out" 2>>"$work/err"
	got=$?
	[ $got -eq 0 ] || [ $got -eq "$1" ] ||
		fail "exit code $got of the guide's command: $2"
}

# guide_runs SECTION WORD [CODE]: in this shell, for its variables
guide_runs()
{
	: >"$work/out"
	: >"$work/err"
	guide_block "$1" "$2" | here_and_now >"$work/block"
	[ -s "$work/block" ] || fail "the guide has no \"$2\" in \"$1\""
	while read -r command; do
		run_command "${3:-0}" "$command"
	done <"$work/block"
}

# guide_says COMMAND: in its text, between backticks; runs it
guide_says()
{
	tr -s '\n ' '  ' <"$guide" | grep -qF "\`$1\`" ||
		fail "the guide does not say: $1"
	run_command 0 "$(echo "$1" | here_and_now)"
}

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

# ---- machines, mail, the relay ----------------------------------------------

# machine NAME: from now on everything happens there
machine()
{
	eval "daemon_of_${here:-none}=\${TP_PID:-}"
	here=$1
	mkdir -p "$work/$here"
	TILLPOST_PLUGIN=$plugin
	installed_prepare "$work/$here" || exit 1
	logs=$work/$here/log
	installed_directory 750 "$logs"
	chown "$TP_UID:$TP_UID" "$work/$here/etc"
	eval "TP_PID=\${daemon_of_$here:-}"
	export TP_BIN TP_CONFIG
	guide_runs "Operating tillpost" T=
}

# configure [QUEUE_SETTINGS [RELAY_SETTINGS]]
configure()
{
	queue_settings=${1:-'free_reserve = "0";'}
	secret=${2-"password_file = \"$TP_SECRETS/ses\";"}
	cat >"$TP_CONFIG" <<-END
	queue = { path = "$TP_STATE/queue.db"; $queue_settings };
	spool = { path = "$TP_SPOOL"; };
	log = { path = "$logs/outcome.jsonl"; };
	relays = { ses = { host = "127.0.0.1"; port = $port; tls = "none";
	    auth = "plain"; allow_plaintext_auth = true; username = "shop";
	    $secret }; };
	stores = { default = { relays = ["ses"]; from = "shop@example.com";
	    users = ["$shop"]; }; };
	END
	chown "$TP_UID" "$TP_CONFIG"
	installed_secret ses old-password
}

# accept COUNT NAME: the shop hands mail over; its ids to $work/NAME
accept()
{
	installed_as $shop "$work/tools/spool_load" -c "$TP_CONFIG" \
		-n "$1" -b 1000 >>"$work/$2" 2>>"$work/err" ||
		fail "the spool refuses mail"
}

# queued COUNT NAME: and the daemon takes it in
queued()
{
	accept "$1" "$2"
	true_that "mail is taken in" installed_wait_empty 0
}

relay_works()
{
	"$tests/bench/sink" --port "$port" --auth --log "$work/received" \
		"$@" >>"$work/sink" 2>&1 &
	relay_pid=$!
	"$PYTHON" "$HARNESS/ports.py" wait "$port" || fail "no relay"
}

relay_out()
{
	[ -z "$relay_pid" ] || { kill "$relay_pid" && wait "$relay_pid"; }
	relay_pid=
}

# The Message-ID of each mail that any relay took, each time
received()
{
	cut -f 6 "$work/received"
	cat "$work"/strict/store/*.eml 2>/dev/null | tr -d '\r' |
		sed -n 's/^Message-ID: //p'
}

lines_of() { wc -l <"$work/$1"; }
has_lines() { [ "$(lines_of "$1")" -ge "$2" ]; }
has_event() { grep -q "\"event\":\"$1\"" "$TP_LOG"; }
log_says() { grep "\"event\":\"$1\"" "$TP_LOG" | grep -q "$2"; }
refuses() { ! "$@" >>"$work/out" 2>&1; }

# Nothing waits, in any way; what "Moving to another machine" looks for
drained()
{
	tillpost status | awk '
	/^(waiting|active|held|spooled|refused) / { n += $2; seen++ }
	END { exit n > 0 || seen < 4 }'
}

# arrived_once NAME...: all mails of these files, and no mail twice
arrived_once()
{
	wait_for "the queue is empty" drained
	received | sort >"$work/ids"
	twice=$(uniq -d "$work/ids" | wc -l)
	missing=$(cd "$work" && cut -d ' ' -f 2 "$@" | sort -u |
		comm -23 - ids | wc -l)
	checks=$((checks + 1))
	[ "$twice" -eq 0 ] && [ "$missing" -eq 0 ] ||
		fail "$missing mails of $* are missing, $twice came twice"
}

said()
{
	echo "ok $*"
}

# ---- backup and restore -----------------------------------------------------

# copies_have NAME: both copies are whole, and have all mails of $work/NAME
copies_have()
{
	: >"$work/out"
	$T sqlite3 -readonly "$queue_copy" "PRAGMA integrity_check" \
		>"$work/out" 2>"$work/err"
	true_that "the copy is whole" grep -qx ok "$work/out"
	{
		$T sqlite3 -readonly "$queue_copy" \
			"SELECT queue_id FROM messages WHERE done_ms IS NULL"
		tar -tf "$spool_copy" | sed -n 's|^incoming/||p'
	} | sort -u >"$work/copied"
	missing=$(cut -d ' ' -f 1 "$work/$1" | sort |
		comm -23 - "$work/copied" | wc -l)
	checks=$((checks + 1))
	[ "$missing" -eq 0 ] ||
		fail "$missing of $(lines_of "$1") mails are not in the copies"
}

# The disk of queue and spool dies; the log of outcomes is elsewhere.
lose_and_restore()
{
	systemctl stop tillpostd || fail "it does not stop"
	cp "$queue_copy" "$spool_copy" "$work" || fail "no copies"
	queue_copy=$work/${queue_copy##*/} spool_copy=$work/${spool_copy##*/}
	rm -rf "$TP_STATE/backup" "${TP_SPOOL:?}"/*
	guide_runs Restore "install -m 600"
	true_that "what is restored is whole" grep -qx ok "$work/out"
	true_that "mail waits" grep -q " queued " "$work/out"
	guide_runs Restore zgrep 123
	guide_runs Restore xpf
	true_that "incoming has its mode and owner" [ \
		"$(stat -c %a:%u "$TP_SPOOL/incoming")" = "3733:$TP_UID" ]
	guide_runs Restore "systemctl start"
}

backup_while_it_runs()
{
	queued 40 waiting
	: >"$work/sending"
	while [ -e "$work/sending" ]; do accept 1 more; done &
	wait_for "programs send" has_lines more 100
	cat "$work/waiting" "$work/more" >"$work/acknowledged"
	guide_runs Backup "tar -C" 1
	guide_runs Backup "VACUUM INTO"
	wait_for "they send all the time" has_lines more \
		$(($(lines_of more) + 1))
	rm "$work/sending"
	wait $!
	queue_copy=$(echo "$TP_STATE"/backup/queue-*.db)
	spool_copy=$(echo "$TP_STATE"/backup/spool-*.tar)
	copies_have acknowledged
	said "backup of a running daemon: $(lines_of acknowledged) of" \
		"$(lines_of more) mails were acknowledged before, all are there"
}

restore_what_was_sent_in_part()
{
	relay_works --delay-ms 30
	wait_for "some are sent" has_lines received 80
	systemctl stop tillpostd || fail "it does not stop"
	sent=$(lines_of received)
	true_that "some are not" [ "$sent" -lt "$(lines_of acknowledged)" ]
	relay_out
	relay_works
	lose_and_restore
	arrived_once acknowledged
	relay_out
	said "restore: $sent were sent before, the rest arrived once"
}

backup_while_it_is_stopped()
{
	queued 20 stopped
	systemctl stop tillpostd || fail "it does not stop"
	accept 20 stopped
	guide_runs Backup "tar -C"
	guide_runs Backup "cp -a"
	queue_copy=$TP_STATE/backup/queue.db
	spool_copy=$(echo "$TP_STATE"/backup/spool-*.tar)
	copies_have stopped
	relay_works
	lose_and_restore
	arrived_once stopped
	said "backup of a stopped daemon: 20 in the queue, 20 in the spool"
}

# ---- moving -----------------------------------------------------------------

moving()
{
	machine b
	cp -a "$work/a/etc/." "$work/b/etc"
	sed -i "s|$work/a/|$work/b/|g" "$TP_CONFIG"
	systemctl start tillpostd
	guide_says "systemctl stop tillpostd"
	guide_says "tillpost check"

	machine a
	queued 30 moved
	guide_says "tillpost status"
	wait_for "it drains" drained
	relay_out
	queued 30 moved
	true_that "it does not drain" refuses drained
	systemctl stop tillpostd
	accept 10 moved
	: >"$TP_SPOOL/incoming/t.half-written"
	guide_runs "Moving to another machine" "disable --now"

	machine b
	relay_works
	guide_runs "Moving to another machine" "enable --now"
	true_that "the test mail is sent" grep -q '^sent:' "$work/out"
	arrived_once moved
	true_that "nothing half-written came along" [ \
		! -e "$TP_SPOOL/incoming/t.half-written" ]
	systemctl stop tillpostd
	relay_out
	said "moving: 30 mails drained, 40 moved"
}

# ---- a new password ---------------------------------------------------------

# refused_by_the_relay NAME: which takes only the new password
refused_by_the_relay()
{
	configure "" "${2-password_file = \"$TP_SECRETS/ses\";}"
	: >"$TP_LOG"
	[ -z "${2+managed}" ] ||
		guide_says "tillpost settings set relays.ses.password -"
	installed_start || fail "it does not start"
	queued 5 "$1"
	wait_for "the login is refused" log_says relay-down 535
	true_that "mail waits" refuses drained
}

new_password()
{
	machine a
	echo old-password >"$work/old"
	echo new-password >"$work/new"
	mkdir "$work/strict"
	dovecot_write_accounts "$work/strict/accounts" shop new-password
	relay_user_launch "$work/strict" --name strict.test \
		--accounts "$work/strict/accounts" --listen "plain:$port:plain"
	"$PYTHON" "$HARNESS/ports.py" wait "$port" || fail "no relay"

	refused_by_the_relay by_file
	input=$work/new
	guide_runs "New password or token" "install -m 600"
	input=/dev/null
	true_that "the test mail is sent" grep -q '^sent:' "$work/out"
	arrived_once by_file
	true_that "the secret is the daemon's alone" [ \
		"$(stat -c %a:%u "$TP_SECRETS/ses")" = "600:$TP_UID" ]
	installed_stop || fail "it does not stop"

	input=$work/old
	refused_by_the_relay managed ""
	input=$work/new
	guide_says "tillpost settings set relays.ses.password -"
	input=/dev/null
	systemctl reload tillpostd
	arrived_once managed
	true_that "the managed file is the daemon's alone" [ "$(stat -c %a:%u \
		"${TP_CONFIG%.conf}.managed.conf")" = "600:$TP_UID" ]
	installed_stop || fail "it does not stop"
	tillpost settings unset relays.ses.password
	relay_user_halt "$work/strict"
	said "new password, by file and by the managed file: 10 mails"
}

# ---- a full disk ------------------------------------------------------------

# hand_over COMMAND...: a mail on its standard input
hand_over()
{
	installed_as $shop "$@" <"$work/order" >>"$work/out" 2>&1
	[ $? -eq 75 ]
}

full_disk()
{
	mkdir "$work/full"
	mount -t tmpfs -o size=40m,mode=711 tmpfs "$work/full" || fail "mount"
	machine full
	configure 'free_reserve = "8M"; retry_base = "200ms";
		retry_cap = "500ms";'
	systemctl start tillpostd
	queued 10 full
	systemctl stop tillpostd
	accept 10 full
	# An old log of outcomes, which the guide says may go
	fallocate -l "$(($(stat -f -c '%a * %S' "$work/full") - 4194304))" \
		"$logs/outcome.jsonl-20261101" || fail "the disk"

	systemctl start tillpostd
	wait_for "intake-paused is told" has_event intake-paused
	true_that "tillpost-sendmail says 75" hand_over \
		"$TP_BIN/tillpost-sendmail" -C "$TP_CONFIG" k@example.org
	true_that "tillpost submit says 75" hand_over \
		"$TP_BIN/tillpost" submit --spool -c "$TP_CONFIG" k@example.org
	relay_works
	wait_for "what is in the queue goes out" refuses waits_more_than 10
	true_that "the spool waits" [ "$(installed_spooled)" -eq 10 ]
	guide_says "tillpost spool list"
	rm "$logs/outcome.jsonl-20261101"
	wait_for "intake-resumed is told" has_event intake-resumed
	arrived_once full
	systemctl stop tillpostd
	guide_says '$T sqlite3 /var/lib/tillpost/queue.db VACUUM'
	relay_out
	said "full disk: refused with 75, 10 in the queue and 10 in the spool"
}

# ---- an outage --------------------------------------------------------------

relay_out_and_back()
{
	machine a
	configure
	systemctl start tillpostd
	queued 20 outage
	wait_for "relay-down is told" has_event relay-down
	relay_works
	sleep 1
	true_that "the daemon still waits" refuses drained
	guide_runs "A relay is out" "queue retry --all"
	arrived_once outage
	systemctl stop tillpostd
	relay_out
	said "an outage: 20 mails at once after retry"
}

# ---- monitoring -------------------------------------------------------------

# guide_names HEADER COLUMN: names in backticks of that table's column
guide_names()
{
	awk -F '|' -v header="$1" -v column="$2" '
	!/^\|/ { here = 0 }
	index($0, header) == 1 { here = 1 }
	here { print $column }' "$guide" | grep -o '`[a-z_-]*`' | tr -d '`'
}

# What the daemon and the plugin in it log, from the sources
events_of_sources()
{
	find "$root/module" -path '*/cli' -prune -o -name '*.c' \
		-exec cat {} + | tr -s '\n\t ' ' ' >"$work/sources"
	grep -oE "(tp_(log|log_event|engine_log|handle_log|spool_tell)|$(
	)log_error\(daemon|[^_]note|make_line)\(?[^\"]*\"[a-z-]+\"" \
		"$work/sources" | sed 's/.*"\(.*\)"/\1/' | sort -u
}

monitoring()
{
	status=$(tillpost status --json)
	guide_names "| What | Where" 3 >"$work/names"
	true_that "the guide has keys of status" has_lines names 6
	while read -r name; do
		true_that "status has the key $name" \
			grep -qF "\"$name\":" <<-END
			$status
			END
	done <"$work/names"

	events_of_sources >"$work/events"
	true_that "the sources have events" has_lines events 25
	while read -r name; do
		true_that "tillpostd(8) has the event $name" grep -qE \
			"^\.It Li (.* )?$name( |\$)" \
			"$root/packaging/man/tillpostd.8"
		true_that "the guide has the event $name" \
			grep -qF "\`$name\`" "$guide"
	done <"$work/events"
	guide_names "| Event" 2 >"$work/names"
	sed -n '/^\.Sh LOG EVENTS/,/^\.Sh EXIT/s/^\.It Li //p' \
		"$root/packaging/man/tillpostd.8" | tr -d ' ' |
		tr ',' '\n' >>"$work/names"
	true_that "there are tables of events" has_lines names 40
	while read -r name; do
		true_that "the sources have the event $name" \
			grep -qx "$name" "$work/events"
	done <"$work/names"
	said "monitoring: keys, $(lines_of events) events"
}

# ---- all of it --------------------------------------------------------------

chmod 711 "$work"
mkdir "$work/tools"
cd "$work" || exit 1
for name in out err received; do
	: >"$work/$name"
done
printf 'From: shop@example.com\nSubject: order\n\nThanks\n' >"$work/order"
input=/dev/null commands=0 queue_copy= spool_copy= SIZE_LIMIT=1000000
port=$("$PYTHON" "$HARNESS/ports.py" choose 1)
install -m 755 "$tests/integration/spool_load" "$work/tools/" || exit 1
# What the guide calls, on this installation's configuration
cat >"$work/tools/tillpost" <<'END'
#!/bin/sh
# Nobody's name servers are asked.
[ "$1" != doctor ] || set -- "$@" --resolver 127.0.0.1:9
exec "$TP_BIN/${0##*/}" "$@" -c "$TP_CONFIG"
END
chmod 755 "$work/tools/tillpost"
cp "$work/tools/tillpost" "$work/tools/tillpostd"
PATH=$work/tools:$PATH

machine a
configure 'free_reserve = "0"; retry_base = "200ms"; retry_cap = "500ms";'
installed_start || exit 1
backup_while_it_runs
restore_what_was_sent_in_part
backup_while_it_is_stopped
moving
new_password
full_disk
relay_out_and_back
monitoring
echo "operations: $commands commands of the guide, $checks checks"
