# relay_postfix.sh - relay A: a real Postfix, with Dovecot for SASL
#
# JOB     postfix_start, postfix_stop: sourced by relays.sh, which sets the
#         variables of relays.env and DIR. Needs root, as Postfix does.
#         Everything lives in DIR/a: configuration, queue, data, log, store,
#         and the private Dovecot that only answers SASL.
# STORE   A pipe(8) transport runs DIR/a/store.sh for every message. The one
#         header that Postfix adds (its own Received) is dropped again by
#         header_checks, and every rewriting feature is off: the stored file
#         is what the client sent, byte for byte.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154,SC3043

POSTFIX_DAEMONS=/usr/lib/postfix/sbin

# What receives each message: two files, the message renamed into place last.
postfix_write_store_script()
{
	cat >"$DIR/a/store.sh" <<-END
	#!/bin/sh
	# store.sh ID USER SENDER RECIPIENT... < message
	set -eu
	umask 022
	cd "$DIR/a/store"
	id=\$1
	{
		printf 'id %s\nuser %s\nsender %s\n' "\$1" "\$2" "\$3"
		shift 3
		printf 'recipient %s\n' "\$@"
	} >".\$id.env"
	cat >".\$id.eml"
	mv ".\$id.env" "\$id.env"
	mv ".\$id.eml" "\$id.eml"
	END
	chmod 755 "$DIR/a/store.sh"
}

postfix_write_main_cf()
{
	cat >"$DIR/a/etc/main.cf" <<-END
	compatibility_level = 3.6
	queue_directory = $DIR/a/queue
	data_directory = $DIR/a/data
	maillog_file = $DIR/a/mail.log
	maillog_file_prefixes = $DIR/a
	mail_owner = postfix
	setgid_group = postdrop
	myhostname = relay-a.test
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
	enable_long_queue_ids = yes

	# Every address ends in the store; nothing can leave this machine,
	# because master.cf has no smtp client.
	mydestination =
	mynetworks =
	alias_maps =
	local_recipient_maps =
	local_transport = store:all
	default_transport = store:all
	store_destination_recipient_limit = 10000
	store_destination_concurrency_limit = 8

	# Keep the bytes as they came.
	header_checks = regexp:$DIR/a/etc/header_checks
	message_drop_headers =
	local_header_rewrite_clients =
	undisclosed_recipients_header =
	disable_mime_input_processing = yes
	header_size_limit = 1048576
	smtpd_forbid_bare_newline = reject
	smtpd_forbid_bare_newline_exclusions =

	smtpd_tls_chain_files = $DIR/pki/relay-a.pem
	smtpd_tls_security_level = encrypt
	smtpd_tls_auth_only = yes
	smtpd_tls_loglevel = 1
	smtpd_sasl_auth_enable = yes
	smtpd_sasl_type = dovecot
	smtpd_sasl_path = private/auth
	smtpd_sasl_security_options = noanonymous

	# The sender is judged at MAIL, the recipient at RCPT.
	smtpd_delay_reject = no
	smtpd_sender_restrictions = check_sender_access inline:{
	  { blocked@ = 553 5.7.1 Sender address not owned by user } }
	smtpd_relay_restrictions = permit_sasl_authenticated, reject
	smtpd_recipient_restrictions =
	  check_sender_access inline:{
	    { late-blocked@ = 550 5.7.1 Sender is not allowed here } },
	  check_recipient_access inline:{
	    { nobody@ = 550 5.1.1 User unknown },
	    { tempfail@ = 451 4.7.1 Try again later } }
	message_size_limit = $SIZE_LIMIT

	# A test is not an attack.
	smtpd_peername_lookup = no
	smtpd_error_sleep_time = 0
	smtpd_hard_error_limit = 1000
	smtpd_client_connection_count_limit = 0
	smtpd_client_event_limit_exceptions = 127.0.0.1
	in_flow_delay = 0
	END
	cat >"$DIR/a/etc/header_checks" <<-'END'
	/^Received: from .*by relay-a\.test \(Postfix\) with / IGNORE
	END
}

