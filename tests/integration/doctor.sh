#!/bin/sh
# doctor.sh - tillpost doctor on a healthy and on many broken installations
#
# JOB     An installation made by setup, with tillpostd, a relay and a name
#         server of the harness. Then one thing after the other is broken:
#         doctor must name it, say what to do, and end with 78 if it is an
#         error; and be content again when it is mended.
# ERRORS  Ends at the first check that fails, with what was printed.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${TP_BUILD:-$root/build}
HARNESS=$root/tests/harness
export TILLPOST_PLUGIN="${TILLPOST_PLUGIN:-$build/tillpost.so}"
. "$HARNESS/installed.sh"
# shellcheck source=tests/harness/command.sh
. "$HARNESS/command.sh"

work=$(mktemp -d /tmp/tp-doctor.XXXXXX) || exit 1
dns_pid=
fpm_pid=
clean_up()
{
	installed_stop
	[ -z "$fpm_pid" ] || kill "$fpm_pid" 2>/dev/null
	[ -z "$dns_pid" ] || kill "$dns_pid" 2>/dev/null
	"$HARNESS/relays.sh" stop "$work/relays" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# doctor CODE OPTION...
doctor()
{
	wanted=$1
	shift
	# shellcheck disable=SC2086
	ran "$TP_BIN/tillpost" doctor $as -c "$TP_CONFIG" \
		--resolver "127.0.0.1:$dns_port" --php "$work/php.sh" \
		--php-fpm "$work/php-fpm.sh" \
		--sendmail "$work/sendmail" "$@"
	[ $got -eq "$wanted" ] ||
		fail "doctor $*: exit code $got, expected $wanted"
}

# finds LEVEL TOPIC PATTERN: and says what to do about it
finds()
{
	checks=$((checks + 1))
	grep -A 2 -E -- "^$1 +$2: .*$3" "$work/out" >"$work/found" ||
		fail "no $1 about $2 with \"$3\""
	[ "$1" != error ] && [ "$1" != warning ] || [ "$2" = configuration ] ||
		grep -qE '^ +(do|why): ' "$work/found" ||
		fail "no word about what to do"
}

# ---- a healthy installation -------------------------------------------------

"$HARNESS/relays.sh" start "$work/relays" 2>"$work/err" || {
	chmod 711 "$work"
	"$HARNESS/relays.sh" start "$work/relays" || exit 1
}
. "$work/relays/relays.env"
installed_prepare "$work" || exit 1
as=
[ "$(id -u)" -ne 0 ] || as="--user $TP_UID"
rm -rf "$work/etc" "$work/state" "$work/spool"

cat >"$work/zone" <<'END'
shop.test TXT some-other-proof=1
shop.test TXT v=spf1 include:_spf.relay.test -all
shop.test MX 10 mail.shop.test
_spf.relay.test TXT v=spf1 ip4:192.0.2.0/24 -all
_dmarc.shop.test TXT v=DMARC1; p=quarantine; rua=mailto:d@shop.test
s9._domainkey.shop.test TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
other._domainkey.shop.test TXT v=DMARC1; p=none
fails._domainkey.shop.test FAIL -
empty._domainkey.shop.test TXT v=DKIM1; p=
two.test TXT v=spf1 -all
two.test TXT v=spf1 mx -all
two.test MX 10 mail.two.test
_dmarc.two.test TXT v=DMARC1; rua=mailto:d@two.test
open.test TXT v=spf1 a mx ptr a:b.test mx:c.test a:d.test a:e.test a:f.test a:g.test a:h.test a:i.test +all
none.test TXT nothing
_dmarc.deep.test TXT v=DMARC1; p=none
sub.deep.test TXT v=spf1 mx ~all
sub.deep.test A 192.0.2.1
_dmarc.low.high.test TXT v=DMARC1; p=reject
_dmarc.high.test TXT v=DMARC1; p=none; sp=quarantine
mail.low.high.test TXT v=spf1 -all
mail.low.high.test MX 0 .
bounce.test TXT v=spf1 -all
typo.test TXT v=spf1 mx -all a:late.test include:late.test redirect=late.test
typo.test AAAA 2001:db8::1
_dmarc.typo.test TXT v=DMARC1; p=rejct; rua=mailto:d@typo.test
_dmarc.dead.test TXT v=DMARC1; p=rejct
dead.test TXT v=spf1 ?include:spf.mailjet.com include:_spf.relay.test -all
pass.test TXT v=spf1 redirect=_more.pass.test
_more.pass.test TXT v=spf1 include:spf.mailjet.com -all
END
i=0
while [ $i -lt 30 ]; do
	echo "many.test TXT proof-of-somebody-$i=0123456789abcdef0123456789"
	i=$((i + 1))
done >>"$work/zone"
echo "many.test TXT v=spf1 mx -all" >>"$work/zone"
cp "$work/zone" "$work/zone.before"
dns_port=$(/usr/bin/python3 "$HARNESS/ports.py" choose 1)
/usr/bin/python3 "$HARNESS/dns.py" "$dns_port" "$work/zone" 2>"$work/dns.err" &
dns_pid=$!

cat >"$work/php.sh" <<END
#!/bin/sh
exec php -n -d extension=$TP_EXTENSION "\$@"
END
chmod 755 "$work/php.sh"
cp "$work/php.sh" "$work/php.before"
for php_fpm in /usr/sbin/php-fpm*; do :; done
cat >"$work/php-fpm.sh" <<END
#!/bin/sh
exec $php_fpm -n -d extension=$TP_EXTENSION "\$@"
END
chmod 755 "$work/php-fpm.sh"
cp "$work/php-fpm.sh" "$work/php-fpm.before"
ln -s "$TP_BIN/tillpost-sendmail" "$work/sendmail"

printf '%s\n' "$A_PASS1" >"$work/secret"
chmod 600 "$work/secret"
# shellcheck disable=SC2086
"$TP_BIN/tillpost" setup $as --yes -c "$TP_CONFIG" --state-dir "$work/state" \
	--host 127.0.0.1 --port "$A_SMTPS_PORT" --tls implicit \
	--ca-file "$CA_FILE" -u "$A_USER1" --password-file "$work/secret" \
	--from "Shop <shop@shop.test>" >"$work/out" 2>"$work/err" ||
	fail "setup"
secret=$work/etc/secrets/relay
queue=$work/state/queue/queue.db
spool=$work/state/spool
TP_SPOOL=$spool
installed_start || exit 1

doctor 0 --selector s9
finds ok clock .
finds ok configuration 'has no errors'
finds ok secret "$secret can be read by"
finds ok queue "alone"
finds ok spool 'incoming has mode 3733'
finds ok spool 'quarantine has mode 0700'
finds ok log outcome.jsonl
finds ok disk 'MB free'
finds ok daemon 'answers \(pid [1-9]'
finds ok queue 'nothing is waiting in it'
finds ok port "port $A_SMTPS_PORT can be reached"
finds ok 'tls mode' 'from the first byte'
finds ok tls TLSv1
finds ok login 'logged in'
finds ok spf 'v=spf1 include'
finds ok dkim 's9._domainkey.shop.test has a key'
finds ok dmarc 'policy quarantine'
finds ok php 'has the extension'
finds ok sendmail tillpost-sendmail
finds ok php-fpm 'has the extension'

# Whether this machine's clock is kept is not for a test to say: STA_UNSYNC.
if /usr/bin/python3 -c '
import ctypes, struct, sys
timex = ctypes.create_string_buffer(512)
ctypes.CDLL(None).adjtimex(timex)
sys.exit(not struct.unpack_from("i", timex, 40)[0] & 0x40)'; then
	finds warning clock 'nothing keeps'
	grep -qx '0 errors, 1 warning' "$work/out" || fail "it is healthy"
else
	grep -qx '0 errors, 0 warnings' "$work/out" || fail "it is healthy"
fi

doctor 0 --selector s9 --json
checks=$((checks + 1))
/usr/bin/python3 - "$work/out" <<'END' 2>"$work/err" || fail "not JSON"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1], "rb")]
assert all(set(line) == {"level", "topic", "what", "why", "do"}
           for line in lines)
