#!/bin/bash
# root.sh - a bare Debian root and a local apt repository for package tests
#
# JOB     A library. Reading it starts the test anew as the first process in
#         name spaces of its own for mounts and processes. The packages of the
#         mirror and the bare roots are kept in build/package/cache; the root
#         itself is build/package/root.
#
# USE     work=DIR; . tests/package/root.sh
#   root_base NAME [PACKAGE...]  makes cache/RELEASE-NAME.tar, if there is none: the
#                       root of debootstrap (minbase), and PACKAGEs
#   root_open NAME      unpacks it to $root, in memory, with inside.sh in /test
#   root_close          empties $root
#   in_root COMMAND...  there
#   inside COMMAND...   inside.sh there
#   apt WORD...         apt-get there; no question can be answered
#   offer DIR           DIR's packages are what apt can install there now
#   sink_start [PORT]   the relay; $port
#   sink_stop
#   arrived COUNT       so many mails at the relay, each once, by the account
#   built NAME          $work/NAME has packages: first, or next, the same as a
#                       later version; build_test.sh builds the one anew and
#                       removes the other; or previous, of the release before,
#                       see previous_revision
#   ask_apt WORD...     apt-get at a terminal, where dpkg and debconf may ask;
#                       1 if one of them did
#   step TEXT           with the time
#   fail TEXT           ends the test
# NEEDS   root, and the mirror that apt uses on this machine; another one:
#         DEBIAN_MIRROR, DEBIAN_SECURITY_MIRROR. release=NAME before this file
#         is read: another Debian than 12
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # work

if [ "$(id -u)" -ne 0 ]; then
	echo "$(basename "$0"): run as root: a root of its own is entered"
	exit 1
fi
# Nothing of the test stays mounted, and nothing runs on.
if [ "${1:-}" != --inside ]; then
	exec unshare --mount --pid --fork --kill-child --mount-proc \
		"$0" --inside
fi

export LC_ALL=C.UTF-8
cache=$work/cache
root=$work/root
sink=${TP_BUILD:-build/default}/tests/bench/sink
release=${release:-bookworm}

# mirror_of PATTERN: where this machine's apt has releases with such a name
mirror_of()
{
	# shellcheck disable=SC2016 # for apt
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
		'Created-By: Packages' |
		awk -v name="$1" '$2 ~ name { sub("/$", "", $1); print $1; exit }'
}

mirror=${DEBIAN_MIRROR:-$(mirror_of '^[a-z]+$')}
security=${DEBIAN_SECURITY_MIRROR:-$(mirror_of '-security$')}
enter=(chroot "$root")

fail()
{
	echo "$(basename "$0"): $*"
	exit 1
}

step()
{
	printf '%4d s  %s\n' "$SECONDS" "$*"
}

# The last release; before there is one, the first commit with packages. Empty
# if this is no clone with history.
previous_revision()
{
	git describe --tags --abbrev=0 2>/dev/null && return
	git log --format=%H --diff-filter=A -- packaging/debian/changelog \
		2>/dev/null | tail -n 1
}

# As it was then, with its own rules and its own deb.sh
build_previous()
{
	local revision

	revision=$(previous_revision)
	rm -rf "$work/previous"
	mkdir -p "$work/previous/then"
	if [ -n "$revision" ] && [ "$(git rev-parse "$revision:module")" != \
		"$(git rev-parse HEAD:module)" ]; then
		git log -1 --format='   previous build: %h, %as, %s' "$revision"
		git archive "$revision" | tar -xf - -C "$work/previous/then"
		# It must not take the clone around it for its own.
		GIT_CEILING_DIRECTORIES=$work/previous \
			"$work/previous/then/packaging/deb.sh" \
			"$work/previous" >/dev/null
	else
		echo "   previous build: no history here, the same sources"
		packaging/deb.sh "$work/previous" >/dev/null
	fi
	rm -rf "$work/previous/then"
	echo "$revision" >"$work/previous/revision"
}

built()
{
	if [ -n "$(ls "$work/$1"/tillpost_*.deb 2>/dev/null)" ] &&
		{ [ "$1" != previous ] || [ "$(previous_revision)" = \
			"$(cat "$work/previous/revision")" ]; }; then
		return
	fi
	step "building: $1"
	case $1 in
	first) packaging/deb.sh "$work/first" >/dev/null ;;
	next) packaging/deb.sh --version-suffix next "$work/next" >/dev/null ;;
	previous) build_previous ;;
	esac
}

in_root()
{
	"${enter[@]}" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C.UTF-8 HOME=/ http_proxy="${http_proxy:-}" \
		https_proxy="${https_proxy:-}" "$@"
}

inside()
{
	in_root /test/inside.sh "$@"
}

