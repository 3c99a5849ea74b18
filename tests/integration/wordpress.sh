#!/bin/sh
# wordpress.sh - a real storefront sends its mail through tillpost
#
# JOB     WordPress with MariaDB, PHP-FPM and nginx; over HTTP: lost password,
#         an account that a customer makes, one that the administrator makes,
#         a comment. Each mail must arrive at a real relay (STARTTLS, AUTH),
#         once, with the right words. First with the PHP extension, then with
#         sendmail_path only; then with the daemon stopped: the storefront
#         answers as before, the mail waits, and goes out after the start.
#         Then the WordPress plugin: the store of the site, of two sites of a
#         network and of code that switches between them, the settings page,
#         the test mail, Site Health.
#         As root: web server and PHP are www-data, the daemon is another user,
#         and www-data cannot read a credential.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034 # HARNESS

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
HARNESS=$root/tests/harness
# shellcheck source=tests/harness/installed.sh
. "$HARNESS/installed.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/tpw.XXXXXX") || exit 1
keeper=keeper@example.com

clean_up()
{
	"$HARNESS/storefront.sh" stop "$work/s"
	installed_stop
	"$HARNESS/relays.sh" stop "$work/r"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail()
{
	echo "FAILED: $*"
	[ ! -s "$work/out" ] || head -n 60 "$work/out"
	[ ! -s "$work/s/fpm.log" ] || tail -n 5 "$work/s/fpm.log"
	[ ! -s "$work/s/www-data/php.log" ] ||
		tail -n 5 "$work/s/www-data/php.log"
	installed_show_log 2>&1
	exit 1
}

shop()
{
	"$HARNESS/wordpress.py" "$work/s" "$@" >"$work/out" 2>&1 ||
		fail "shop $*"
}

# shows TEXT: the page that the last shop() printed
shows()
{
	grep -qF -- "$1" "$work/out" || fail "the page does not show \"$1\""
}

# arrived RELAY USER OPTION...
arrived()
{
	store=$work/r/$1/store
	user=$2
	shift 2
	"$HARNESS/arrived.py" "$store" --user "$user" --lacks '^x-tillpost' \
		"$@" >"$work/arrived" || {
		cat "$work/arrived"
		fail "arrived $*"
	}
}

chmod 711 "$work"
installed_prepare "$work" || exit 1
"$HARNESS/relays.sh" start "$work/r" || exit 1
. "$work/r/relays.env"
"$HARNESS/storefront.sh" start "$work/s" || exit 1

web=www-data
[ "$(id -u)" -eq 0 ] || web=$(id -un)
installed_secret one "$A_PASS1"
installed_secret two "$A_PASS2"
installed_secret three "$B_PASS1"
cat >"$TP_CONFIG" <<END
queue = { path = "$TP_STATE/queue.db"; retry_base = "1s"; };
spool = { path = "$TP_SPOOL"; };
log = { path = "$TP_STATE/outcome.jsonl"; };
relays = {
  one = { host = "localhost"; port = $A_STARTTLS_PORT; tls = "starttls";
          username = "$A_USER1"; password_file = "$TP_SECRETS/one";
          ca_file = "$CA_FILE"; };
  two = { host = "localhost"; port = $A_STARTTLS_PORT; tls = "starttls";
          username = "$A_USER2"; password_file = "$TP_SECRETS/two";
          ca_file = "$CA_FILE"; };
  three = { host = "localhost"; port = $B_SMTPS_PORT; tls = "implicit";
            username = "$B_USER1"; password_file = "$TP_SECRETS/three";
            ca_file = "$CA_FILE"; };
};
stores = {
  default = { relays = ["one"]; users = ["$web"]; };
  eu = { relays = ["two"]; users = ["$web"]; };
  us = { relays = ["three"]; users = ["$web"]; };
};
END
chmod 644 "$TP_CONFIG"
installed_start || exit 1

# With the extension nothing may go to sendmail_path.
cat >"$work/extension.ini" <<END
extension=$TP_EXTENSION
tillpost.config=$TP_CONFIG
tillpost.plugin=$TP_PLUGIN
tillpost.spool=$TP_SPOOL
tillpost.sendmail=$TP_BIN/tillpost-sendmail
sendmail_path=/nonexistent/sendmail
END
echo "sendmail_path = \"$TP_BIN/tillpost-sendmail -t -i\"" >"$work/command.ini"
# As with tillpost-mta, and a mail server that is not ours.
ln -s "$TP_BIN/tillpost-sendmail" "$work/sendmail"
echo "sendmail_path = \"$work/sendmail -t -i\"" >"$work/link.ini"
mkdir "$work/other"
cat >"$work/other/msmtp" <<END
#!/bin/sh
cat >>$work/s/www-data/other.mail
END
chmod 755 "$work/other" "$work/other/msmtp"
echo "sendmail_path = \"$work/other/msmtp -t -i\"" >"$work/other.ini"

way()
{
	"$HARNESS/storefront.sh" php "$work/s" "$work/$1.ini" \
		TILLPOST_CONFIG="$TP_CONFIG" TILLPOST_PLUGIN="$TP_PLUGIN" ||
		exit 1
}

# ---- the mails of a shop ----------------------------------------------------

# everyday WAY
everyday()
{
	shop lost-password keeper
	arrived a "$A_USER1" --to $keeper --subject "Password Reset" \
		--has "action=rp" --has "Site Name: Example Shop" \
		--header 'From=^WordPress <wordpress@shop.example.com>$' \
		--recipients $keeper
	shop register "anna-$1" "anna-$1@example.org"
	arrived a "$A_USER1" --to "anna-$1@example.org" \
		--subject "Login Details" --has "Username: anna-$1"
	arrived a "$A_USER1" --to $keeper --subject "New User Registration" \
		--has "Username: anna-$1"
	shop add-user "bert-$1" "bert-$1@example.org"
	arrived a "$A_USER1" --to "bert-$1@example.org" \
		--subject "Login Details" --has "Username: bert-$1"
	arrived a "$A_USER1" --to $keeper --subject "New User Registration" \
		--has "Username: bert-$1"
	shop comment Käthe "kaethe-$1@example.org" "Gibt es das in Größe $1?"
	arrived a "$A_USER1" --to $keeper --subject "Please moderate" \
		--has "Gibt es das in Größe $1?" --has Käthe --rest 0
	echo "ok: the mails of a shop, $1"
}

# outage WAY
outage()
{
	installed_stop || fail "the daemon does not stop"
	shop front
	shows "Hello world!"
	before=$(date +%s%N)
	shop lost-password keeper
	took_ms=$((($(date +%s%N) - before) / 1000000))
	[ $took_ms -lt 2000 ] || fail "without the daemon it took $took_ms ms"
	shop comment Otto otto@example.org "Auch ohne Dämon, $1"
	[ "$(installed_spooled)" -eq 2 ] ||
		fail "$(installed_spooled) mails in the spool, not 2"
	arrived a "$A_USER1" --count 0 --wait 0 --rest 0
	installed_start || exit 1
	arrived a "$A_USER1" --subject "Password Reset" --to $keeper
	arrived a "$A_USER1" --subject "Please moderate" \
		--has "Auch ohne Dämon, $1" --rest 0
	installed_wait_empty 0 || fail "something stays in the spool"
	echo "ok: the daemon was stopped for a while, $1 ($took_ms ms)"
}

shop allow-registration
for now in extension command; do
	way $now
	everyday $now
	outage $now
done

# ---- the plugin -------------------------------------------------------------

plugin=tillpost/tillpost.php
cp -R "$root/packaging/wordpress/tillpost" "$work/s/www/wp-content/plugins/"
cat >"$work/s/www/more-config-tillpost.php" <<END
<?php
define( 'TILLPOST_COMMAND', '$TP_BIN/tillpost' );
define( 'TILLPOST_CONFIG', '$TP_CONFIG' );
END
# Code that sends for several sites in one request.
cat >"$work/s/www/wp-content/mu-plugins/switch.php" <<'END'
<?php
add_action( 'init', function () {
    if ( isset( $_GET['send-for-all-sites'] ) ) {
        wp_mail( 'all@example.org', 'Site one, before', 'x' );
        switch_to_blog( 2 );
        wp_mail( 'all@example.org', 'Site two, switched', 'x' );
        restore_current_blog();
        wp_mail( 'all@example.org', 'Site one, after', 'x' );
    }
    if ( isset( $_GET['as-store'] ) ) {
        wp_mail( 'form@example.org', 'By a form', 'x', array( 'X-Form: a: b', 'x-tillpost-STORE : ' . $_GET['as-store'] ) );
    }
    if ( isset( $_GET['health'] ) ) {
        wp_schedule_single_event( time() - 1, 'wp_site_health_scheduled_check' );
    }
    if ( isset( $_GET['other-mail-too'] ) ) {
        $both = function ( $what ) {
            switch_to_blog( 2 );
            wp_mail( 'both@example.org', "$what of WordPress", 'x' );
            restore_current_blog();
            mail( 'both@example.org', "$what of PHP", 'x', 'From: shop@example.com' );
        };
        $both( 'Mail' );
        if ( function_exists( 'tillpost_set_store' ) ) {
            tillpost_set_store( 'eu' );
            $both( 'Named mail' );
        }
    }
} );
add_filter( 'site_status_tests', function ( $tests ) {
    if ( wp_doing_cron() ) {
        error_log( 'tested by cron: ' . implode( ' ', array_keys( $tests['direct'] ) ) );
    }
    return $tests;
}, 99 );
END

# named WAY
named()
{
	shop store eu
	shows "Settings saved"
	shop lost-password keeper
	arrived a "$A_USER2" --subject "Password Reset" --to $keeper --rest 0
	shop test-mail "probe-$1@example.org"
	shows "A test mail to probe-$1@example.org was accepted"
	arrived a "$A_USER2" --to "probe-$1@example.org" \
		--has "This test mail came from http://shop.example.com" --rest 0
	shop settings
	shows "tillpost answers"
	shows "probe-$1@example.org sent"
	shows "$keeper sent"
	! grep -qF "anna-$1@example.org" "$work/out" ||
		fail "the page of store eu shows mail of the default store"
	shop site-health
	shows "good Mail is sent by tillpost"
	shop store nowhere
	shop test-mail lost@example.org
	shows "The test mail was not accepted"
	shop store "e u"
	shows "is not a store name"
	shop store ""
	shop lost-password keeper
	arrived a "$A_USER1" --subject "Password Reset" --to $keeper --rest 0
	echo "ok: the plugin names the store, shows and tests, $1"
}

shop activate $plugin
for now in command extension; do
	way $now
	named $now
done
shows_way()
{
	shop settings
	shows "$1"
}
shows_way "the tillpost extension of PHP, version"

# Who runs as the daemon's user sees the queue without the daemon.
if [ "$(id -u)" -eq 0 ]; then
	installed_stop || fail "the daemon does not stop"
	shop settings
	! grep -qF "tillpost answers" "$work/out" || fail "who answers?"
	shows "tillpostd"
	! grep -qF -e "$TP_SECRETS" "$work/out" ||
		fail "the page tells where the secrets are"
	shop site-health
	shows "critical Mail is not sent by tillpost"
	installed_start || exit 1
	echo "ok: the page without a daemon"
fi

# One site is its own master: a name that a mail has stays.
shop store eu
shop front "?as-store=us"
arrived b "$B_USER1" --to form@example.org --header 'X-Form=^a: b$' --rest 0
way link
shop test-mail link@example.org
arrived a "$A_USER2" --to link@example.org --rest 0
shop site-health
shows "good Mail is sent by tillpost"
way other
shop lost-password keeper
shop site-health
shows "critical Mail is not sent by tillpost"
grep -q '^Subject: .*Password Reset' "$work/s/www-data/other.mail" ||
	fail "the other mail server has got no mail"
! grep -i '^x-tillpost' "$work/s/www-data/other.mail" ||
	fail "another mail server is shown the store"
echo "ok: tillpost-sendmail by another name, and another mail server"

shop front "?health=1"
shop front "wp-cron.php?doing_wp_cron"
for _ in $(seq 100); do
	! grep -q 'tested by cron: .*tillpost' "$work/s/www-data/php.log" ||
		break
	sleep 0.1
done
grep -q 'tested by cron: .*tillpost' "$work/s/www-data/php.log" ||
	fail "Site Health by cron does not test tillpost"

cp "$work/s/www/more-config-tillpost.php" "$work/more-config"
echo "define( 'TILLPOST_STORE', 'eu' );" \
	>>"$work/s/www/more-config-tillpost.php"
way extension
shop front "?as-store=us"
arrived a "$A_USER2" --to form@example.org --header 'X-Form=^a: b$' --rest 0
cp "$work/more-config" "$work/s/www/more-config-tillpost.php"
way extension
shop store ""
echo "ok: wp-config.php names the store for all"

shop deactivate $plugin
shop make-network
shop add-site two two@example.org
arrived a "$A_USER1" --to two@example.org --count 2
arrived a "$A_USER1" --to $keeper --count 2 --rest 0
shop activate $plugin
shop --site two activate $plugin
shop store eu
shop --site two store us

# Who has a site sees its page, and cannot take another site's account.
shop set-password two secret-of-two
shop --as two secret-of-two --site two settings
shows "tillpost answers"
if "$HARNESS/wordpress.py" "$work/s" --as two secret-of-two --site two \
	store eu >"$work/out" 2>&1; then
	fail "a site's administrator has named the store"
fi
shows "not allowed to manage options"
arrived a "$A_USER2" --subject "Password Changed" --to two@example.org --rest 0
for now in extension command; do
	way $now
	shop comment Ida ida@example.org "Seite eins, $now"
	arrived a "$A_USER2" --subject "[Example Shop] Please moderate" \
		--has "Seite eins, $now"
	shop --site two comment Ida ida@example.org "Seite zwei, $now"
	arrived b "$B_USER1" --subject "[two] Please moderate" \
		--has "Seite zwei, $now" --rest 0
	shop front "?send-for-all-sites=1"
	arrived a "$A_USER2" --to all@example.org --subject "Site one" --count 2
	arrived b "$B_USER1" --to all@example.org --subject "Site two" --rest 0
	arrived a "$A_USER2" --count 0 --wait 0 --rest 0
	# Only one mail of the site is named, and no name is taken away.
	shop front "?other-mail-too=1"
	arrived b "$B_USER1" --to both@example.org \
		--subject "Mail of WordPress" --rest 0
	if [ $now = extension ]; then
		arrived a "$A_USER2" --to both@example.org \
			--subject "Named mail of" --count 2
	fi
	arrived a "$A_USER1" --to both@example.org --subject "Mail of PHP" \
		--rest 0
	arrived a "$A_USER2" --count 0 --wait 0 --rest 0
done
# Nobody of a site sends as another site by a header, named or not.
shop front "?as-store=us"
arrived a "$A_USER2" --to form@example.org --header 'X-Form=^a: b$' --rest 0
shop --site two store ""
shop --site two front "?as-store=eu"
arrived a "$A_USER1" --to form@example.org --rest 0
arrived a "$A_USER2" --count 0 --wait 0 --rest 0
shop --site two store us
shop --site two settings
shows "all@example.org sent"
! grep -qF "Password" "$work/out" || fail "page of site two shows subjects"
echo "ok: a network of two sites, each with its own store"

# ---- credentials ------------------------------------------------------------

"$HARNESS/relays.sh" auth-log a "$work/r" >"$work/out"
awk -F'\t' '$5 !~ /^TLSv1/ { exit 1 }' "$work/out" ||
	fail "a mail came without TLS"
if [ "$(id -u)" -eq 0 ]; then
	for secret in one two three; do
		setpriv --reuid=www-data --regid=www-data --init-groups \
			test -r "$TP_SECRETS/$secret" &&
			fail "www-data can read secret $secret"
	done
fi
grep -rlF -e "$A_PASS1" -e "$A_PASS2" -e "$B_PASS1" \
	"$TP_SPOOL" "$TP_LOG" "$TP_STATE" "$work/s/www-data" "$work/s"/*.log \
	>"$work/out" && fail "credentials outside of the secrets"
grep -F -e plugins/tillpost -e 'PHP Fatal' "$work/s/www-data/php.log" \
	>"$work/out" && fail "PHP complains"
installed_stop || fail "the daemon does not stop"
echo "all mails arrived once, each with the credentials of its store"
