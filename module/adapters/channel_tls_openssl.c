/*
 * channel_tls_openssl.c - TLS of the relay channel
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/channel_tls_openssl.h"

#include "adapters/channel_tcp.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/reply.h"

#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define CONTEXTS_MAX 16
#define SESSIONS_MAX 256
#define KEY_BYTES 32

/* One remembered object: an SSL_CTX or an SSL_SESSION. */
struct slot {
	unsigned char key[KEY_BYTES];
	void *object; /* NULL: free */
	uint64_t used;
};

struct tp_tls_shared {
	pthread_mutex_t lock;
	BIO_METHOD *socket_bio;
	struct slot contexts[CONTEXTS_MAX];
	struct slot sessions[SESSIONS_MAX];
	uint64_t tick;
};

struct tp_tls {
	SSL *ssl;
	struct tp_tls_shared *shared;
	unsigned char session_key[KEY_BYTES];
	int fd;
	int eof;
	int failed; /* no more calls that send */
	struct tp_error socket_error;
	/* for explanations */
	unsigned char first[4]; /* first bytes that the server sent */
	size_t first_len;
	int verify_error;
	int pin_mismatch;
	char detail[256]; /* names, dates or issuer, as the error needs */
	char fingerprint[65];
	const char *pin; /* borrowed during the handshake */
	const char *name;
};

/* ---- remembered objects ------------------------------------------------ */

static struct slot *slot_find(
	struct slot *slots, size_t count, const unsigned char *key)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slots[i].object &&
			memcmp(slots[i].key, key, KEY_BYTES) == 0)
			return &slots[i];
	return NULL;
}

/* The slot of KEY, else a free one, else the least recently used. */
static struct slot *slot_for(
	struct slot *slots, size_t count, const unsigned char *key)
{
	struct slot *best = slot_find(slots, count, key);
	size_t i;

	if (best)
		return best;
	best = &slots[0];
	for (i = 0; i < count && best->object; i++)
		if (!slots[i].object || slots[i].used < best->used)
			best = &slots[i];
	return best;
}

static int digest_string(EVP_MD_CTX *md, const char *s)
{
	size_t len = s ? strlen(s) + 1 : 0;

	/* The length first, so that no two lists of fields read the same. */
	return EVP_DigestUpdate(md, &len, sizeof(len)) == 1 &&
	       EVP_DigestUpdate(md, s ? s : "", len) == 1;
}

/* A renewed certificate file makes a new context. */
static int digest_file(EVP_MD_CTX *md, const char *path)
{
	struct stat info;
	int64_t facts[4] = { 0, 0, 0, 0 };

	if (path && stat(path, &info) == 0) {
		facts[0] = (int64_t)info.st_ino;
		facts[1] = (int64_t)info.st_size;
		facts[2] = (int64_t)info.st_mtim.tv_sec;
		facts[3] = (int64_t)info.st_mtim.tv_nsec;
	}
	return digest_string(md, path) &&
	       EVP_DigestUpdate(md, facts, sizeof(facts)) == 1;
}

/* Digests of what a context depends on, and of what a session depends on. The
 * user name is in the second so that accounts never share a session. */
static int make_keys(const struct tp_relay *relay, unsigned char *context_key,
	unsigned char *session_key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	char number[48];
	int good;

	(void)snprintf(number, sizeof(number), "%lld %d",
		(long long)relay->port, relay->tls);
	good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	       digest_file(md, relay->ca_file) &&
	       digest_file(md, relay->ca_path) &&
	       digest_file(md, relay->client_cert) &&
	       digest_file(md, relay->client_key) &&
	       EVP_DigestFinal_ex(md, context_key, NULL) == 1 &&
	       EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(md, context_key, KEY_BYTES) == 1 &&
	       digest_string(md, relay->host) &&
	       digest_string(md, relay->tls_name) &&
	       digest_string(md, relay->fingerprint) &&
	       digest_string(md, relay->username) &&
	       digest_string(md, number) &&
	       EVP_DigestFinal_ex(md, session_key, NULL) == 1;
	EVP_MD_CTX_free(md);
	return good;
}

