#!/bin/bash
# systemd_test.sh - the unit's restrictions, applied by a real systemd
#
# JOB     Boots Debian's systemd as the first process of a bare root, in name
#         spaces of its own, and installs the packages there: the service
#         starts by itself, as its own user, without capabilities, with the
#         system call filter, and sees nothing that it should not; it sends
#         with a password that systemd lends it (LoadCredential=); it comes
#         back after kill -9; an upgrade restarts it; remove stops it.
# NEEDS   root, cgroup version 2 (alone or beside version 1), the mirror
# BOUNDS  One control group, removed at the end. Killing this test kills
#         everything in it.
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/../.."

work=$PWD/build/package
# shellcheck source-path=SCRIPTDIR
. tests/package/root.sh
# shellcheck disable=SC2154 # set by root.sh


# Where cgroup2 is mounted on this machine
unified=$(sed -n 's/^cgroup2* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts |
	head -n 1)
group=$unified/tillpost-test-$(date +%s)
init=

finish()
{
	local code=$?

	if [ -n "$init" ]; then
		# The first process of a name space takes all others with it.
		kill -KILL "$init" 2>/dev/null || true
	fi
	# Control groups go when their last process has gone.
	for _ in $(seq 50); do
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
		[ -d "$group" ] || break
		sleep 0.1
	done
	[ $code -eq 0 ] || [ ! -s "$work/boot.log" ] ||
		tail -n 15 "$work/boot.log"
	exit $code
}

# The devices that a service may want, and mounts as systemd expects them
prepare_mounts()
{
	local node

	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --bind "$cache/archives" "$root/test/archives"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for node in null zero full random urandom tty; do
		touch "$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	# Credentials are mounted by a child of systemd.
	mount --make-rshared "$root"
}

booted()
{
	in_root systemctl is-system-running 2>/dev/null |
		grep -Eq 'running|degraded'
}

# The shell enters the control group, unshare makes it the root of a name
# space, and its child becomes process 1.
boot()
{
	export -f prepare_mounts
	export root cache
	# shellcheck disable=SC2016 # for the inner shells
	bash -c 'echo $$ >"$1/cgroup.procs" && exec unshare --cgroup --mount \
		--pid --fork --kill-child --uts --ipc --propagation private \
		bash -euc "prepare_mounts; hostname bare
		exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			chroot \"\$root\" /lib/systemd/systemd --system \
			--log-target=console --show-status=0"' - "$group" \
		>"$work/boot.log" 2>&1 &
	for _ in $(seq 100); do
		init=$(pgrep -f '^/lib/systemd/systemd --system --log' || true)
		[ -z "$init" ] || break
		sleep 0.1
	done
	[ -n "$init" ] || fail "systemd does not start"
	enter=(nsenter --target "$init" --mount --uts --ipc --pid --cgroup
		"--root=/proc/$init/root" "--wd=/proc/$init/root")
	for _ in $(seq 100); do
		! booted || return 0
		sleep 0.2
	done
	fail "systemd does not come up"
}

main_pid()
{
	in_root systemctl show -P MainPID tillpostd
}

# as_daemon COMMAND...: with the daemon's user; $view is the daemon's own view
# of the system, where no program could be started. To look through /proc is
# what the capability is for; it opens no file.
as_daemon()
{
	"${enter[@]}" setpriv --reuid=tillpost --regid=tillpost \
		--clear-groups --inh-caps=+sys_ptrace \
		--ambient-caps=+sys_ptrace "$@"
}

not_good()
{
	in_root journalctl -u tillpostd -n 20 --no-pager
	fail "$1"
}

start_daemon()
{
	inside start || not_good "the service does not start"
}

is_active()
{
	[ "$(in_root systemctl is-active tillpostd)" = active ]
}

expect_active()
{
	is_active || not_good "$1"
}

