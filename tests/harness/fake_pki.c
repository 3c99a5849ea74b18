/*
 * fake_pki.c - certificates made while a test runs
 *
 * SPDX-License-Identifier: MIT
 */
#include "harness/fake_pki.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static void need(int good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "fake_pki: %s failed\n", what);
	abort();
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	need(extension && X509_add_ext(cert, extension, -1) == 1, "extension");
	X509_EXTENSION_free(extension);
}

static void set_subject(X509 *cert, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(cert);

	need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		     (const unsigned char *)common_name, -1, -1, 0) == 1,
		"subject");
}

static void set_random_serial(X509 *cert)
{
	uint32_t serial = 0;

	need(RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1,
		"random");
	need(ASN1_INTEGER_set_uint64(
		     X509_get_serialNumber(cert), (uint64_t)serial + 1) == 1,
		"serial");
}

struct fake_cert *fake_cert_new(const struct fake_cert_options *options)
{
	struct fake_cert *cert = calloc(1, sizeof(*cert));
	const struct fake_cert *issuer =
		options->issuer ? options->issuer : cert;

	need(cert != NULL, "calloc");
	cert->key = EVP_EC_gen("P-256");
	cert->certificate = X509_new();
	need(cert->key && cert->certificate, "key");
	need(X509_set_version(cert->certificate, X509_VERSION_3) == 1,
		"version");
	set_random_serial(cert->certificate);
	set_subject(cert->certificate, options->common_name);
	need(X509_set_issuer_name(cert->certificate,
		     X509_get_subject_name(issuer->certificate)) == 1,
		"issuer");
	(void)X509_gmtime_adj(X509_getm_notBefore(cert->certificate),
		options->from_s ? options->from_s : -3600L);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert->certificate),
		options->until_s ? options->until_s : 3600L);
	need(X509_set_pubkey(cert->certificate, cert->key) == 1, "public key");
	add_extension(cert->certificate, issuer->certificate,
		NID_basic_constraints,
		options->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (options->alt_names)
		add_extension(cert->certificate, issuer->certificate,
			NID_subject_alt_name, options->alt_names);
	need(X509_sign(cert->certificate, issuer->key, EVP_sha256()) > 0,
		"signing");
	return cert;
}

void fake_cert_free(struct fake_cert **cert)
{
	if (!*cert)
		return;
	X509_free((*cert)->certificate);
	EVP_PKEY_free((*cert)->key);
	free(*cert);
	*cert = NULL;
}

void fake_cert_write(
	const struct fake_cert *cert, const char *path, int with_key)
{
	FILE *file = fopen(path, "w");

	need(file != NULL, "opening a file");
	need(chmod(path, 0600) == 0, "chmod");
	need(PEM_write_X509(file, cert->certificate) == 1, "writing");
	if (with_key)
		need(PEM_write_PrivateKey(
			     file, cert->key, NULL, NULL, 0, NULL, NULL) == 1,
			"writing a key");
	need(fclose(file) == 0, "closing a file");
}

void fake_cert_fingerprint(const struct fake_cert *cert, char out[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	unsigned int i;

	need(X509_digest(cert->certificate, EVP_sha256(), digest, &len) == 1 &&
			len == 32,
		"digest");
	for (i = 0; i < 32; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
