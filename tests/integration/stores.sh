#!/bin/sh
# stores.sh - no store ever sends with another store's credentials
#
# JOB     One process, 8 threads, 3 stores with three accounts at two relays,
#         3,000 messages in turn. Then the relays are asked: every message
#         must have arrived once, logged in as its own store's account.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
HARNESS=$root/tests/harness
build=${TP_BUILD:-$root/build}
tests=${TP_TESTS:-$root/build/default/tests}
count=3000
work=$(mktemp -d "${TMPDIR:-/tmp}/tps.XXXXXX") || exit 1

clean_up()
{
	"$HARNESS/relays.sh" stop "$work/r"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

chmod 711 "$work"
"$HARNESS/relays.sh" start "$work/r" || exit 1
. "$work/r/relays.env"

umask 077
cat >"$work/t.conf" <<END
queue = { path = "$work/queue.db"; };
log = { path = "$work/outcome.jsonl"; };
relays = {
  one = { host = "localhost"; port = $A_STARTTLS_PORT; tls = "starttls";
          username = "$A_USER1"; password = "$A_PASS1"; ca_file = "$CA_FILE"; };
  two = { host = "localhost"; port = $A_STARTTLS_PORT; tls = "starttls";
          username = "$A_USER2"; password = "$A_PASS2"; ca_file = "$CA_FILE"; };
  three = { host = "localhost"; port = $B_SMTPS_PORT; tls = "implicit";
            username = "$B_USER1"; password = "$B_PASS1"; ca_file = "$CA_FILE"; };
};
stores = {
  default = { relays = ["one"]; };
  eu = { relays = ["two"]; };
  us = { relays = ["three"]; };
};
END

"$tests/integration/load_host" -c "$work/t.conf" -p "$build/tillpost.so" \
	-t 8 -n $count -s default,eu,us -w >"$work/accepted" || exit 1
"$HARNESS/relays.sh" wait a $((count / 3 * 2)) "$work/r" || exit 1
"$HARNESS/relays.sh" wait b $((count / 3)) "$work/r" || exit 1

/usr/bin/python3 - "$work" $count "$A_USER1" "$A_USER2" "$B_USER1" <<'END'
import collections, pathlib, re, sys

work, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
user_of = dict(zip(("default", "eu", "us"), sys.argv[3:]))
accepted = {line.split()[1]: line.split()[2]
            for line in (work / "accepted").read_text().splitlines()}
arrived = collections.Counter()
wrong = []
for env in work.glob("r/[ab]/store/*.env"):
    user = re.search(r"^user (.*)$", env.read_text(), re.M).group(1)
    mail = env.with_suffix(".eml").read_text()
    store = re.search(r"^X-Load-Store: (\S+)", mail, re.M).group(1)
    message_id = re.search(r"^Message-ID: (\S+)", mail, re.M).group(1)
    arrived[message_id] += 1
    if user != user_of[store] or accepted.get(message_id) != store:
        wrong.append((message_id, store, user))
missing = [m for m in accepted if arrived[m] == 0]
twice = [m for m, n in arrived.items() if n > 1]
print(f"{len(accepted)} accepted, {sum(arrived.values())} arrived, "
      f"{len(missing)} missing, {len(twice)} twice, "
      f"{len(wrong)} with other credentials")
sys.exit(bool(missing or twice or wrong or len(accepted) != count))
END