# postfix_listener PORT NAME OPTION...: one line of master.cf
postfix_listener()
{
	printf '127.0.0.1:%s inet n - n - - smtpd' "$1"
	printf ' -o syslog_name=postfix/%s' "$2"
	shift 2
	[ $# -eq 0 ] || printf ' -o %s' "$@"
	echo
}

# postfix_bad_listeners SMTPS_PORT STARTTLS_PORT NAME CERTIFICATE
postfix_bad_listeners()
{
	postfix_listener "$1" "$3-smtps" smtpd_tls_wrappermode=yes \
		"smtpd_tls_chain_files=$DIR/pki/$4.pem"
	postfix_listener "$2" "$3-starttls" \
		"smtpd_tls_chain_files=$DIR/pki/$4.pem"
}

postfix_write_master_cf()
{
	{
		postfix_listener "$A_SMTPS_PORT" smtps smtpd_tls_wrappermode=yes
		postfix_listener "$A_STARTTLS_PORT" starttls
		# Takes a password in the clear, so that a client that gives
		# one away is caught.
		postfix_listener "$A_PLAIN_PORT" plain \
			smtpd_tls_security_level=none smtpd_tls_auth_only=no
		postfix_bad_listeners "$A_EXPIRED_SMTPS_PORT" \
			"$A_EXPIRED_STARTTLS_PORT" expired expired
		postfix_bad_listeners "$A_WRONG_NAME_SMTPS_PORT" \
			"$A_WRONG_NAME_STARTTLS_PORT" wrong-name wrong-name
		postfix_bad_listeners "$A_OTHER_CA_SMTPS_PORT" \
			"$A_OTHER_CA_STARTTLS_PORT" other-ca other
		cat <<-END
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		tlsmgr unix - - n 1000? 1 tlsmgr
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		trace unix - - n - 0 bounce
		proxymap unix - - n - - proxymap
		error unix - - n - - error
		retry unix - - n - - error
		anvil unix - - n - 1 anvil
		postlog unix-dgram n - n - 1 postlogd
		store unix - n n - 8 pipe user=nobody null_sender=<> eol=\\r\\n
		 argv=$DIR/a/store.sh \${queue_id} \${sasl_username} \${sender} \${recipient}
		END
	} >"$DIR/a/etc/master.cf"
}

postfix_write_sasl_conf()
{
	{
		dovecot_common "$DIR/a/sasl" "$DIR/a/accounts"
		cat <<-END
		protocols =
		ssl = no
		service auth {
		  unix_listener $DIR/a/queue/private/auth {
		    mode = 0660
		    user = postfix
		    group = postfix
		  }
		}
		END
	} >"$DIR/a/sasl.conf"
}

postfix_running()
{
	"$POSTFIX_DAEMONS/master" -c "$DIR/a/etc" -t 2>/dev/null && return 1
	return 0
}

postfix_start()
{
	mkdir -p "$DIR/a/etc" "$DIR/a/queue/private" "$DIR/a/data" \
		"$DIR/a/store" "$DIR/a/sasl"
	chmod 755 "$DIR/a" "$DIR/a/etc" "$DIR/a/queue"
	chown postfix "$DIR/a/data" "$DIR/a/queue/private"
	chown nobody "$DIR/a/store"
	dovecot_write_accounts "$DIR/a/accounts" "$A_USER1" "$A_PASS1" \
		"$A_USER2" "$A_PASS2"
	postfix_write_store_script
	postfix_write_main_cf
	postfix_write_master_cf
	postfix_write_sasl_conf
	# Postfix does not trust a file younger than two seconds, and waits.
	touch -d '1 minute ago' "$DIR/a/etc"/*
	dovecot_launch "$DIR/a/sasl.conf" || return 1
	postfix -c "$DIR/a/etc" start >>"$DIR/a/start.log" 2>&1
}

# master(8) ends its children itself; -t tests its lock, so a reused process
# number can never be hit.
postfix_stop()
{
	local pid waited=0

	if [ -e "$DIR/a/etc/main.cf" ] && postfix_running; then
		read -r pid <"$DIR/a/queue/pid/master.pid"
		kill "$pid"
		while postfix_running && [ $waited -lt 100 ]; do
			sleep 0.05
			waited=$((waited + 1))
		done
		! postfix_running || return 1
	fi
	dovecot_halt "$DIR/a/sasl.conf"
}