assert all(line["level"] == "ok" or line["what"].startswith("nothing keeps")
           for line in lines), lines
END
doctor 0 --selector s9 --to kunde@example.org
finds ok 'test mail' 'the relay took'

# ---- files ------------------------------------------------------------------

# with_mode MODE FILE LEVEL TOPIC PATTERN: for as long as it has that mode
with_mode()
{
	before=$(stat -c %a "$2")
	chmod "$1" "$2"
	code=78
	[ "$3" = error ] || code=0
	doctor $code --selector s9
	finds "$3" "$4" "$5"
	chmod "$before" "$2"
}

with_mode 666 "$TP_CONFIG" error configuration 'has mode 0666'
with_mode 644 "$secret" error configuration 'mode 0644.*chmod 600'
with_mode 777 "$work/etc/secrets" error secret 'secrets has mode 0777'
with_mode 644 "$queue" error queue 'others may open'
with_mode 777 "$work/state/queue" error queue 'others may replace'
with_mode 1777 "$spool/incoming" error spool 'incoming has mode 3777'
grep -q "do:  setpriv --reuid=$TP_UID .* chmod 3733 $spool/incoming" \
	"$work/out" || fail "root would follow a link"
with_mode 755 "$spool/quarantine" error spool 'quarantine has mode 0755'
with_mode 777 "$spool" error spool 'spool has mode 0777'
with_mode 644 "$work/state/queue/outcome.jsonl" warning log 'mode 0644'