/* OpenSSL hands over each ticket here; 1 means that we keep the reference. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tp_tls *tls = SSL_get_app_data(ssl);
	struct tp_tls_shared *shared;
	struct slot *slot;
	SSL_SESSION *old;

	if (!tls || !SSL_SESSION_is_resumable(session))
		return 0;
	shared = tls->shared;
	(void)pthread_mutex_lock(&shared->lock);
	slot = slot_for(shared->sessions, SESSIONS_MAX, tls->session_key);
	old = slot->object;
	memcpy(slot->key, tls->session_key, KEY_BYTES);
	slot->object = session;
	slot->used = ++shared->tick;
	(void)pthread_mutex_unlock(&shared->lock);
	SSL_SESSION_free(old);
	return 1;
}

static void offer_session(struct tp_tls *tls)
{
	struct tp_tls_shared *shared = tls->shared;
	struct slot *slot;

	(void)pthread_mutex_lock(&shared->lock);
	slot = slot_find(shared->sessions, SESSIONS_MAX, tls->session_key);
	if (slot) {
		slot->used = ++shared->tick;
		/* Failure means a full handshake, nothing worse. */
		(void)SSL_set_session(tls->ssl, slot->object);
	}
	(void)pthread_mutex_unlock(&shared->lock);
}

/* ---- the socket under OpenSSL ------------------------------------------ */

/* OpenSSL's own socket BIO uses write(2), which can raise SIGPIPE. */
static int bio_write(BIO *bio, const char *data, int len)
{
	struct tp_tls *tls = BIO_get_data(bio);
	short events;
	int sent = tp_tcp_write(
		tls->fd, data, (size_t)len, &events, &tls->socket_error);

	BIO_clear_retry_flags(bio);
	if (sent == 0)
		BIO_set_retry_write(bio);
	return sent > 0 ? sent : -1;
}

