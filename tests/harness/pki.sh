#!/bin/sh
# pki.sh - a private certificate authority for the test relays
#
# JOB     pki.sh DIR writes, with EC keys and the openssl command:
#           ca.pem, other-ca.pem          the trusted and the other authority
#           relay-a.pem, relay-b.pem      valid: relay-X.test, localhost,
#                                         127.0.0.1
#           expired.pem                   names as relay-a, ended in the past
#           wrong-name.pem                valid, but only for wrong.test
#           other.pem                     names as relay-a, signed by the other
#                                         authority
#         Every server file holds its key and certificate, in that order, as
#         Postfix and Dovecot both accept it.
# BOUNDS  Does nothing when DIR/ready exists (made last). Keys are mode 0600.
# SPDX-License-Identifier: MIT

set -eu
umask 077

# What openssl said is shown only when it failed.
on_exit()
{
	status=$?
	[ $status -eq 0 ] || cat openssl.log >&2
	rm -rf openssl.log issued ca.key other-ca.key
	exit $status
}

# authority NAME: NAME.key and the self-signed NAME.pem
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.pem" -days 3650 -subj "/CN=$1.test" \
		-addext keyUsage=critical,keyCertSign,cRLSign 2>openssl.log
	chmod 644 "$1.pem"
}

# server FILE AUTHORITY SUBJECT_ALT_NAMES START END: FILE.pem, key first
server()
{
	cat >"$1.cnf" <<-END
	[ca]
	default_ca = test
	[test]
	database = $1.index
	new_certs_dir = issued
	rand_serial = yes
	default_md = sha256
	policy = anything
	x509_extensions = server
	[anything]
	commonName = supplied
	[server]
	basicConstraints = critical,CA:FALSE
	extendedKeyUsage = serverAuth
	subjectAltName = $3
	END
	: >"$1.index"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>openssl.log
	openssl ca -batch -notext -config "$1.cnf" -cert "$2.pem" \
		-keyfile "$2.key" -startdate "$4" -enddate "$5" \
		-in "$1.csr" -out "$1.crt" 2>openssl.log
	cat "$1.key" "$1.crt" >"$1.pem"
	rm -f "$1.key" "$1.crt" "$1.csr" "$1.cnf" "$1".index*
}

if [ $# -ne 1 ]; then
	echo "usage: pki.sh DIR" >&2
	exit 64
fi
mkdir -p "$1"
cd "$1"
[ ! -e ready ] || exit 0

: >openssl.log
trap on_exit EXIT
mkdir -p issued

names=DNS:localhost,IP:127.0.0.1
start=20200101000000Z
end=20491231235959Z

authority ca
authority other-ca
server relay-a ca "DNS:relay-a.test,$names" $start $end
server relay-b ca "DNS:relay-b.test,$names" $start $end
server expired ca "DNS:relay-a.test,$names" $start 20210101000000Z
server wrong-name ca DNS:wrong.test $start $end
server other other-ca "DNS:relay-a.test,$names" $start $end
chmod 755 .
: >ready