mv "$secret" "$secret.away"
doctor 78
finds error configuration 'cannot open .*secrets/relay'
mv "$secret.away" "$secret"

if [ "$(id -u)" -eq 0 ]; then
	chown 61011 "$secret"
	doctor 78
	finds error configuration 'relay: Permission denied|belongs to user'
	chown "$TP_UID" "$secret"
	chown 61011 "$TP_CONFIG"
	doctor 78
	finds error configuration 'belongs to user 61011'
	grep -q "do:  chown -h $TP_UID $TP_CONFIG" "$work/out" ||
		fail "root would follow a link"
	chown "$TP_UID" "$TP_CONFIG"
fi

touch -d '+1 day' "$work/state/queue/outcome.jsonl"
doctor 78 --selector s9
finds error clock 'outcome.jsonl was written at .* still to come'
touch "$work/state/queue/outcome.jsonl"

# What the service may do is what its unit says.
echo "ReadWritePaths=/var/lib/tillpost $work/state/queue/x" >"$work/unit"
doctor 0 --selector s9 --unit "$work/unit"
finds warning service "$work/state/queue is not among the places where .* write"
finds warning service "$spool is not among the places where .* write"
finds warning service "$secret is not among the places where tillpostd reads"
grep -q "ReadWritePaths=$spool" "$work/out" || fail "the drop-in to write"
printf '%s\n' "ReadWritePaths=$work/state" "BindReadOnlyPaths=$work" >"$work/unit"
doctor 0 --selector s9 --unit "$work/unit"
! grep -q '^warning  service' "$work/out" || fail "the unit names them all"

mkdir "$work/etc/.setup.AbCdE7"
mkdir "$work/etc/.setup.\$(id)x" "$work/etc/.setup.a;b c\`" \
	"$work/etc/.setup.x" "$work/etc/.setup.AbCdE78"
doctor 0 --selector s9
finds warning configuration 'AbCdE7 was left by a setup'
[ "$(grep -c 'left by a setup' "$work/out")" -eq 1 ] ||
	fail "names that setup does not make"
[ "$(id -u)" -ne 0 ] || grep -q \
	"do:  setpriv --reuid=$TP_UID .* rm -r $work/etc/.setup.AbCdE7" \
	"$work/out" || fail "root would remove for another user"
rmdir "$work"/etc/.setup.*

mv "$TP_CONFIG" "$TP_CONFIG.away"
doctor 78
finds error configuration 'No such file'
mv "$TP_CONFIG.away" "$TP_CONFIG"

# ---- settings and relay -----------------------------------------------------

