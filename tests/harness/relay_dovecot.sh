# relay_dovecot.sh - relay B: Dovecot's submission service
#
# JOB     submission_start, submission_stop, sourced by relays.sh; and the
#         Dovecot functions that relay A's SASL part uses too.
#         Everything lives in DIR/b. Runs as root and as an ordinary user.
#         Dovecot checks TLS and AUTH and passes each message on, with the
#         user's name (XCLIENT), to relay_user.py, which judges recipients
#         and stores the message.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154,SC3043

# dovecot_write_accounts FILE USER PASSWORD [USER PASSWORD]
dovecot_write_accounts()
{
	local file="$1"

	shift
	(
		umask 077
		while [ $# -gt 1 ]; do
			printf '%s:{PLAIN.b64}%s\n' "$1" \
				"$(printf %s "$2" | base64 -w 0)"
			shift 2
		done >"$file"
	)
	[ "$(id -u)" -ne 0 ] || chown dovecot "$file"
}

# An ordinary user is every one of Dovecot's users, and cannot chroot.
dovecot_identity()
{
	local user group service

	[ "$(id -u)" -ne 0 ] || return 0
	user=$(id -un)
	group=$(id -gn)
	cat <<-END
	default_internal_user = $user
	default_internal_group = $group
	default_login_user = $user
	END
	for service in anvil stats submission-login; do
		printf 'service %s {\n  chroot =\n}\n' $service
	done
}

# dovecot_common RUN_DIRECTORY ACCOUNTS: what both instances share
dovecot_common()
{
	cat <<-END
	base_dir = $1
	state_dir = $1
	log_path = $1.log
	listen = 127.0.0.1
	auth_mechanisms = plain login cram-md5 scram-sha-256
	auth_failure_delay = 0
	passdb {
	  driver = passwd-file
	  args = username_format=%u $2
	}
	# Wrong passwords are part of the tests: no penalty for the next try.
	service anvil {
	  unix_listener anvil-auth-penalty {
	    mode = 0
	  }
	}
	END
	dovecot_identity
}

# The parent returns when the listeners exist.
dovecot_launch()
{
	dovecot -c "$1" >>"${1%.conf}.out" 2>&1
}

dovecot_halt()
{
	relays_end_process "${1%.conf}/master.pid" "$1"
}

submission_write_conf()
{
	local owner=nobody

	[ "$(id -u)" -eq 0 ] || owner=$(id -un)
	{
		dovecot_common "$DIR/b/run" "$DIR/b/accounts"
		cat <<-END
		protocols = submission
		hostname = relay-b.test
		ssl = required
		ssl_cert = <$DIR/pki/relay-b.pem
		ssl_key = <$DIR/pki/relay-b.pem
		login_log_format_elements = user=<%u> method=%m %k session=<%{session}>
		first_valid_uid = 1
		first_valid_gid = 1
		userdb {
		  driver = static
		  args = uid=$(id -u "$owner") gid=$(id -g "$owner") home=$DIR/b/home
		}
		mail_location = maildir:~/mail
		service submission-login {
		  inet_listener submission {
		    port = $B_STARTTLS_PORT
		  }
		  inet_listener submissions {
		    port = $B_SMTPS_PORT
		    ssl = yes
		  }
		}
		submission_relay_host = 127.0.0.1
		submission_relay_port = $B_BACKEND_PORT
		submission_relay_trusted = yes
		submission_max_mail_size = $SIZE_LIMIT
		mail_max_userip_connections = 1000
		END
	} >"$DIR/b/run.conf"
}

submission_start()
{
	mkdir -p "$DIR/b/run" "$DIR/b/store" "$DIR/b/home"
	chmod 755 "$DIR/b"
	[ "$(id -u)" -ne 0 ] || chown nobody "$DIR/b/home"
	dovecot_write_accounts "$DIR/b/accounts" "$B_USER1" "$B_PASS1"
	submission_write_conf
	relay_user_launch "$DIR/b" --name backend.test \
		--listen "internal:$B_BACKEND_PORT:internal" || return 1
	dovecot_launch "$DIR/b/run.conf"
}

submission_stop()
{
	dovecot_halt "$DIR/b/run.conf" && relay_user_halt "$DIR/b"
}