apt()
{
	in_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		--no-install-recommends \
		-o Dir::Cache::Archives=/test/archives "$@" \
		</dev/null >>"$work/apt.log" 2>&1 && return
	tail -n 30 "$work/apt.log"
	fail "apt-get $* failed; see $work/apt.log"
}

# script makes the terminal. Whoever asks there waits for ever, so the output
# is watched.
ask_apt()
{
	local code=0 asking

	: >"$work/asked.log"
	timeout 300 script --quiet --return --flush --command \
		"$(printf '%q ' "${enter[@]}" env -i TERM=vt100 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
			HOME=/ http_proxy="${http_proxy:-}" \
			https_proxy="${https_proxy:-}" \
			DEBIAN_FRONTEND=readline apt-get -q -y \
			--no-install-recommends \
			-o Dir::Cache::Archives=/test/archives "$@")" \
		"$work/asked.log" </dev/null >/dev/null &
	asking=$!
	while kill -0 $asking 2>/dev/null; do
		if grep -aq -e 'What would you like to do' \
			-e '^Configuring [a-z]' "$work/asked.log"; then
			kill $asking
			wait $asking || true
			return 1
		fi
		sleep 0.2
	done
	wait $asking || code=$?
	cat "$work/asked.log" >>"$work/apt.log"
	[ $code -eq 0 ] && return
	tail -n 30 "$work/asked.log"
	fail "apt-get $* failed"
}

# As Debian's installer leaves it: PHP's fixes come from there.
write_sources()
{
	cat >"$root/etc/apt/sources.list" <<-END
		deb $mirror $release main
		deb $mirror $release-updates main
		deb $security $release-security main
	END
}

root_base()
{
	local name=$1

	shift
	[ ! -s "$cache/$release-$name.tar" ] || return 0
	mkdir -p "$cache/archives/partial"
	root_close
	if [ "$name" = bare ]; then
		debootstrap --variant=minbase "$release" "$root" "$mirror" \
			>"$work/debootstrap.log" 2>&1 || {
			tail -n 20 "$work/debootstrap.log"
			fail "debootstrap failed"
		}
	else
		root_base bare
		root_open bare
		apt update
		apt install "$@"
		umount "$root/test/archives" "$root/proc"
		rm -rf "$root/test"
	fi
	tar -C "$root" -cf "$cache/$release-$name.tar.new" .
	mv "$cache/$release-$name.tar.new" "$cache/$release-$name.tar"
}

root_close()
{
	! mountpoint -q "$root" || umount --recursive "$root"
	rm -rf "$root"
	mkdir -p "$root"
}

root_open()
{
	root_close
	# In memory: dpkg syncs every file.
	mount -t tmpfs -o mode=755,size=3g tmpfs "$root"
	tar -C "$root" -xpf "$cache/$release-$1.tar"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	write_sources
	mkdir "$root/test" "$root/test/archives" "$root/test/repo"
	mount -t proc proc "$root/proc"
	mount --bind "$cache/archives" "$root/test/archives"
	cp tests/package/inside.sh "$root/test/"
	: >"$work/apt.log"
	: >"$work/mail.log"
}

offer()
{
	rm -f "$root"/test/repo/*
	cp "$1"/*.deb "$root/test/repo/"
	(cd "$root/test/repo" &&
		dpkg-scanpackages --multiversion . >Packages 2>/dev/null)
	echo 'deb [trusted=yes] file:/test/repo ./' \
		>"$root/etc/apt/sources.list.d/test.list"
	apt update -o Dir::Etc::SourceList=sources.list.d/test.list \
		-o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0
}

sink_start()
{
	[ -x "$sink" ] || fail "no $sink: run make check-package"
	"$sink" --auth --port "${1:-0}" --log "$work/mail.log" \
		>"$work/sink.out" 2>&1 &
	sink_pid=$!
	for _ in $(seq 100); do
		port=$(sed -n 's/^port //p' "$work/sink.out")
		[ -z "$port" ] || return 0
		sleep 0.05
	done
	fail "the sink does not start: $(cat "$work/sink.out")"
}

sink_stop()
{
	kill "$sink_pid"
	wait "$sink_pid" || true
}

arrived()
{
	local ids

	for _ in $(seq 150); do
		[ "$(wc -l <"$work/mail.log")" -lt "$1" ] || break
		sleep 0.1
	done
	ids=$(cut -f 6 "$work/mail.log" | sort -u | wc -l)
	if [ "$(wc -l <"$work/mail.log")" -ne "$1" ] || [ "$ids" -ne "$1" ]; then
		cat "$work/mail.log"
		fail "not $1 mails, each once"
	fi
	[ "$(cut -f 2 "$work/mail.log" | sort -u)" = shop ] ||
		fail "not sent by the relay's account"
}