cp -p "$TP_CONFIG" "$work/conf.before"
# changed SED: until mended
changed()
{
	sed -i "$1" "$TP_CONFIG"
	cmp -s "$TP_CONFIG" "$work/conf.before" && fail "sed $1 changed nothing"
	[ "$(id -u)" -ne 0 ] || chown "$TP_UID" "$TP_CONFIG"
}
mended()
{
	cp -p "$work/conf.before" "$TP_CONFIG"
}

changed 's/tls = "implicit"/tls = "starttls"/'
doctor 78
finds error 'tls mode' 'speaks TLS from the first byte'
mended
changed "s/port = [0-9]*/port = $A_STARTTLS_PORT/"
doctor 78
finds error 'tls mode' 'greets in clear text'
mended
closed_port=$(/usr/bin/python3 "$HARNESS/ports.py" choose 1)
changed "s/port = [0-9]*/port = $closed_port/"
doctor 78
finds error port 'Connection refused'
mended
changed 's/host = "127.0.0.1"/host = "relay.invalid"/'
doctor 78
finds error dns 'relay.invalid has no address'
mended
changed "s/port = [0-9]*/port = $A_EXPIRED_SMTPS_PORT/"
doctor 78
finds error tls 'expired'
mended
printf 'wrong\n' >"$secret"
doctor 78
finds error login '535'
printf '%s' "$A_PASS1" >"$secret"
changed 's/host = /hots = /'
doctor 78
finds error configuration 'unknown key|hots'
mended
changed '/^queue = /a free_reserve = "1024G";'
doctor 78
finds error disk 'are kept in reserve'
mended
doctor 78 --store nowhere
finds error stores 'named nowhere'

# What only the service has keeps nothing but the login from being looked at.
# lacks KEY VALUE: until mended
lacks()
{
	changed "s|password_file = .*|$1 = \"$2\";|"
	doctor 0 --selector s9 --to kunde@example.org
	finds warning configuration "$2"
	finds warning secret "$1 of relay relay is not to be had here: $2"
	finds note login 'relay: not tried, .* nor a test mail sent'
	for topic in queue spool log disk daemon port 'tls mode' spf dmarc php; do
		finds ok "$topic" .
	done
	! grep -qE "^[a-z]+ +(login:.*logged|test mail)" "$work/out" ||
		fail "a login without a password"
	[ ! -s "$work/err" ] || fail "it is said twice"
}

unset TP_DOCTOR_PASSWORD
lacks password_env TP_DOCTOR_PASSWORD
TP_DOCTOR_PASSWORD=$A_PASS1
export TP_DOCTOR_PASSWORD
doctor 0 --selector s9
finds ok login 'logged in'
! grep -q 'not to be had' "$work/out" || fail "the variable is set"
unset TP_DOCTOR_PASSWORD
mended
lacks password_file /run/credentials/tp-doctor.service/relay
grep -q 'while the service runs' "$work/out" || fail "how to read a credential"
# What is wrong besides is still an error.
chmod 666 "$queue"
doctor 78 --selector s9
finds error queue 'others may open|0666'
finds warning configuration 'only for the service'
chmod 600 "$queue"
mended

# ---- domains ----------------------------------------------------------------

# from ADDRESS CODE OPTION...
from()
{
	address=$1
	shift
	changed "s/from = .*/from = \"$address\";/"
	doctor "$@"
	mended
}

from a@two.test 78
finds error spf 'more than one SPF'
finds warning dmarc 'no valid policy'
finds note dkim 'not known'
from a@open.test 78
finds error spf 'needs 11 look-ups'
finds warning spf 'lets everybody send'
finds warning domain 'no mail server'
finds warning dmarc 'no DMARC record'
from a@none.test 0
finds warning spf 'has no SPF record'
grep -q 'ask the provider of the relay for its SPF include' "$work/out" ||
	fail "what to publish is not known"