static int bio_read(BIO *bio, char *out, int len)
{
	struct tp_tls *tls = BIO_get_data(bio);
	short events;
	int got = tp_tcp_read(
		tls->fd, out, (size_t)len, &events, &tls->socket_error);
	int i;

	BIO_clear_retry_flags(bio);
	if (got == 0)
		BIO_set_retry_read(bio);
	if (got < 0)
		tls->eof = 1;
	for (i = 0; i < got && tls->first_len < sizeof(tls->first); i++)
		tls->first[tls->first_len++] = (unsigned char)out[i];
	return got > 0 ? got : got < 0 ? 0 : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *arg)
{
	const struct tp_tls *tls = BIO_get_data(bio);

	(void)number;
	(void)arg;
	if (command == BIO_CTRL_EOF)
		return tls->eof;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_bio_new(void)
{
	BIO_METHOD *method = BIO_meth_new(
		BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "relay socket");

	if (method && BIO_meth_set_write(method, bio_write) == 1 &&
		BIO_meth_set_read(method, bio_read) == 1 &&
		BIO_meth_set_ctrl(method, bio_ctrl) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

/* ---- shared ------------------------------------------------------------ */

int tp_tls_shared_new(struct tp_tls_shared **shared_out, struct tp_error *err)
{
	struct tp_tls_shared *shared = tp_alloc(sizeof(*shared));

	*shared_out = NULL;
	if (!shared)
		return tp_fail(err, TP_ENOMEM, "tls", "no memory for TLS");
	shared->socket_bio = socket_bio_new();
	if (!shared->socket_bio) {
		tp_free(shared);
		return tp_fail(err, TP_ENOMEM, "tls", "no memory for TLS");
	}
	(void)pthread_mutex_init(&shared->lock, NULL);
	*shared_out = shared;
	return TP_OK;
}

void tp_tls_shared_destroy(struct tp_tls_shared **shared)
{
	size_t i;

	if (!*shared)
		return;
	for (i = 0; i < SESSIONS_MAX; i++)
		SSL_SESSION_free((*shared)->sessions[i].object);
	for (i = 0; i < CONTEXTS_MAX; i++)
		SSL_CTX_free((*shared)->contexts[i].object);
	BIO_meth_free((*shared)->socket_bio);
	(void)pthread_mutex_destroy(&(*shared)->lock);
	tp_free(*shared);
	*shared = NULL;
}

/* ---- verification ------------------------------------------------------ */

static void fingerprint_of(const X509 *certificate, char out[65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	unsigned int i;

	out[0] = '\0';
	if (!certificate ||
		X509_digest(certificate, EVP_sha256(), digest, &len) != 1 ||
		len != 32)
		return;
	for (i = 0; i < len; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[64] = '\0';
}

/* Appends ", TEXT" to OUT as far as it fits, escaped. */
static void list_add(char *out, size_t out_bytes, const void *text, size_t len)
{
	size_t used = strlen(out);

	if (used + 12 > out_bytes)
		return;
	if (used > 0) {
		out[used++] = ',';
		out[used++] = ' ';
	}
	tp_reply_escape(text, len, out + used, out_bytes - used);
}

static void common_name(const X509_NAME *subject, char *out, size_t out_bytes)
{
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *text =
		at < 0 ? NULL
		       : X509_NAME_ENTRY_get_data(
				 X509_NAME_get_entry(subject, at));

	if (text)
		list_add(out, out_bytes, ASN1_STRING_get0_data(text),
			(size_t)ASN1_STRING_length(text));
}

/* The names a certificate is for: DNS and IP, else the common name. */
static void certificate_names(
	const X509 *certificate, char *out, size_t out_bytes)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int count = names ? sk_GENERAL_NAME_num(names) : 0;
	int i;

	out[0] = '\0';
	for (i = 0; i < count; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *value = name->d.ia5;
		char ip[INET6_ADDRSTRLEN];
		int len;

		if (name->type != GEN_DNS && name->type != GEN_IPADD)
			continue;
		len = ASN1_STRING_length(value);
		if (name->type == GEN_DNS)
			list_add(out, out_bytes, ASN1_STRING_get0_data(value),
				(size_t)len);
		else if ((len == 4 || len == 16) &&
			 inet_ntop(len == 4 ? AF_INET : AF_INET6,
				 ASN1_STRING_get0_data(value), ip, sizeof(ip)))
			list_add(out, out_bytes, ip, strlen(ip));
	}
	GENERAL_NAMES_free(names);
	if (out[0] == '\0')
		common_name(X509_get_subject_name(certificate), out, out_bytes);
}

static void format_date(const ASN1_TIME *when, char *out, size_t out_bytes)
{
	struct tm tm;

	if (when && ASN1_TIME_to_tm(when, &tm) == 1)
		(void)snprintf(out, out_bytes, "%04d-%02d-%02d",
			(tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100,
			tm.tm_mday % 100);
}

/* Failures that mean only "leads to no CA that we know". */
static int is_untrusted(int error)
{
	return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	       error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
	       error == X509_V_ERR_CERT_UNTRUSTED;
}

static void note_failure(struct tp_tls *tls, X509_STORE_CTX *store, int error)
{
	const X509 *leaf = X509_STORE_CTX_get0_cert(store);
	const X509 *bad = X509_STORE_CTX_get_current_cert(store);

	tls->verify_error = error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED;
	if (!leaf)
		return;
	if (!bad)
		bad = leaf;
	if (error == X509_V_ERR_CERT_HAS_EXPIRED)
		format_date(X509_get0_notAfter(bad), tls->detail,
			sizeof(tls->detail));
	else if (error == X509_V_ERR_CERT_NOT_YET_VALID)
		format_date(X509_get0_notBefore(bad), tls->detail,
			sizeof(tls->detail));
	else if (is_untrusted(error))
		common_name(X509_get_issuer_name(leaf), tls->detail,
			sizeof(tls->detail));
	else
		certificate_names(leaf, tls->detail, sizeof(tls->detail));
}

/* The one place where a server is believed. Runs inside the handshake, before
 * this side has sent anything that the server could use. Resumed sessions do
 * not come here: they were made with a server that passed. */
static int verify_server(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tp_tls *tls = SSL_get_app_data(ssl);
	int good = X509_verify_cert(store) == 1;
	int error = X509_STORE_CTX_get_error(store);

	(void)arg;
	fingerprint_of(X509_STORE_CTX_get0_cert(store), tls->fingerprint);
	if (tls->pin && (good || is_untrusted(error))) {
		tls->pin_mismatch = strcmp(tls->pin, tls->fingerprint) != 0;
		good = !tls->pin_mismatch;
		error = good ? X509_V_OK : X509_V_ERR_CERT_REJECTED;
		X509_STORE_CTX_set_error(store, error);
	}
	if (!good)
		note_failure(tls, store, error);
	return good;
}

/* ---- contexts ---------------------------------------------------------- */

/* Without this OpenSSL would ask for the passphrase on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int file_failed(
	const char *setting, const char *path, struct tp_error *err)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = ERR_reason_error_string(code);

	return tp_fail(err, TP_ECONFIG, setting, "%s: cannot use %s: %s",
		setting, path, why ? why : "unknown reason");
}

static int load_files(
	SSL_CTX *ctx, const struct tp_relay *relay, struct tp_error *err)
{
	const char *key =
		relay->client_key ? relay->client_key : relay->client_cert;

	if (relay->ca_file &&
		SSL_CTX_load_verify_file(ctx, relay->ca_file) != 1)
		return file_failed("ca_file", relay->ca_file, err);
	if (relay->ca_path && SSL_CTX_load_verify_dir(ctx, relay->ca_path) != 1)
		return file_failed("ca_path", relay->ca_path, err);
	if (!relay->ca_file && !relay->ca_path &&
		SSL_CTX_set_default_verify_paths(ctx) != 1)
		return file_failed("ca_file", "the system's store", err);
	if (!relay->client_cert)
		return TP_OK;
	if (SSL_CTX_use_certificate_chain_file(ctx, relay->client_cert) != 1)
		return file_failed("client_cert", relay->client_cert, err);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(ctx) != 1)
		return file_failed("client_key", key, err);
	return TP_OK;
}

static int context_new(
	const struct tp_relay *relay, SSL_CTX **ctx_out, struct tp_error *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int rc;

	*ctx_out = NULL;
	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		SSL_CTX_free(ctx);
		return tp_fail(err, TP_ENOMEM, "tls", "cannot set up TLS");
	}
	SSL_CTX_set_options(
		ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_server, NULL);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	rc = load_files(ctx, relay, err);
	if (rc < 0) {
		SSL_CTX_free(ctx);
		return rc;
	}
	*ctx_out = ctx;
	return TP_OK;
}

/* @owns the caller holds one reference to *ctx_out */
static int context_get(struct tp_tls_shared *shared,
	const struct tp_relay *relay, const unsigned char *key,
	SSL_CTX **ctx_out, struct tp_error *err)
{
	struct slot *slot;
	int rc = TP_OK;

	*ctx_out = NULL;
	(void)pthread_mutex_lock(&shared->lock);
	slot = slot_for(shared->contexts, CONTEXTS_MAX, key);
	if (!slot->object || memcmp(slot->key, key, KEY_BYTES) != 0) {
		SSL_CTX *made = NULL;

		rc = context_new(relay, &made, err);
		if (rc == TP_OK) {
			SSL_CTX_free(slot->object);
			slot->object = made;
			memcpy(slot->key, key, KEY_BYTES);
		}
	}
	if (rc == TP_OK) {
		slot->used = ++shared->tick;
		*ctx_out = slot->object;
		(void)SSL_CTX_up_ref(*ctx_out);
	}
	(void)pthread_mutex_unlock(&shared->lock);
	return rc;
}

/* ---- explanations ------------------------------------------------------ */

static int explain_certificate(struct tp_tls *tls, struct tp_error *err)
{
	const char *name = tls->name;

	if (tls->pin_mismatch)
		return tp_fail(err, TP_ETLS, "tls",
			"the certificate of %s is not the pinned one; its "
			"fingerprint is %s",
			name, tls->fingerprint);
	switch (tls->verify_error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return tp_fail(err, TP_ETLS, "tls",
			"the certificate of %s expired on %s", name,
			tls->detail);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return tp_fail(err, TP_ETLS, "tls",
			"the certificate of %s is not valid before %s; is this "
			"machine's clock right?",
			name, tls->detail);
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return tp_fail(err, TP_ETLS, "tls",
			"the certificate is not for %s but for: %s; set "
			"tls_name if that is the right server",
			name, tls->detail);
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return tp_fail(err, TP_ETLS, "tls",
			"the certificate of %s is self-signed; set ca_file to "
			"it, or fingerprint if it is %s",
			name, tls->fingerprint);
	default:
		break;
	}
	if (is_untrusted(tls->verify_error))
		return tp_fail(err, TP_ETLS, "tls",
			"the certificate of %s is from an unknown CA (%s); set "
			"ca_file if that CA is to be trusted",
			name, tls->detail);
	return tp_fail(err, TP_ETLS, "tls",
		"the certificate of %s cannot be verified: %s", name,
		X509_verify_cert_error_string(tls->verify_error));
}

/* "220 ", "421 ": a reply in clear text where TLS should be. */
static int looks_like_smtp(const struct tp_tls *tls)
{
	return tls->first_len >= 4 && tls->first[0] >= '2' &&
	       tls->first[0] <= '5' && tls->first[1] >= '0' &&
	       tls->first[1] <= '9' &&
	       (tls->first[3] == ' ' || tls->first[3] == '-');
}

static int explain_handshake(
	struct tp_tls *tls, const struct tp_relay *relay, struct tp_error *err)
{
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_REASON(code);
	const char *why = ERR_reason_error_string(code);

	if (err)
		err->lib_code = reason;
	if (tls->verify_error != X509_V_OK)
		return explain_certificate(tls, err);
	if (looks_like_smtp(tls))
		return tp_fail(err, TP_ETLS, "tls",
			relay->tls == TP_TLS_IMPLICIT
				? "%s port %lld speaks plain SMTP first; set "
				  "tls to starttls, or use port 465"
				: "%s port %lld sent clear text where TLS was "
				  "to begin; refused, as it may be forged",
			relay->host, (long long)relay->port);
	if (reason == SSL_R_UNSUPPORTED_PROTOCOL ||
		reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION)
		return tp_fail(err, TP_ETLS, "tls",
			"%s has no TLS version 1.2 or later", tls->name);
	if (tls->eof)
		return tp_fail(err, TP_ETLS, "tls",
			"%s gave up during the TLS handshake: %s", tls->name,
			tls->socket_error.text);
	return tp_fail(err, TP_ETLS, "tls",
		"the TLS handshake with %s failed: %s", tls->name,
		why ? why : "unknown reason");
}

/* ---- one connection ---------------------------------------------------- */

/* What SSL_get_error() says about a finished call, in the channel's words. */
static int io_result(
	struct tp_tls *tls, int result, short *events_out, struct tp_error *err)
{
	unsigned long code;
	const char *why;

	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*events_out = POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		*events_out = POLLOUT;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return tp_fail(err, TP_ECLOSED, "tls",
			"the server closed the connection");
	default:
		break;
	}
	tls->failed = 1;
	if (tls->socket_error.code < 0)
		return tp_fail(err, tls->socket_error.code, "tls", "%s",
			tls->socket_error.text);
	code = ERR_peek_error();
	why = ERR_reason_error_string(code);
	return tp_fail(err, TP_ETLS, "tls", "the TLS connection failed: %s",
		why ? why : "unknown reason");
}

static int is_literal(const char *name)
{
	unsigned char scratch[16];

	return inet_pton(AF_INET, name, scratch) == 1 ||
	       inet_pton(AF_INET6, name, scratch) == 1;
}

/* The configured name, never one that came from DNS (RFC 7817 3). */
static int set_name(struct tp_tls *tls, struct tp_error *err)
{
	size_t len = strlen(tls->name);
	char *bare;
	int good;

	if (is_literal(tls->name)) {
		good = X509_VERIFY_PARAM_set1_ip_asc(
			SSL_get0_param(tls->ssl), tls->name);
	} else {
		/* "host." is the same host, but certificates and SNI have no
		 * final dot (RFC 6066 3). */
		if (len > 1 && tls->name[len - 1] == '.')
			len--;
		bare = tp_strndup(tls->name, len);
		if (!bare)
			return tp_fail(
				err, TP_ENOMEM, "tls", "no memory for TLS");
		good = SSL_set_tlsext_host_name(tls->ssl, bare) == 1 &&
		       SSL_set1_host(tls->ssl, bare) == 1;
		tp_free(bare);
		SSL_set_hostflags(
			tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	}
	if (!good)
		return tp_fail(err, TP_ECONFIG, "tls_name",
			"%s cannot be verified as a name", tls->name);
	return TP_OK;
}

static int attach_socket(struct tp_tls *tls, struct tp_error *err)
{
	BIO *bio = BIO_new(tls->shared->socket_bio);

	if (!bio)
		return tp_fail(err, TP_ENOMEM, "tls", "no memory for TLS");
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	return TP_OK;
}

static int handshake(
	struct tp_tls *tls, const struct tp_relay *relay, struct tp_error *err)
{
	int64_t deadline = tp_deadline_ms(relay->tls_timeout_ms);

	for (;;) {
		short events = 0;
		int result;
		int rc;

		ERR_clear_error();
		result = SSL_connect(tls->ssl);
		if (result == 1)
			break;
		rc = io_result(tls, result, &events, NULL);
		if (rc < 0) {
			tls->failed = 1;
			return explain_handshake(tls, relay, err);
		}
		rc = tp_tcp_wait(tls->fd, events, deadline, err);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			tls->failed = 1;
			return tp_fail(err, TP_ETIMEOUT, "tls",
				"the TLS handshake with %s took longer than "
				"%lld ms",
				tls->name, (long long)relay->tls_timeout_ms);
		}
	}
	/* Belt and braces: a cipher without a certificate is not offered. */
	if (!SSL_get0_peer_certificate(tls->ssl))
		return tp_fail(err, TP_ETLS, "tls", "%s has no certificate",
			tls->name);
	return TP_OK;
}

static int tls_setup(
	struct tp_tls *tls, const struct tp_relay *relay, struct tp_error *err)
{
	unsigned char context_key[KEY_BYTES];
	SSL_CTX *ctx;
	int rc;

	if (!make_keys(relay, context_key, tls->session_key))
		return tp_fail(err, TP_ENOMEM, "tls", "no memory for TLS");
	rc = context_get(tls->shared, relay, context_key, &ctx, err);
	if (rc < 0)
		return rc;
	tls->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (!tls->ssl || SSL_set_app_data(tls->ssl, tls) != 1)
		return tp_fail(err, TP_ENOMEM, "tls", "no memory for TLS");
	rc = attach_socket(tls, err);
	if (rc == TP_OK)
		rc = set_name(tls, err);
	if (rc == TP_OK)
		offer_session(tls);
	return rc;
}

int tp_tls_open(struct tp_tls_shared *shared, const struct tp_relay *relay,
	int fd, struct tp_tls **tls_out, struct tp_error *err)
{
	struct tp_tls *tls = tp_alloc(sizeof(*tls));
	int rc;

	*tls_out = NULL;
	if (!tls)
		return tp_fail(err, TP_ENOMEM, "tls", "no memory for TLS");
	/* Other users of OpenSSL in this thread may have left errors behind,
	 * which SSL_get_error() would take for ours. */
	ERR_clear_error();
	tls->shared = shared;
	tls->fd = fd;
	tls->pin = relay->fingerprint;
	tls->name = relay->tls_name ? relay->tls_name : relay->host;
	rc = tls_setup(tls, relay, err);
	if (rc == TP_OK)
		rc = handshake(tls, relay, err);
	ERR_clear_error();
	if (rc < 0) {
		tls->failed = 1;
		tp_tls_close(&tls);
		return rc;
	}
	/* The relay record may be gone by the next call. */
	tls->pin = NULL;
	tls->name = "";
	*tls_out = tls;
	return TP_OK;
}

int tp_tls_read(struct tp_tls *tls, void *out, size_t len, short *events_out,
	struct tp_error *err)
{
	int got;

	if (len > INT_MAX)
		len = INT_MAX;
	ERR_clear_error();
	got = SSL_read(tls->ssl, out, (int)len);
	return got > 0 ? got : io_result(tls, got, events_out, err);
}

int tp_tls_write(struct tp_tls *tls, const void *data, size_t len,
	short *events_out, struct tp_error *err)
{
	int sent;

	if (len > INT_MAX)
		len = INT_MAX;
	ERR_clear_error();
	sent = SSL_write(tls->ssl, data, (int)len);
	return sent > 0 ? sent : io_result(tls, sent, events_out, err);
}

const char *tp_tls_version(const struct tp_tls *tls)
{
	return SSL_get_version(tls->ssl);
}

const char *tp_tls_cipher(const struct tp_tls *tls)
{
	return SSL_get_cipher_name(tls->ssl);
}

void tp_tls_close(struct tp_tls **tls)
{
	if (!*tls)
		return;
	ERR_clear_error();
	if ((*tls)->ssl && !(*tls)->failed)
		(void)SSL_shutdown((*tls)->ssl);
	SSL_free((*tls)->ssl);
	ERR_clear_error();
	tp_free(*tls);
	*tls = NULL;
}
