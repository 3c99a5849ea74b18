/*
 * fake_pki.h - certificates made while a test runs
 *
 * JOB     A CA, and certificates with the right name or the wrong one, in
 *         date or out of it, signed by whoever the test wants. Nothing is
 *         stored in the tree and nothing expires there.
 * LAYER   tests; OpenSSL. Any failure ends the test program.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_TESTS_HARNESS_FAKE_PKI_H
#define TP_TESTS_HARNESS_FAKE_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct fake_cert {
	X509 *certificate;
	EVP_PKEY *key;
};

struct fake_cert_options {
	const char *common_name;
	const char *alt_names; /* "DNS:a.test,IP:127.0.0.1"; NULL: none */
	const struct fake_cert *issuer; /* NULL: self-signed */
	int ca;
	long from_s;  /* seconds from now; 0: an hour ago */
	long until_s; /* seconds from now; 0: in an hour */
};

struct fake_cert *fake_cert_new(const struct fake_cert_options *options);
void fake_cert_free(struct fake_cert **cert);
/* PEM; the key (mode 0600) is appended if WITH_KEY. */
void fake_cert_write(
	const struct fake_cert *cert, const char *path, int with_key);
/* SHA-256, lower-case hex. */
void fake_cert_fingerprint(const struct fake_cert *cert, char out[65]);

#endif