! grep -q 'v=spf1 mx' "$work/out" || fail "a record without the relay"
from a@sub.deep.test 0
finds ok dmarc 'deep.test: policy none'
! grep -q 'warning  domain' "$work/out" || fail "an address does for an MX"
from a@mail.low.high.test 0
finds ok dmarc 'high.test: policy quarantine'
finds warning domain 'null MX'
from a@many.test 0
finds ok spf 'many.test: v=spf1 mx -all'
from a@typo.test 0
finds ok spf 'typo.test: v=spf1'
finds warning dmarc 'no valid policy \(p=rejct\)'
from a@dead.test 78
finds error dmarc 'without a valid policy'
from a@nowhere.test 78
finds error domain 'no domain nowhere.test'
from me@gmail.com 78
finds error domain 'another relay sends it'
from shop@shop.test 0 --selector empty
finds warning dkim 'withdrawn'
from shop@shop.test 0 --selector s1
finds warning dkim 'no key under the selectors s1'
from shop@shop.test 0 --selector other
finds warning dkim 'no key under the selectors other'
from shop@shop.test 0 --selector fails
finds warning dkim 'no name server tells about fails'
! grep -q 'no key under' "$work/out" || fail "nothing is known of the key"
changed '/from = /a envelope_from = "b@bounce.test";'
doctor 0 --selector s9
finds ok spf 'bounce.test: v=spf1'
finds warning dmarc "bounce.test does not count for From's shop.test"
mended

# What is known of a provider is known of its host too: these cannot be
# reached here, so that the relay is one error more.
changed 's/host = "127.0.0.1"/host = "in-v3.mailjet.com"/'
from_there()
{
	sed -i "s/from = .*/from = \"$1\";/" "$TP_CONFIG"
	[ "$(id -u)" -ne 0 ] || chown "$TP_UID" "$TP_CONFIG"
	doctor 78
}
from_there a@dead.test
finds warning spf 'dead.test does not have include:spf.mailjet.com'
from_there a@pass.test
finds ok spf 'pass.test: v=spf1 redirect'
from_there a@none.test
finds warning spf 'has no SPF record'
grep -q 'v=spf1 include:spf.mailjet.com ~all (https:' "$work/out" ||
	fail "the record to publish"
mended
changed 's/host = "127.0.0.1"/host = "mail.gmx.net"/'
from_there me@gmx.de
finds ok domain 'sent by its own provider'
from_there me@web.de
finds error domain 'web.de, but another relay sends it'
from_there me@yahoo.co.uk
finds error domain 'another relay sends it'
from_there me@me.com
finds error domain 'another relay sends it'
mended

# A second relay, which is not in use, is looked at as far as that goes.
changed "/^relays = /a spare = { host = \"127.0.0.1\"; port = $closed_port; tls = \"implicit\"; };"
sed -i 's/relays = \[.*\]/relays = ["relay", "spare"]/' "$TP_CONFIG"
[ "$(id -u)" -ne 0 ] || chown "$TP_UID" "$TP_CONFIG"
doctor 78 --selector s9
finds error port "127.0.0.1 port $closed_port cannot be reached"
finds ok login 'logged in'
mended
doctor 0 --resolver "127.0.0.1:$closed_port"
finds warning spf 'no name server tells'
doctor 64 --resolver here
grep -q 'not an IPv4 address' "$work/err" || fail "a name server named here"

# ---- programs, daemon, queue ------------------------------------------------

printf '#!/bin/sh\nexec php -n "$@"\n' >"$work/php.sh"
doctor 0 --selector s9
finds warning php 'does not send through tillpost'
printf '#!/bin/sh\nexec php -n -d sendmail_path="%s -t -i" "$@"\n' \
	"$TP_BIN/tillpost-sendmail" >"$work/php.sh"
doctor 0 --selector s9
finds ok php 'sends by'
printf '#!/bin/sh\nexec php -n -d sendmail_path="%s -t -i" "$@"\n' \
	"$work/sendmail" >"$work/php.sh"
doctor 0 --selector s9
finds ok php 'sends by .*/sendmail -t'
cp "$work/php.before" "$work/php.sh"

