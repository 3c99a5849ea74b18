#!/bin/sh
# operations.sh - the procedures of packaging/OPERATIONS.md, carried out
#
# JOB     Runs the guide's own commands on a scratch installation: backup,
#         restore, moving, a new password, a full disk, a relay that was out.
#         After each, every mail that was acknowledged has arrived, and none
#         twice. The names that the guide gives to a monitor must exist.
# NEEDS   root: other users, a disk of its own. Runs in name spaces of its
#         own, so that nothing stays mounted or running. 127.0.0.1 only.
# ERRORS  Ends at the first check that fails, with what was printed.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2153,SC2154 # variables of the harness

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
HARNESS=$root/tests/harness
# shellcheck source=tests/harness/operations_world.sh
. "$HARNESS/operations_world.sh"

work=$(mktemp -d /tmp/tp-operations.XXXXXX) || exit 1
quick='free_reserve = 0; retry_base = "200ms"; retry_cap = "500ms";'
usual='free_reserve = 0;'
clean_up()
{
	installed_stop
	relay_out
	cd /
	umount "$work/full" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# ---- backup and restore -----------------------------------------------------

# copies_have NAME: they are whole, and all mails of $work/NAME wait in them
copies_have()
{
	# shellcheck disable=SC2086 # T is several words
	true_that "the copy can be read" $T sqlite3 -readonly "$GUIDE_QUEUE" \
		"PRAGMA integrity_check"
	true_that "the copy is whole" prints '^ok$'
	{
		$T sqlite3 -readonly "$GUIDE_QUEUE" \
			"SELECT queue_id FROM messages WHERE done_ms IS NULL"
		tar -tf "$GUIDE_SPOOL" | sed -n 's|^incoming/||p'
	} | sort -u >"$work/copied"
	missing=$(cut -d ' ' -f 1 "$work/$1" | sort |
		comm -23 - "$work/copied" | wc -l)
	true_that "all of $(count "$1") mails are there, but $missing" \
		[ "$missing" -eq 0 ]
}

# Queue and spool are lost; the log of outcomes is on another disk.
lose_and_restore()
{
	stops
	cp "$GUIDE_QUEUE" "$GUIDE_SPOOL" "$work" || fail "no copies"
	GUIDE_QUEUE=$work/${GUIDE_QUEUE##*/} GUIDE_SPOOL=$work/${GUIDE_SPOOL##*/}
	rm -rf "$TP_STATE/backup" "${TP_SPOOL:?}"/*
	guide_runs Restore "install -m 600"
	true_that "the queue is whole" prints '^ok$'
	true_that "mail waits" prints ' queued '
	guide_runs Restore zgrep 123
	guide_runs Restore xpf
	true_that "incoming is what it was" is 3733 "$TP_SPOOL/incoming"
	guide_runs Restore "systemctl start"
}

backup_while_it_runs()
{
	queued 40 before
	: >"$work/sending"
	while [ -e "$work/sending" ]; do accept 20 more; done &
	in_time "programs send" at_least 60 more
	cat "$work/before" "$work/more" >"$work/acknowledged"
	guide_runs Backup "tar -C" 1
	guide_runs Backup "VACUUM INTO"
	in_time "they go on" at_least $(($(count more) + 20)) more
	rm "$work/sending"
	wait $!
	GUIDE_QUEUE=$(echo "$TP_STATE"/backup/queue-*.db)
	GUIDE_SPOOL=$(echo "$TP_STATE"/backup/spool-*.tar)
	copies_have acknowledged
	echo "backup of a running daemon: all of $(count acknowledged) mails"
}

restore_when_some_were_sent()
{
	relay_works --delay-ms 200
	in_time "some are sent" at_least 20 received
	stops
	sent=$(count received)
	true_that "some are not" [ "$sent" -lt "$(count acknowledged)" ]
	relay_out
	relay_works
	lose_and_restore
	arrived_once acknowledged
	relay_out
	echo "restore: $sent had been sent, the others arrived once"
}

backup_while_it_is_stopped()
{
	queued 20 stopped
	stops
	accept 20 stopped
	guide_runs Backup "tar -C"
	guide_runs Backup "cp -a"
	GUIDE_QUEUE=$TP_STATE/backup/queue.db
	GUIDE_SPOOL=$(echo "$TP_STATE"/backup/spool-*.tar)
	copies_have stopped
	relay_works
	lose_and_restore
	arrived_once stopped
	echo "backup of a stopped daemon: 20 in the queue, 20 in the spool"
}

# ---- moving -----------------------------------------------------------------

moving()
{
	machine b
	cp -a "$work/a/etc/." "$work/b/etc"
	sed -i "s|$work/a/|$work/b/|g" "$TP_CONFIG"
	starts
	guide_says "systemctl stop tillpostd"
	guide_says "tillpost check"

	machine a
	starts
	queued 30 moved
	guide_says "tillpost status"
	in_time "it drains" drained
	relay_out
	queued 30 moved
	true_that "this does not drain" not drained
	stops
	accept 10 moved
	: >"$TP_SPOOL/incoming/t.unfinished"
	guide_runs "Moving to another machine" "disable --now"
	umask 022

	machine b
	relay_works
	guide_runs "Moving to another machine" "enable --now" 75
	in_time "the test mail is sent" test_mail_sent
	true_that "only mail was moved" [ ! -e "$TP_SPOOL/incoming/t.unfinished" ]
	arrived_once moved
	relay_out
	echo "moving: 30 mails drained, 40 were moved"
}

# ---- a new password ---------------------------------------------------------

# refused NAME: 5 mails wait since the relay refuses the login
refused()
{
	starts
	queued 5 "$1"
	in_time "the login is refused" logs relay-down redentials
	true_that "mail waits" not drained
}

new_password()
{
	mkdir "$work/strict"
	dovecot_write_accounts "$work/strict/accounts" shop new-password
	relay_user_launch "$work/strict" --name strict.test \
		--accounts "$work/strict/accounts" --listen "plain:$port:plain"
	true_that "the relay works" "$PYTHON" "$HARNESS/ports.py" wait "$port"

	machine by_file "$usual"
	refused file
	GUIDE_INPUT=$work/new
	guide_runs "New password or token" "secret set"
	GUIDE_INPUT=/dev/null
	in_time "the test mail is sent" test_mail_sent
	arrived_once file
	true_that "the secret is the daemon's" is 600 "$TP_SECRETS/ses"

	machine by_command "$usual" ""
	GUIDE_INPUT=$work/old
	guide_says "tillpost settings set relays.ses.password -"
	true_that "set" tillpost settings set relays.ses.username shop
	refused command
	GUIDE_INPUT=$work/new
	guide_says "tillpost settings set relays.ses.password -"
	GUIDE_INPUT=/dev/null
	true_that "reload" systemctl reload tillpostd
	arrived_once command
	true_that "the settings are the daemon's" is 600 \
		"${TP_CONFIG%.conf}.managed.conf"
	relay_user_halt "$work/strict"
	echo "a new password: 5 mails by file, 5 by command"
}

# ---- a full disk ------------------------------------------------------------

# gives_up CODE COMMAND...: with a mail to read
gives_up()
{
	code=$1
	shift
	installed_as $SHOP "$@" k@example.org <"$work/order"
	[ $? -eq "$code" ]
}

full_disk()
{
	mkdir "$work/full"
	mount -t tmpfs -o size=40m,mode=711 full "$work/full" || fail "mount"
	machine full "$(echo "$quick" | sed 's/= 0;/= "8M";/')"
	starts
	queued 10 room
	stops
	accept 10 room
	# An old log of outcomes, which the guide says may go; 4 MB are left.
	old=$TP_LOGS/outcome.jsonl-20261101
	head -c $(($(stat -f -c '%a * %S' "$work/full") - (4 << 20))) \
		/dev/zero >"$old" || fail "the disk cannot be filled"

	starts
	in_time "intake-paused is told" logs intake-paused
	true_that "tillpost-sendmail ends with 69" gives_up 69 \
		env TILLPOST_CONFIG="$TP_CONFIG" "$TP_BIN/tillpost-sendmail"
	true_that "tillpost submit --spool ends with 75" gives_up 75 \
		"$TP_BIN/tillpost" submit --spool -c "$TP_CONFIG"
	before=$(count received)
	relay_works
	in_time "the queue goes out" at_least $((before + 10)) received
	true_that "the spool waits" [ "$(installed_spooled)" -eq 10 ]
	guide_says "tillpost spool list"
	rm "$old"
	in_time "intake-resumed is told" logs intake-resumed
	arrived_once room
	stops
	guide_says "\$T sqlite3 /var/lib/tillpost/queue.db VACUUM"
	relay_out
	echo "a full disk: programs were told, 10 of the queue, 10 of the spool"
}

# ---- an outage --------------------------------------------------------------

# waits_for_relay NAME: 20 mails, and the relay works, but nobody knows
waits_for_relay()
{
	queued 20 "$1"
	in_time "relay-down is told" logs relay-down
	relay_works
	sleep 1
	true_that "the daemon still waits" not drained
}

outage()
{
	machine c "$usual"
	starts
	waits_for_relay outage
	pid=$TP_PID
	guide_runs "A relay is out" "queue retry --all"
	arrived_once outage
	relay_out

	# One message that goes brings the others: they wait for the relay only.
	: >"$TP_LOG"
	waits_for_relay another
	id=$(head -n 1 another | cut -d ' ' -f 1)
	true_that "it is held" tillpost queue hold "$id"
	true_that "it is released" tillpost queue release "$id"
	arrived_once another
	true_that "the daemon is the same" [ "$pid" = "$TP_PID" ]
	true_that "it read no configuration again" not logs reload
	relay_out
	echo "an outage: 20 mails at once after it, by retry and by release"
}

# ---- monitoring -------------------------------------------------------------

monitoring()
{
	stops
	guide_says "\$T tillpost status --json" # also without the daemon
	guide_names "| What | Where" 3 >keys
	true_that "the guide has keys of status" at_least 6 keys
	while read -r key; do
		true_that "status has $key" prints "\"$key\":"
	done <keys
	guide_runs Monitoring "tillpost log --since"

	for place in sources manual guide; do
		"$HARNESS/events.sh" $place >"$work/events.$place"
	done
	true_that "there are events" at_least 28 events.sources
	true_that "tillpostd(8) has the events of the sources" \
		diff events.sources events.manual
	true_that "the guide has the events of the sources" \
		diff events.sources events.guide
	echo "monitoring: all keys, $(count events.sources) events"
}

# ---- all of it --------------------------------------------------------------

world_prepare
echo old-password >old
echo new-password >new
printf 'From: shop@example.com\nSubject: order\n\nThanks\n' >order
SIZE_LIMIT=1000000 # of the relay that refuses logins

machine a
starts
backup_while_it_runs
restore_when_some_were_sent
backup_while_it_is_stopped
moving
new_password
full_disk
outage
monitoring
echo "operations: $GUIDE_COUNT commands of the guide, $checks checks"