[ -n "$unified" ] || fail "no cgroup2 on this machine"
built first
built next
step "a bare Debian with systemd"
root_base systemd ca-certificates dbus systemd systemd-sysv
root_open systemd
umount "$root/test/archives" "$root/proc"
trap finish EXIT
mkdir "$group"
boot

step "install"
apt update
offer "$work/first"
apt install tillpost tillpost-mta
expect_active "not started by its installation"
inside modes
inside unconfigured
inside restricted
in_root systemd-analyze --man=no verify tillpostd.service

step "what the daemon can reach"
view=/proc/$(main_pid)/root
as_daemon cat "$view/etc/tillpost/tillpost.conf" >/dev/null
for path in /etc/tillpost /usr/bin /var/lib /home; do
	if as_daemon touch "$view$path/x" 2>/dev/null; then
		fail "the daemon can write to $path"
	fi
done
as_daemon touch "$view/var/lib/tillpost/x"
as_daemon rm "$view/var/lib/tillpost/x"
in_root touch /tmp/of-others /dev/of-others
for path in /tmp/of-others /dev/of-others; do
	as_daemon test ! -e "$view$path" || fail "the daemon sees $path"
done
as_daemon /bin/true
for path in /bin /tmp /var/tmp /var/{lib,log,spool}/tillpost; do
	[ "$path" = /bin ] || as_daemon cp /bin/true "$view$path/true"
	as_daemon test -s "$view$path/true" || fail "no $path/true"
	if as_daemon "$view$path/true" 2>/dev/null; then
		fail "the daemon can start $path/true"
	fi
	[ "$path" = /bin ] || as_daemon rm "$view$path/true"
done

step "first mails"
sink_start
inside configure "$port"
start_daemon
inside accept "by tillpost-sendmail"
inside sendmail "by sendmail"
arrived 2
inside sent 2

step "a password that only root can read, lent by systemd"
in_root sh -euc '
	mkdir -p /etc/systemd/system/tillpostd.service.d
	printf "[Service]\nLoadCredential=lab:/etc/lab-password\n" \
		>/etc/systemd/system/tillpostd.service.d/secrets.conf
	umask 077
	echo another-password >/etc/lab-password
	sed -i "s|/etc/tillpost/secrets/lab|/run/credentials/tillpostd.service/lab|" \
		/etc/tillpost/tillpost.conf
	rm /etc/tillpost/secrets/lab
	systemctl daemon-reload'
start_daemon
inside accept "with a lent password"
arrived 3
view=/proc/$(main_pid)/root
if as_daemon cat "$view/etc/lab-password" 2>/dev/null; then
	fail "the daemon can read the file itself"
fi

step "kill -9, reload, upgrade"
before=$(main_pid)
in_root systemctl kill --signal=KILL tillpostd
for _ in $(seq 60); do
	[ "$(main_pid)" != "$before" ] && is_active && break
	sleep 0.2
done
expect_active "not restarted after kill -9"
before=$(main_pid)
in_root systemctl reload tillpostd
[ "$(main_pid)" = "$before" ] || fail "reload was a restart"
sink_stop
inside accept "queued over the upgrade"
inside queued 1
offer "$work/next"
apt install --only-upgrade tillpost tillpost-mta
expect_active "not running after the upgrade"
[ "$(main_pid)" != "$before" ] || fail "the upgrade did not restart it"
sink_start "$port"
arrived 4
in_root journalctl -u tillpostd -o cat --no-pager -n 3

step "remove and purge"
apt remove tillpost tillpost-mta
[ "$(in_root systemctl is-active tillpostd || true)" = inactive ] ||
	fail "remove did not stop it"
apt purge tillpost tillpost-mta
left=$(in_root find /etc /var /usr /lib /run -xdev -name '*tillpost*' \
	! -path '/var/lib/apt/*' ! -path '/var/log/journal/*' \
	! -path '/etc/systemd/system/tillpostd.service.d*')
[ -z "$left" ] || fail "purge left $left"
sink_stop
step "done"