# PHP-FPM, which has settings of its own, and its pools again
printf '#!/bin/sh\nexec %s -n "$@"\n' "$php_fpm" >"$work/php-fpm.sh"
doctor 0 --selector s9
finds note php-fpm 'does not send through tillpost'
printf '#!/bin/sh\nexit 1\n' >"$work/php-fpm.sh"
doctor 78 --selector s9
finds error php-fpm 'fails, so it is not looked at'
mkdir -p "$work/fpm/conf.d" "$work/fpm/pool.d"
echo "extension=$TP_EXTENSION" >"$work/fpm/conf.d/20-tillpost.ini"
: >"$work/fpm/php.ini"
echo '[www]' >"$work/fpm/pool.d/www.conf"
cat >"$work/fpm/pool.d/off.conf" <<'END'
[off]
; php_admin_flag[tillpost.enable] = on
php_admin_flag[tillpost.enable] = off
END
cat >"$work/fpm/pool.d/own.conf" <<END
[own]
php_flag[tillpost.enable] = off
php_admin_value[sendmail_path] = "$TP_BIN/tillpost-sendmail -t -i"
END
cat >"$work/fpm/pool.d/copy.conf" <<END
[copy]
php_admin_value[sendmail_path] = "/usr/bin/env A=b mailpit sendmail -t"
END
cat >"$work/fpm/pool.d/mta.conf" <<END
[mta]
php_flag[tillpost.enable] = off
php_admin_value[sendmail_path] = $work/sendmail -t -i
END
cat >"$work/php-fpm.sh" <<END
#!/bin/sh
PHP_INI_SCAN_DIR=$work/fpm/conf.d exec $php_fpm -c $work/fpm/php.ini "\$@"
END
bash -c "exec -a 'php-fpm: master process ($work/fpm/php-fpm.conf)' sleep 600" &
fpm_pid=$!
doctor 0 --selector s9
finds ok php-fpm 'www.conf\) has the extension'
finds ok php-fpm 'own.conf\) sends by'
finds ok php-fpm 'mta.conf\) sends by'
finds note php-fpm 'copy.conf\) .* mail\(\) stays with mailpit'
finds warning php-fpm 'off.conf\) does not send .* tillpost.enable is off'
! grep -q 'runs since' "$work/out" || fail "it is newer than the extension"
sleep 4
touch "$work/fpm/conf.d/20-tillpost.ini"
doctor 0 --selector s9
finds note php-fpm 'runs since .* and the extension is of'
kill "$fpm_pid"
fpm_pid=
cp "$work/php-fpm.before" "$work/php-fpm.sh"
ln -sf "$TP_BIN/tillpost" "$work/sendmail"
doctor 0 --selector s9
finds note sendmail 'another mail system'
rm "$work/sendmail"
doctor 0 --selector s9
finds note sendmail 'there is no'
ln -s "$TP_BIN/tillpost-sendmail" "$work/sendmail"

# A file that cannot be taken in; later a mail that is held.
mv_in='echo damage >"$1/t.$2" && chmod 440 "$1/t.$2" && mv "$1/t.$2" "$1/$2"'
installed_as "$TP_UID" sh -c "$mv_in" sh "$spool/incoming" 01M8060E1H2HBCMYBQ ||
	fail "a file in the spool"
waited=0
until [ -n "$(ls "$spool/quarantine")" ]; do
	[ $waited -lt 100 ] || fail "nothing is in quarantine"
	sleep 0.1
	waited=$((waited + 1))
done
doctor 0 --selector s9
finds warning quarantine 'could not be taken in'

# Without the daemon, which would deliver it before it is held.
installed_stop || exit 1
printf 'From: shop@shop.test\nSubject: held\n\nx\n' >"$work/held"
id=$(installed_as "$TP_UID" "$TP_BIN/tillpost" submit -c "$TP_CONFIG" \
	kunde@example.org <"$work/held") || fail "submit"
installed_as "$TP_UID" "$TP_BIN/tillpost" queue hold -c "$TP_CONFIG" \
	"$id" >"$work/out" 2>"$work/err" || fail "hold"
doctor 78 --selector s9
finds error daemon 'does not answer'
finds warning queue '1 held messages'
grep -q "the first is $id of store default" "$work/out" || fail "which is held"

checks=$((checks + 1))
! grep -q "$A_PASS1" "$work/everything" || fail "a secret was printed"
echo "doctor: $checks checks"
