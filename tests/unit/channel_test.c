/*
 * channel_test.c - the relay channel against a server that misbehaves
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapters/channel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "harness/fake_relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define EVERY_MECHANISM \
	"AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER"
#define SHORT_MS 300
#define ENOUGH_MS 8000
#define LONG_MS 60000

/* ---- names, without a DNS server --------------------------------------- */

static void sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&time, NULL);
}

/* Look-ups of stuck.test wait for it. */
static atomic_int resolver_answers;
static atomic_int lookups;

/* In place of libc's, for the whole program. One address. */
static struct addrinfo *address(const char *text, const char *port)
{
	struct addrinfo *info = calloc(1, sizeof(*info));
	struct sockaddr_storage *at = calloc(1, sizeof(*at));
	struct sockaddr_in *in = (void *)at;
	struct sockaddr_in6 *in6 = (void *)at;

	assert_true(info && at);
	info->ai_addr = (void *)at;
	info->ai_socktype = SOCK_STREAM;
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		info->ai_family = in->sin_family = AF_INET;
		info->ai_addrlen = sizeof(*in);
		in->sin_port = htons((uint16_t)strtol(port, NULL, 10));
		return info;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		info->ai_family = in6->sin6_family = AF_INET6;
		info->ai_addrlen = sizeof(*in6);
		in6->sin6_port = htons((uint16_t)strtol(port, NULL, 10));
		return info;
	}
	freeaddrinfo(info);
	return NULL;
}

int getaddrinfo(const char *host, const char *port,
	const struct addrinfo *hints, struct addrinfo **out)
{
	*out = address(host, port);
	if (*out)
		return 0;
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	if (strcmp(host, "missing.test") == 0)
		return EAI_NONAME;
	atomic_fetch_add(&lookups, 1);
	while (strcmp(host, "stuck.test") == 0 &&
		!atomic_load(&resolver_answers))
		sleep_ms(10);
	if (strcmp(host, "slow.test") == 0)
		sleep_ms(2 * SHORT_MS);
	if (strcmp(host, "two.test") == 0) {
		/* Nobody listens on the first three. */
		*out = address("127.0.0.2", port);
		(*out)->ai_next = address("127.0.0.3", port);
		(*out)->ai_next->ai_next = address("::1", port);
		(*out)->ai_next->ai_next->ai_next = address("127.0.0.1", port);
		return 0;
	}
	if (strcmp(host, "relay.test") == 0) {
		*out = address("127.0.0.1", port);
		return 0;
	}
	return EAI_AGAIN;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list->ai_addr);
		free(list);
		list = next;
	}
}

/* ---- certificates ------------------------------------------------------ */

enum {
	CA,
	OTHER_CA,
	GOOD,
	OTHER_NAME,
	BY_ADDRESS,
	EXPIRED,
	NOT_YET,
	SELF_SIGNED,
	STRANGE_CA,
	CLIENT,
	CERT_COUNT
};

static char pki_dir[64];
static struct {
	char path[CERT_COUNT][96];
	char fingerprint[CERT_COUNT][65];
	struct fake_cert *cert[CERT_COUNT];
} pki;

static void make_cert(int which, const struct fake_cert_options *options)
{
	pki.cert[which] = fake_cert_new(options);
	(void)snprintf(pki.path[which], sizeof(pki.path[which]), "%s/%d.pem",
		pki_dir, which);
	fake_cert_write(pki.cert[which], pki.path[which], which == CLIENT);
	fake_cert_fingerprint(pki.cert[which], pki.fingerprint[which]);
}

static int make_pki(void **state)
{
	static const char right[] = "DNS:relay.test";
	int i;

	(void)state;
	(void)snprintf(pki_dir, sizeof(pki_dir), "/tmp/tp-channel-XXXXXX");
	if (!mkdtemp(pki_dir))
		return -1;
	for (i = CA; i <= OTHER_CA; i++)
		make_cert(i,
			&(struct fake_cert_options) {
				.common_name = i == CA ? "Test CA" : "Other CA",
				.ca = 1 });
	make_cert(GOOD, &(struct fake_cert_options) { .common_name = "x",
				.alt_names = right,
				.issuer = pki.cert[CA] });
	make_cert(OTHER_NAME,
		&(struct fake_cert_options) { .common_name = "x",
			.alt_names = "DNS:evil.test,DNS:*.evil.test",
			.issuer = pki.cert[CA] });
	make_cert(BY_ADDRESS, &(struct fake_cert_options) { .common_name = "x",
				      .alt_names = "IP:127.0.0.1,IP:::1",
				      .issuer = pki.cert[CA] });
	make_cert(EXPIRED, &(struct fake_cert_options) { .common_name = "x",
				   .alt_names = right,
				   .issuer = pki.cert[CA],
				   .until_s = -60 });
	make_cert(NOT_YET, &(struct fake_cert_options) { .common_name = "x",
				   .alt_names = right,
				   .issuer = pki.cert[CA],
				   .from_s = 1800 });
	make_cert(SELF_SIGNED,
		&(struct fake_cert_options) {
			.common_name = "relay.test", .alt_names = right });
	make_cert(STRANGE_CA, &(struct fake_cert_options) { .common_name = "x",
				      .alt_names = right,
				      .issuer = pki.cert[OTHER_CA] });
	make_cert(CLIENT, &(struct fake_cert_options) { .common_name = "shop",
				  .issuer = pki.cert[CA] });
	return 0;
}

static int drop_pki(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < CERT_COUNT; i++) {
		(void)unlink(pki.path[i]);
		fake_cert_free(&pki.cert[i]);
	}
	return rmdir(pki_dir);
}

/* ---- one attempt ------------------------------------------------------- */

/* A server, a relay that points to it, and what came of connecting. */
struct attempt {
	struct fake_options server_options;
	struct fake_relay *server;
	struct tp_relay relay;
	struct tp_interrupt *interrupt;
	struct tp_channel_shared *shared;
	struct tp_channel *channel;
	struct tp_trouble trouble;
	int rc;
	int64_t took_ms;
};

static struct tp_secret *secret(const char *text)
{
	struct tp_secret *made = tp_secret_new(text, strlen(text));

	assert_non_null(made);
	return made;
}

/* Text that the relay record may hold; nothing here writes through it. */
static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static struct attempt prepare(int tls_mode)
{
	struct attempt a;

	memset(&a, 0, sizeof(a));
	a.server_options.implicit_tls = tls_mode == TP_TLS_IMPLICIT;
	a.server_options.certificate =
		tls_mode == TP_TLS_NONE ? NULL : pki.cert[GOOD];
	a.server_options.keywords = tls_mode == TP_TLS_STARTTLS
					    ? "STARTTLS|AUTH NTLM"
					    : EVERY_MECHANISM;
	a.server_options.keywords_tls =
		"SIZE 1000|8BITMIME|PIPELINING|SMTPUTF8|" EVERY_MECHANISM;
	a.server_options.user = "shop@example.com";
	a.server_options.password = "pa55 w\xc3\xb6rd";
	a.server_options.token = "ya29.token";
	a.relay.host = text("127.0.0.1");
	a.relay.tls = tls_mode;
	a.relay.tls_name = text("relay.test");
	a.relay.ca_file = pki.path[CA];
	a.relay.username = text("shop@example.com");
	a.relay.helo_name = text("shop.example.com");
	a.relay.connect_timeout_ms = SHORT_MS;
	a.relay.tls_timeout_ms = ENOUGH_MS;
	a.relay.reply_timeout_ms = ENOUGH_MS;
	return a;
}

static void start(struct attempt *a)
{
	struct tp_error err = TP_ERROR_INIT;

	a->server = fake_relay_start(&a->server_options);
	a->relay.port = fake_relay_port(a->server);
	if (!a->relay.password && !a->relay.token)
		a->relay.password = secret(a->server_options.password);
	assert_int_equal(tp_channel_shared_new(&a->shared, &err), TP_OK);
}

static void connect_again(struct attempt *a)
{
	int64_t begun = tp_mono_ms();

	a->rc = tp_channel_open(
		a->shared, &a->relay, a->interrupt, &a->channel, &a->trouble);
	a->took_ms = tp_mono_ms() - begun;
	assert_int_equal(a->rc == TP_OK, a->channel != NULL);
	assert_int_equal(a->trouble.code, a->rc);
	assert_int_equal(a->rc == TP_OK, a->trouble.step == TP_STEP_NONE);
}

static void run(struct attempt *a)
{
	start(a);
	connect_again(a);
}

/* Closes both sides; then the records are complete. */
static void stop(struct attempt *a)
{
	tp_channel_close(&a->channel, 0);
	fake_relay_stop(a->server);
}

static void drop(struct attempt *a)
{
	stop(a);
	fake_relay_free(&a->server);
	tp_channel_shared_destroy(&a->shared);
	tp_secret_destroy(&a->relay.password);
	tp_secret_destroy(&a->relay.token);
}

static int received(const struct attempt *a, const char *what)
{
	return strstr(fake_relay_clear(a->server), what) ||
	       strstr(fake_relay_tls(a->server), what);
}

static void assert_says(const struct attempt *a, const char *part)
{
	if (!strstr(a->trouble.text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, a->trouble.text);
}

static void assert_nothing_leaked(const struct attempt *a)
{
	assert_false(received(a, "AUTH"));
	assert_false(received(a, "MAIL"));
	assert_int_equal(fake_relay_logins(a->server), 0);
}

/* ---- AUTH -------------------------------------------------------------- */

enum { SHORT, LONG };

static const struct {
	int mode;
	int length;
	const char *line; /* how the AUTH command begins */
} logins[] = {
	{ TP_AUTH_PLAIN, SHORT, "AUTH PLAIN AHNob3" },
	{ TP_AUTH_PLAIN, LONG, "AUTH PLAIN\r\n" },
	{ TP_AUTH_LOGIN, SHORT, "AUTH LOGIN\r\nc2hvcEBleGFtcGxlLmNvbQ==\r\n" },
	{ TP_AUTH_LOGIN, LONG, "AUTH LOGIN\r\n" },
	{ TP_AUTH_CRAM_MD5, SHORT, "AUTH CRAM-MD5\r\n" },
	{ TP_AUTH_SCRAM_SHA_256, SHORT, "AUTH SCRAM-SHA-256 biws" },
	{ TP_AUTH_XOAUTH2, SHORT, "AUTH XOAUTH2 dXNlcj1zaG9w" },
	{ TP_AUTH_XOAUTH2, LONG, "AUTH XOAUTH2\r\n" },
	{ TP_AUTH_OAUTHBEARER, SHORT, "AUTH OAUTHBEARER bixhPXNob3" },
	{ TP_AUTH_OAUTHBEARER, LONG, "AUTH OAUTHBEARER\r\n" },
};

static int by_token(int mode)
{
	return mode == TP_AUTH_XOAUTH2 || mode == TP_AUTH_OAUTHBEARER;
}

static void make_long(char *out, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"[i * 7 % 31];
	out[len] = '\0';
}

static void log_in(size_t row, int tls_mode)
{
	struct attempt a = prepare(tls_mode);
	int mode = logins[row].mode;
	char long_text[3001];
	const struct tp_connection_info *info;

	make_long(long_text, by_token(mode) ? 3000 : 700);
	a.relay.auth = mode;
	if (logins[row].length == LONG)
		a.server_options.password = a.server_options.token = long_text;
	if (by_token(mode))
		a.relay.token = secret(a.server_options.token);
	run(&a);
	if (a.rc != TP_OK)
		fail_msg("%s: %s", logins[row].line, a.trouble.text);
	info = tp_channel_info(a.channel);
	assert_int_equal(strncmp(info->tls_version, "TLSv1.", 6), 0);
	assert_true(info->tls_cipher[0] != '\0');
	assert_int_equal(strncmp(info->peer, "127.0.0.1:", 10), 0);
	assert_int_equal(strncmp(logins[row].line + 5, info->auth_mechanism,
				 strlen(info->auth_mechanism)),
		0);
	assert_true(info->auth_us > 0 && info->tls_us > 0);
	stop(&a);
	assert_int_equal(fake_relay_logins(a.server), 1);
	assert_non_null(strstr(fake_relay_tls(a.server), logins[row].line));
	assert_null(strstr(fake_relay_clear(a.server), "AUTH"));
	assert_string_equal(fake_relay_sni(a.server), "relay.test");
	drop(&a);
}

static void every_mechanism_logs_in_over_implicit_tls(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(logins) / sizeof(logins[0]); row++)
		log_in(row, TP_TLS_IMPLICIT);
}

static void every_mechanism_logs_in_after_starttls(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(logins) / sizeof(logins[0]); row++)
		log_in(row, TP_TLS_STARTTLS);
}

static void wrong_credentials_end_at_auth_whatever_the_mechanism(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(logins) / sizeof(logins[0]); row++) {
		struct attempt a = prepare(TP_TLS_IMPLICIT);
		int mode = logins[row].mode;
		char long_text[3001];

		make_long(long_text, 3000);
		a.relay.auth = mode;
		if (by_token(mode))
			a.relay.token = secret(logins[row].length == LONG
						       ? long_text
						       : "stale.token");
		else
			a.relay.password = secret("not-the-password");
		run(&a);
		assert_int_equal(a.rc, TP_EAUTH);
		assert_int_equal(a.trouble.step, TP_STEP_AUTH);
		assert_int_equal(a.trouble.reply.code, 535);
		assert_int_equal(a.trouble.reply.enhanced.cls, 5);
		assert_says(&a, "535 5.7.8 bad credentials");
		assert_says(&a, "shop@example.com");
		if (by_token(mode))
			assert_says(&a, "\"status\":\"401\"");
		assert_null(strstr(a.trouble.text, "not-the-password"));
		stop(&a);
		/* One attempt, then goodbye. */
		assert_int_equal(fake_relay_logins(a.server), 0);
		assert_true(received(&a, "\r\nQUIT\r\n"));
		assert_false(received(&a, "MAIL"));
		drop(&a);
	}
}

static void scram_fails_if_the_server_proves_nothing(void **state)
{
	int how;

	(void)state;
	for (how = FAKE_SCRAM_LIES; how <= FAKE_SCRAM_NO_PROOF; how++) {
		struct attempt a = prepare(TP_TLS_IMPLICIT);

		a.server_options.scram = (enum fake_scram)how;
		a.relay.auth = TP_AUTH_SCRAM_SHA_256;
		run(&a);
		assert_int_equal(a.rc, TP_EAUTH);
		assert_int_equal(a.trouble.step, TP_STEP_AUTH);
		assert_says(&a, "does not prove");
		stop(&a);
		assert_false(received(&a, "MAIL"));
		if (how == FAKE_SCRAM_LIES)
			assert_true(received(&a, "\r\n*\r\n"));
		drop(&a);
	}
}

static const struct {
	int mode;
	const char *say; /* in place of the answer to AUTH */
	int rc;
	int reply_code;
	const char *says;
} auth_faults[] = {
	{ TP_AUTH_PLAIN, "454 4.7.0 later\r\n", TP_EAUTH, 454, "later" },
	{ TP_AUTH_PLAIN, "421 4.3.2 full\r\n", TP_EAUTH, 421, "full" },
	{ TP_AUTH_PLAIN, "535 5.7.139 no\r\n", TP_EAUTH, 535,
		"Microsoft 365: SMTP AUTH" },
	{ TP_AUTH_PLAIN, "250 2.0.0 sure\r\n", TP_EPROTO, 0, "reply 250" },
	{ TP_AUTH_PLAIN, "334 \r\n235 ok\r\n", TP_EPROTO, 0,
		"challenge where the result was due" },
	{ TP_AUTH_CRAM_MD5, "334 !!!\r\n535 x\r\n", TP_EPROTO, 0,
		"not base 64" },
	{ TP_AUTH_CRAM_MD5, "334-YQ==\r\n334 YQ==\r\n535 x\r\n", TP_EPROTO, 0,
		"not base 64" },
	{ TP_AUTH_CRAM_MD5, "334 YQ==\r\n334 YQ==\r\n535 x\r\n", TP_EPROTO, 0,
		"challenge where the result was due" },
	{ TP_AUTH_CRAM_MD5, "235 2.7.0 welcome\r\n", TP_EAUTH, 0,
		"before it was complete" },
	{ TP_AUTH_SCRAM_SHA_256, "334 YQ==\r\n535 x\r\n", TP_EAUTH, 0,
		"makes no sense" },
	{ TP_AUTH_SCRAM_SHA_256, "235 2.7.0 welcome\r\n", TP_EAUTH, 0,
		"does not prove" },
	{ TP_AUTH_LOGIN, "334 \r\n334 \r\n334 \r\n535 x\r\n", TP_EPROTO, 0,
		"challenge where the result was due" },
	{ TP_AUTH_XOAUTH2,
		"334 e30=\r\n334 e30=\r\n334 e30=\r\n334 e30=\r\n"
		"334 e30=\r\n334 e30=\r\n535 x\r\n",
		TP_EPROTO, 0, "challenge where the result was due" },
	/* the server repeats what it got: raw, and as it was sent */
	{ TP_AUTH_LOGIN, "334 \r\n334 \r\n535 5.7.8 bad: hunter2hunter2\r\n",
		TP_EAUTH, 535, "(hidden" },
	{ TP_AUTH_LOGIN,
		"334 \r\n334 \r\n535 5.7.8 bad: aHVudGVyMmh1bnRlcjI=\r\n",
		TP_EAUTH, 535, "(hidden" },
	{ TP_AUTH_PLAIN,
		"535 5.7.8 AHNob3BAZXhhbXBsZS5jb20AaHVudGVyMmh1bnRlcjI=\r\n",
		TP_EAUTH, 535, "(hidden" },
};

static void odd_answers_to_auth_end_the_connection(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(auth_faults) / sizeof(auth_faults[0]);
		row++) {
		struct attempt a = prepare(TP_TLS_IMPLICIT);

		a.server_options.step = FAKE_AUTH;
		a.server_options.say = auth_faults[row].say;
		a.relay.auth = auth_faults[row].mode;
		a.relay.password = secret("hunter2hunter2");
		a.relay.token = secret("hunter2hunter2");
		run(&a);
		assert_says(&a, auth_faults[row].says);
		assert_int_equal(a.rc, auth_faults[row].rc);
		assert_int_equal(a.trouble.step, TP_STEP_AUTH);
		assert_int_equal(
			a.trouble.reply.code, auth_faults[row].reply_code);
		assert_null(strstr(a.trouble.text, "hunter2"));
		assert_null(strstr(a.trouble.text, "aHVudGVy"));
		assert_null(strstr(a.trouble.reply.text, "hunter2"));
		stop(&a);
		assert_false(received(&a, "MAIL"));
		drop(&a);
	}
}

static const struct {
	int mode;
	const char *user;
	const char *secret;
	size_t len;
	const char *says;
} impossible[] = {
	{ TP_AUTH_PLAIN, "u\r\nMAIL FROM:<>", "p", 1, "the username holds" },
	{ TP_AUTH_PLAIN, "u", "p\0x", 3, "the password holds" },
	{ TP_AUTH_LOGIN, "u", "p\n", 2, "the password holds" },
	{ TP_AUTH_SCRAM_SHA_256, "u", "p\r", 2, "the password holds" },
	{ TP_AUTH_XOAUTH2, "u\001auth=Bearer x", "t", 1, "the username holds" },
	{ TP_AUTH_XOAUTH2, "u", "t\n", 2, "the token holds" },
	{ TP_AUTH_OAUTHBEARER, "u", "t\001host=x", 8, "the token holds" },
	{ TP_AUTH_OAUTHBEARER, "u", "t t", 3, "the token holds" },
};

static void credentials_cannot_inject_anything(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(impossible) / sizeof(impossible[0]); row++) {
		struct attempt a = prepare(TP_TLS_IMPLICIT);
		struct tp_secret *made = tp_secret_new(
			impossible[row].secret, impossible[row].len);

		a.relay.auth = impossible[row].mode;
		a.relay.username = text(impossible[row].user);
		if (by_token(impossible[row].mode))
			a.relay.token = made;
		else
			a.relay.password = made;
		run(&a);
		assert_int_equal(a.rc, TP_ECONFIG);
		assert_int_equal(a.trouble.step, TP_STEP_AUTH);
		assert_says(&a, impossible[row].says);
		stop(&a);
		assert_nothing_leaked(&a);
		drop(&a);
	}
}

static void a_mechanism_that_is_not_offered_is_not_tried(void **state)
{
	struct attempt a = prepare(TP_TLS_STARTTLS);

	(void)state;
	a.server_options.keywords = "STARTTLS|" EVERY_MECHANISM;
	/* What was offered before TLS does not count. */
	a.server_options.keywords_tls = "AUTH PLAIN NTLM";
	a.relay.auth = TP_AUTH_SCRAM_SHA_256;
	run(&a);
	assert_int_equal(a.rc, TP_EAUTH);
	assert_int_equal(a.trouble.step, TP_STEP_AUTH);
	assert_int_equal(a.trouble.reply.code, 0);
	assert_says(&a, "does not offer SCRAM-SHA-256; it offers: PLAIN NTLM");
	stop(&a);
	assert_nothing_leaked(&a);
	drop(&a);
}

static void no_login_without_tls_unless_allowed_on_loopback(void **state)
{
	int allowed;

	(void)state;
	for (allowed = 0; allowed <= 1; allowed++) {
		struct attempt a = prepare(TP_TLS_NONE);

		a.relay.auth = allowed ? TP_AUTH_PLAIN : TP_AUTH_AUTO;
		a.relay.allow_plaintext_auth = allowed;
		run(&a);
		assert_int_equal(a.rc, allowed ? TP_OK : TP_ECONFIG);
		if (!allowed)
			assert_says(&a, "no login without TLS");
		stop(&a);
		if (!allowed)
			assert_nothing_leaked(&a);
		assert_int_equal(fake_relay_logins(a.server), allowed);
		drop(&a);
	}
}

/* ---- TLS --------------------------------------------------------------- */

static const struct {
	int cert;
	int ca;		  /* ca_file */
	int pin;	  /* certificate whose fingerprint is set; 0: none */
	const char *name; /* tls_name */
	const char *sni;  /* what the server must see */
	int max_version;
	int rc;
	const char *says;
} tls_cells[] = {
	{ GOOD, CA, 0, "relay.test", "relay.test", 0, TP_OK, "" },
	{ GOOD, CA, 0, "relay.test.", "relay.test", 0, TP_OK, "" },
	{ GOOD, CA, 0, "relay.test", "relay.test", TLS1_2_VERSION, TP_OK, "" },
	{ OTHER_NAME, CA, 0, "relay.test", "relay.test", 0, TP_ETLS,
		"not for relay.test but for: evil.test, *.evil.test" },
	{ OTHER_NAME, CA, 0, "mail.evil.test", "mail.evil.test", 0, TP_OK, "" },
	{ OTHER_NAME, CA, 0, "a.b.evil.test", "a.b.evil.test", 0, TP_ETLS,
		"not for" },
	{ EXPIRED, CA, 0, "relay.test", "relay.test", 0, TP_ETLS,
		"expired on 20" },
	{ NOT_YET, CA, 0, "relay.test", "relay.test", 0, TP_ETLS,
		"not valid before 20" },
	{ SELF_SIGNED, CA, 0, "relay.test", "relay.test", 0, TP_ETLS,
		"is self-signed" },
	{ SELF_SIGNED, SELF_SIGNED, 0, "relay.test", "relay.test", 0, TP_OK,
		"" },
	{ STRANGE_CA, CA, 0, "relay.test", "relay.test", 0, TP_ETLS,
		"unknown CA (Other CA)" },
	{ STRANGE_CA, OTHER_CA, 0, "relay.test", "relay.test", 0, TP_OK, "" },
	{ GOOD, OTHER_CA, 0, "relay.test", "relay.test", TLS1_2_VERSION,
		TP_ETLS, "unknown CA" },
	{ BY_ADDRESS, CA, 0, NULL, "", 0, TP_OK, "" },
	{ GOOD, CA, 0, NULL, "", 0, TP_ETLS,
		"not for 127.0.0.1 but for: relay" },
	/* with a pin */
	{ GOOD, CA, GOOD, "relay.test", "relay.test", 0, TP_OK, "" },
	{ GOOD, CA, OTHER_NAME, "relay.test", "relay.test", 0, TP_ETLS,
		"not the pinned" },
	{ SELF_SIGNED, CA, SELF_SIGNED, "other.test", "other.test", 0, TP_OK,
		"" },
	{ SELF_SIGNED, CA, GOOD, "relay.test", "relay.test", 0, TP_ETLS,
		"not the pinned" },
	{ STRANGE_CA, CA, STRANGE_CA, "relay.test", "relay.test", 0, TP_OK,
		"" },
	{ STRANGE_CA, CA, GOOD, "relay.test", "relay.test", 0, TP_ETLS,
		"not the pinned" },
	{ OTHER_NAME, CA, OTHER_NAME, "relay.test", "relay.test", 0, TP_ETLS,
		"not for" },
	{ EXPIRED, CA, EXPIRED, "relay.test", "relay.test", 0, TP_ETLS,
		"expired on" },
	/* too old */
	{ GOOD, CA, 0, "relay.test", "relay.test", TLS1_1_VERSION, TP_ETLS,
		"no TLS version 1.2" },
};

static void check_cell(size_t cell, int tls_mode)
{
	struct attempt a = prepare(tls_mode);
	const char *name = tls_cells[cell].name;

	a.server_options.certificate = pki.cert[tls_cells[cell].cert];
	a.server_options.tls_max_version = tls_cells[cell].max_version;
	a.relay.ca_file = pki.path[tls_cells[cell].ca];
	a.relay.tls_name = text(name);
	if (tls_cells[cell].pin)
		a.relay.fingerprint = pki.fingerprint[tls_cells[cell].pin];
	run(&a);
	assert_says(&a, tls_cells[cell].says);
	if (a.rc != tls_cells[cell].rc)
		fail_msg("cell %zu: %s", cell, a.trouble.text);
	if (a.rc < 0)
		assert_int_equal(a.trouble.step, TP_STEP_TLS);
	stop(&a);
	/* A server that gives up over the version does not look at it. */
	if (tls_cells[cell].max_version != TLS1_1_VERSION)
		assert_string_equal(
			fake_relay_sni(a.server), tls_cells[cell].sni);
	if (a.rc < 0) {
		assert_nothing_leaked(&a);
		assert_string_equal(fake_relay_tls(a.server), "");
	} else {
		assert_int_equal(fake_relay_logins(a.server), 1);
	}
	drop(&a);
}

static void the_tls_matrix_holds(void **state)
{
	size_t cell;

	(void)state;
	for (cell = 0; cell < sizeof(tls_cells) / sizeof(tls_cells[0]);
		cell++) {
		check_cell(cell, TP_TLS_IMPLICIT);
		check_cell(cell, TP_TLS_STARTTLS);
	}
}

static void the_configured_name_is_verified_and_not_the_address(void **state)
{
	struct attempt a = prepare(TP_TLS_IMPLICIT);

	(void)state;
	a.relay.host = text("relay.test");
	a.relay.tls_name = NULL;
	run(&a);
	assert_int_equal(a.rc, TP_OK);
	stop(&a);
	assert_string_equal(fake_relay_sni(a.server), "relay.test");
	drop(&a);
}

static void an_ipv6_literal_is_verified_as_an_address(void **state)
{
	struct attempt a = prepare(TP_TLS_IMPLICIT);
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 at = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int usable = probe >= 0 &&
		     bind(probe, (struct sockaddr *)&at, sizeof(at)) == 0;

	(void)state;
	if (probe >= 0)
		(void)close(probe);
	if (!usable) {
		print_message("no IPv6 loopback on this machine\n");
		return;
	}
	a.server_options.ipv6 = 1;
	a.server_options.certificate = pki.cert[BY_ADDRESS];
	a.relay.host = text("::1");
	a.relay.tls_name = NULL;
	a.relay.helo_name = NULL;
	run(&a);
	assert_int_equal(a.rc, TP_OK);
	assert_int_equal(
		strncmp(tp_channel_info(a.channel)->peer, "[::1]:", 6), 0);
	stop(&a);
	assert_string_equal(fake_relay_sni(a.server), "");
	drop(&a);
}

static void a_client_certificate_is_shown_when_configured(void **state)
{
	int with;

	(void)state;
	for (with = 0; with <= 1; with++) {
		struct attempt a = prepare(TP_TLS_IMPLICIT);

		a.server_options.client_ca = pki.cert[CA];
		a.relay.client_cert = with ? pki.path[CLIENT] : NULL;
		run(&a);
		assert_int_equal(a.rc, with ? TP_OK : TP_ETLS);
		if (!with)
			assert_says(&a, "certificate required");
		stop(&a);
		assert_int_equal(fake_relay_client_certs(a.server), with);
		drop(&a);
	}
}

static void unusable_certificate_files_are_configuration_errors(void **state)
{
	int which;

	(void)state;
	for (which = 0; which < 3; which++) {
		struct attempt a = prepare(TP_TLS_IMPLICIT);

		if (which == 0)
			a.relay.ca_file = text("/nonexistent/ca.pem");
		else
			a.relay.client_cert = which == 1
						      ? text("/nonexistent/c")
						      : pki.path[GOOD];
		run(&a);
		assert_int_equal(a.rc, TP_ECONFIG);
		assert_says(&a, which == 0   ? "ca_file: cannot use"
				: which == 1 ? "client_cert: cannot use"
					     : "client_key: cannot use");
		stop(&a);
		assert_nothing_leaked(&a);
		drop(&a);
	}
}

static void sessions_are_resumed_but_never_across_accounts(void **state)
{
	static const int versions[] = { 0, TLS1_2_VERSION };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct attempt a = prepare(TP_TLS_STARTTLS);

		a.server_options.tls_max_version = versions[i];
		run(&a);
		assert_int_equal(a.rc, TP_OK);
		tp_channel_close(&a.channel, 1);
		connect_again(&a);
		assert_int_equal(a.rc, TP_OK);
		tp_channel_close(&a.channel, 1);
		connect_again(&a);
		assert_int_equal(a.rc, TP_OK);
		tp_channel_close(&a.channel, 1);
		/* Another account: a handshake of its own. */
		a.relay.username = text("other@example.com");
		connect_again(&a);
		assert_int_equal(a.rc, TP_EAUTH);
		fake_relay_stop(a.server);
		assert_int_equal(fake_relay_handshakes(a.server), 4);
		assert_int_equal(fake_relay_resumed(a.server), 2);
		assert_string_equal(fake_relay_sni(a.server), "relay.test");
		drop(&a);
	}
}

static void a_new_pin_is_checked_although_a_session_is_known(void **state)
{
	struct attempt a = prepare(TP_TLS_IMPLICIT);

	(void)state;
	run(&a);
	assert_int_equal(a.rc, TP_OK);
	tp_channel_close(&a.channel, 1);
	a.relay.fingerprint = pki.fingerprint[OTHER_NAME];
	connect_again(&a);
	assert_int_equal(a.rc, TP_ETLS);
	assert_says(&a, "not the pinned one");
	drop(&a);
}

static void early_tickets_never_stop_a_session(void **state)
{
	struct attempt a = prepare(TP_TLS_IMPLICIT);
	int i;

	(void)state;
	start(&a);
	for (i = 0; i < 50; i++) {
		int rc;

		/* Without a stored session in every second run. */
		if (i % 2) {
			tp_channel_shared_destroy(&a.shared);
			rc = tp_channel_shared_new(&a.shared, NULL);
			assert_int_equal(rc, TP_OK);
		}
		connect_again(&a);
		assert_int_equal(a.rc, TP_OK);
		assert_true(a.took_ms < 2000);
		/* A ticket that is still to be read is no data. */
		assert_false(tp_channel_readable(a.channel));
		tp_channel_close(&a.channel, 0);
	}
	drop(&a);
}

/* ---- STARTTLS ---------------------------------------------------------- */

static const struct {
	const char *keywords;
	enum fake_step step;
	const char *say;
	const char *say_later;
	int want_step;
	const char *says;
} starttls_faults[] = {
	{ EVERY_MECHANISM, FAKE_NEVER, NULL, NULL, TP_STEP_STARTTLS,
		"does not offer STARTTLS" },
	{ "XSTARTTLS|" EVERY_MECHANISM, FAKE_NEVER, NULL, NULL,
		TP_STEP_STARTTLS, "does not offer STARTTLS" },
	{ NULL, FAKE_NEVER, NULL, NULL, TP_STEP_STARTTLS,
		"does not offer STARTTLS" },
	{ "STARTTLS", FAKE_STARTTLS, "454 4.7.0 not now\r\n", NULL,
		TP_STEP_STARTTLS, "refuses STARTTLS: 454 4.7.0 not now" },
	{ "STARTTLS", FAKE_STARTTLS, "500 5.5.1 what\r\n", NULL,
		TP_STEP_STARTTLS, "refuses STARTTLS: 500" },
	{ "STARTTLS", FAKE_STARTTLS, "250 fine\r\n", NULL, TP_STEP_STARTTLS,
		"refuses STARTTLS: 250" },
	{ "STARTTLS", FAKE_STARTTLS, "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n",
		NULL, TP_STEP_STARTTLS, "may be forged" },
	{ "STARTTLS", FAKE_STARTTLS, "220 go\r\n2", NULL, TP_STEP_STARTTLS,
		"may be forged" },
	{ "STARTTLS", FAKE_STARTTLS, "220 go\r\n", "250 forged\r\n",
		TP_STEP_TLS, "may be forged" },
	{ "STARTTLS", FAKE_STARTTLS, "220 go\r\n", "235 2.7.0 forged\r\n",
		TP_STEP_TLS, "may be forged" },
};

static void starttls_never_falls_back(void **state)
{
	size_t row;

	(void)state;
	for (row = 0;
		row < sizeof(starttls_faults) / sizeof(starttls_faults[0]);
		row++) {
		struct attempt a = prepare(TP_TLS_STARTTLS);

		a.server_options.keywords = starttls_faults[row].keywords;
		a.server_options.step = starttls_faults[row].step;
		a.server_options.say = starttls_faults[row].say;
		a.server_options.say_later = starttls_faults[row].say_later;
		/* Not even if clear text would be allowed without STARTTLS. */
		a.relay.allow_plaintext_auth = 1;
		run(&a);
		assert_says(&a, starttls_faults[row].says);
		assert_int_equal(a.rc, TP_ETLS);
		assert_int_equal(
			a.trouble.step, starttls_faults[row].want_step);
		stop(&a);
		assert_nothing_leaked(&a);
		assert_false(received(&a, "QUIT"));
		drop(&a);
	}
}

/* ---- faults of the dialogue -------------------------------------------- */

static const struct {
	int tls;
	enum fake_step step;
	enum fake_fault fault;
	const char *say;
	int want_step;
	int rc;
	int reply_code;
	const char *says;
} faults[] = {
	/* silence */
	{ TP_TLS_STARTTLS, FAKE_GREETING, FAKE_STALL, NULL, TP_STEP_GREETING,
		TP_ETIMEOUT, 0, "set tls to implicit" },
	{ TP_TLS_NONE, FAKE_GREETING, FAKE_DEAF, NULL, TP_STEP_GREETING,
		TP_ETIMEOUT, 0, "set tls to implicit" },
	{ TP_TLS_IMPLICIT, FAKE_HANDSHAKE, FAKE_STALL, NULL, TP_STEP_TLS,
		TP_ETIMEOUT, 0, "handshake" },
	{ TP_TLS_STARTTLS, FAKE_HANDSHAKE, FAKE_DEAF, NULL, TP_STEP_TLS,
		TP_ETIMEOUT, 0, "handshake" },
	{ TP_TLS_IMPLICIT, FAKE_GREETING, FAKE_STALL, NULL, TP_STEP_GREETING,
		TP_ETIMEOUT, 0, "no reply within 300 ms" },
	{ TP_TLS_NONE, FAKE_EHLO, FAKE_STALL, NULL, TP_STEP_EHLO, TP_ETIMEOUT,
		0, "no reply within" },
	{ TP_TLS_STARTTLS, FAKE_STARTTLS, FAKE_STALL, NULL, TP_STEP_STARTTLS,
		TP_ETIMEOUT, 0, "no reply within" },
	{ TP_TLS_STARTTLS, FAKE_EHLO_TLS, FAKE_STALL, NULL, TP_STEP_EHLO,
		TP_ETIMEOUT, 0, "no reply within" },
	{ TP_TLS_IMPLICIT, FAKE_AUTH, FAKE_STALL, NULL, TP_STEP_AUTH,
		TP_ETIMEOUT, 0, "no reply within" },
	{ TP_TLS_STARTTLS, FAKE_AUTH_RESULT, FAKE_STALL, NULL, TP_STEP_AUTH,
		TP_ETIMEOUT, 0, "no reply within" },
	/* one byte now and then gains no time */
	{ TP_TLS_STARTTLS, FAKE_GREETING, FAKE_DRIP, "220 aaaaaaaaaaaaaaaaaa",
		TP_STEP_GREETING, TP_ETIMEOUT, 0, "no reply within" },
	{ TP_TLS_IMPLICIT, FAKE_EHLO_TLS, FAKE_DRIP, "250-a\r\n", TP_STEP_EHLO,
		TP_ETIMEOUT, 0, "no reply within" },
	{ TP_TLS_IMPLICIT, FAKE_AUTH_RESULT, FAKE_DRIP, "235-a\r\n",
		TP_STEP_AUTH, TP_ETIMEOUT, 0, "no reply within" },
	/* endless */
	{ TP_TLS_NONE, FAKE_GREETING, FAKE_FLOOD, "xxxxxxxxxxxxxxx",
		TP_STEP_GREETING, TP_EPROTO, 0, "endless line" },
	{ TP_TLS_IMPLICIT, FAKE_GREETING, FAKE_FLOOD, "220-x\r\n",
		TP_STEP_GREETING, TP_EPROTO, 0, "too many lines" },
	{ TP_TLS_NONE, FAKE_EHLO, FAKE_FLOOD, "250-KEY\r\n", TP_STEP_EHLO,
		TP_EPROTO, 0, "too many lines" },
	{ TP_TLS_IMPLICIT, FAKE_EHLO_TLS, FAKE_FLOOD,
		"250-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"\r\n",
		TP_STEP_EHLO, TP_EPROTO, 0, "too long" },
	/* nonsense */
	{ TP_TLS_NONE, FAKE_GREETING, FAKE_SAY, "SSH-2.0-x\r\n",
		TP_STEP_GREETING, TP_EPROTO, 0, "does not speak SMTP" },
	{ TP_TLS_STARTTLS, FAKE_GREETING, FAKE_SAY, "250 hi\r\n",
		TP_STEP_GREETING, TP_EPROTO, 250, "greets wrongly" },
	{ TP_TLS_NONE, FAKE_EHLO, FAKE_SAY, "250-a\r\n550 b\r\n", TP_STEP_EHLO,
		TP_EPROTO, 0, "differ" },
	{ TP_TLS_NONE, FAKE_EHLO, FAKE_SAY, "354 go\r\n", TP_STEP_EHLO,
		TP_EPROTO, 354, "answers EHLO wrongly" },
	{ TP_TLS_IMPLICIT, FAKE_HANDSHAKE, FAKE_SAY_CLOSE, "\x15\x03\x01\x00",
		TP_STEP_TLS, TP_ETLS, 0, "gave up during the TLS handshake" },
	{ TP_TLS_IMPLICIT, FAKE_HANDSHAKE, FAKE_SAY, "220 plain ready\r\n",
		TP_STEP_TLS, TP_ETLS, 0, "speaks plain SMTP first" },
	{ TP_TLS_IMPLICIT, FAKE_HANDSHAKE, FAKE_SAY, "GET / HTTP/1.0\r\n",
		TP_STEP_TLS, TP_ETLS, 0, "the TLS handshake with" },
	/* refusals */
	{ TP_TLS_NONE, FAKE_GREETING, FAKE_SAY, "554 5.7.1 not you\r\n",
		TP_STEP_GREETING, TP_ECONNECT, 554, "554 5.7.1 not you" },
	{ TP_TLS_IMPLICIT, FAKE_GREETING, FAKE_SAY_CLOSE,
		"421 4.3.2 too many\r\n", TP_STEP_GREETING, TP_ECONNECT, 421,
		"421 4.3.2 too many" },
	{ TP_TLS_STARTTLS, FAKE_EHLO, FAKE_SAY, "502 5.5.1 no\r\n",
		TP_STEP_EHLO, TP_ECONNECT, 502, "refuses EHLO" },
	{ TP_TLS_IMPLICIT, FAKE_EHLO_TLS, FAKE_SAY, "451 4.3.0 x\r\n",
		TP_STEP_EHLO, TP_ECONNECT, 451, "refuses EHLO" },
	/* gone */
	{ TP_TLS_NONE, FAKE_GREETING, FAKE_CLOSE, NULL, TP_STEP_GREETING,
		TP_ECLOSED, 0, "closed the connection" },
	{ TP_TLS_NONE, FAKE_GREETING, FAKE_SAY_CLOSE, "220 hal",
		TP_STEP_GREETING, TP_ECLOSED, 0, "closed the connection" },
	{ TP_TLS_IMPLICIT, FAKE_HANDSHAKE, FAKE_CLOSE, NULL, TP_STEP_TLS,
		TP_ETLS, 0, "gave up during the TLS handshake" },
	{ TP_TLS_STARTTLS, FAKE_EHLO, FAKE_CLOSE, NULL, TP_STEP_EHLO,
		TP_ECLOSED, 0, "closed the connection" },
	{ TP_TLS_STARTTLS, FAKE_STARTTLS, FAKE_CLOSE, NULL, TP_STEP_STARTTLS,
		TP_ECLOSED, 0, "closed the connection" },
	{ TP_TLS_STARTTLS, FAKE_HANDSHAKE, FAKE_CLOSE, NULL, TP_STEP_TLS,
		TP_ETLS, 0, "gave up during the TLS handshake" },
	{ TP_TLS_IMPLICIT, FAKE_EHLO_TLS, FAKE_CLOSE, NULL, TP_STEP_EHLO,
		TP_ECLOSED, 0, "closed the connection" },
	{ TP_TLS_STARTTLS, FAKE_AUTH, FAKE_CLOSE, NULL, TP_STEP_AUTH,
		TP_ECLOSED, 0, "closed the connection" },
	{ TP_TLS_IMPLICIT, FAKE_AUTH_RESULT, FAKE_CLOSE, NULL, TP_STEP_AUTH,
		TP_ECLOSED, 0, "closed the connection" },
	{ TP_TLS_NONE, FAKE_EHLO, FAKE_RESET, NULL, TP_STEP_EHLO, TP_ECLOSED, 0,
		"connection was lost" },
	{ TP_TLS_IMPLICIT, FAKE_AUTH, FAKE_RESET, NULL, TP_STEP_AUTH,
		TP_ECLOSED, 0, "connection was lost" },
};

static void every_fault_ends_in_time_with_its_own_words(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(faults) / sizeof(faults[0]); row++) {
		struct attempt a = prepare(faults[row].tls);

		a.server_options.step = faults[row].step;
		a.server_options.fault = faults[row].fault;
		a.server_options.say = faults[row].say;
		if (faults[row].rc == TP_ETIMEOUT)
			a.relay.reply_timeout_ms = a.relay.tls_timeout_ms =
				SHORT_MS;
		run(&a);
		assert_says(&a, faults[row].says);
		if (a.rc != faults[row].rc ||
			(int)a.trouble.step != faults[row].want_step)
			fail_msg("row %zu: %s at %s: %s", row,
				tp_err_text(a.rc), tp_step_name(a.trouble.step),
				a.trouble.text);
		assert_int_equal(a.trouble.reply.code, faults[row].reply_code);
		assert_true(a.took_ms < ENOUGH_MS);
		if (faults[row].rc == TP_ETIMEOUT)
			assert_true(a.took_ms >= SHORT_MS - 20);
		stop(&a);
		assert_false(received(&a, "MAIL"));
		if (faults[row].want_step != TP_STEP_AUTH)
			assert_nothing_leaked(&a);
		assert_null(strstr(fake_relay_clear(a.server), "AUTH"));
		drop(&a);
	}
}

/* ---- EHLO -------------------------------------------------------------- */

static void what_ehlo_says_is_in_the_info(void **state)
{
	struct attempt a = prepare(TP_TLS_STARTTLS);
	const struct tp_connection_info *info;

	(void)state;
	run(&a);
	assert_int_equal(a.rc, TP_OK);
	info = tp_channel_info(a.channel);
	assert_int_equal(info->size_max_bytes, 1000);
	assert_int_equal(info->eight_bit_mime, 1);
	assert_int_equal(info->smtputf8, 1);
	assert_int_equal(info->pipelining, 1);
	assert_string_equal(info->auth_mechanism, "SCRAM-SHA-256");
	stop(&a);
	assert_string_equal(fake_relay_clear(a.server),
		"EHLO shop.example.com\r\nSTARTTLS\r\n");
	assert_int_equal(strncmp(fake_relay_tls(a.server),
				 "EHLO shop.example.com\r\nAUTH ", 28),
		0);
	drop(&a);
}

static void helo_is_tried_only_without_tls_and_login(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);

	(void)state;
	a.server_options.step = FAKE_EHLO;
	a.server_options.say = "502 5.5.1 what is EHLO\r\n";
	a.relay.auth = TP_AUTH_NONE;
	run(&a);
	assert_int_equal(a.rc, TP_OK);
	assert_string_equal(tp_channel_info(a.channel)->auth_mechanism, "");
	stop(&a);
	assert_string_equal(fake_relay_clear(a.server),
		"EHLO shop.example.com\r\nHELO shop.example.com\r\n");
	drop(&a);
}

static void the_ehlo_name_cannot_inject_a_command(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);

	(void)state;
	a.relay.auth = TP_AUTH_NONE;
	a.relay.helo_name = text("x\r\nMAIL FROM:<>");
	run(&a);
	assert_int_equal(a.rc, TP_ECONFIG);
	assert_says(&a, "helo_name");
	stop(&a);
	assert_string_equal(fake_relay_clear(a.server), "");
	drop(&a);
}

static void without_a_name_ehlo_gives_a_domain_or_the_address(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);
	const char *line;

	(void)state;
	a.relay.auth = TP_AUTH_NONE;
	a.relay.helo_name = NULL;
	run(&a);
	assert_int_equal(a.rc, TP_OK);
	stop(&a);
	line = fake_relay_clear(a.server);
	assert_int_equal(strncmp(line, "EHLO ", 5), 0);
	assert_true(strcmp(line, "EHLO [127.0.0.1]\r\n") == 0 ||
		    strchr(line, '.') != NULL);
	drop(&a);
}

/* ---- connecting -------------------------------------------------------- */

static void try_host(const char *host, struct attempt *a)
{
	a->relay.host = text(host);
	a->relay.auth = TP_AUTH_NONE;
	run(a);
}

static void names_that_lead_nowhere_are_told_apart(void **state)
{
	static const struct {
		const char *host;
		int rc;
		const char *says;
	} rows[] = {
		{ "missing.test", TP_ECONFIG, "no host named missing.test" },
		{ "broken.test", TP_ECONNECT, "cannot look up broken.test" },
		{ "slow.test", TP_ETIMEOUT, "looking up slow.test took" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct attempt a = prepare(TP_TLS_NONE);

		try_host(rows[i].host, &a);
		assert_int_equal(a.rc, rows[i].rc);
		assert_int_equal(a.trouble.step, TP_STEP_RESOLVE);
		assert_says(&a, rows[i].says);
		assert_true(a.took_ms < 2 * SHORT_MS);
		drop(&a);
	}
	/* The abandoned look-up ends by itself and frees what it holds. */
	sleep_ms(2 * SHORT_MS);
}

static void each_address_is_tried_in_turn(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);

	(void)state;
	try_host("two.test", &a);
	assert_int_equal(a.rc, TP_OK);
	assert_int_equal(
		strncmp(tp_channel_info(a.channel)->peer, "127.0.0.1:", 10), 0);
	assert_true(tp_channel_info(a.channel)->connect_us > 0);
	drop(&a);
}

static void a_refused_connection_says_so(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);

	(void)state;
	try_host("127.0.0.1", &a);
	assert_int_equal(a.rc, TP_OK);
	tp_channel_close(&a.channel, 0);
	fake_relay_free(&a.server);
	connect_again(&a);
	assert_int_equal(a.rc, TP_ECONNECT);
	assert_int_equal(a.trouble.step, TP_STEP_CONNECT);
	assert_says(&a, "refused");
	tp_channel_shared_destroy(&a.shared);
	tp_secret_destroy(&a.relay.password);
}

/* A full queue of connections: Linux then drops every SYN. */
struct full_queue {
	int listener;
	int filler[4];
};

/* @param port 0: any free one
 * @return the port */
static int queue_fill(struct full_queue *queue, const char *ip, int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	socklen_t len = sizeof(at);
	size_t i;

	assert_int_equal(inet_pton(AF_INET, ip, &at.sin_addr), 1);
	queue->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(queue->listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(queue->listener, 0), 0);
	assert_int_equal(
		getsockname(queue->listener, (struct sockaddr *)&at, &len), 0);
	for (i = 0; i < 4; i++) {
		queue->filler[i] =
			socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(
			queue->filler[i], (struct sockaddr *)&at, sizeof(at));
	}
	return ntohs(at.sin_port);
}

static void queue_close(const struct full_queue *queue)
{
	size_t i;

	for (i = 0; i < 4; i++)
		(void)close(queue->filler[i]);
	(void)close(queue->listener);
}

static void a_host_that_drops_packets_costs_one_deadline(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);
	struct full_queue queue;

	(void)state;
	a.relay.port = queue_fill(&queue, "127.0.0.1", 0);
	a.relay.auth = TP_AUTH_NONE;
	assert_int_equal(tp_channel_shared_new(&a.shared, NULL), TP_OK);
	connect_again(&a);
	assert_int_equal(a.rc, TP_ETIMEOUT);
	assert_int_equal(a.trouble.step, TP_STEP_CONNECT);
	assert_true(a.took_ms >= SHORT_MS - 20 && a.took_ms < ENOUGH_MS);
	queue_close(&queue);
	tp_channel_shared_destroy(&a.shared);
}

/* ---- an open channel --------------------------------------------------- */

static void say(struct attempt *a, const char *bytes)
{
	assert_int_equal(tp_channel_write(a->channel, bytes, strlen(bytes),
				 ENOUGH_MS, &a->trouble),
		TP_OK);
}

static int hear(struct attempt *a, struct tp_reply *reply, int64_t timeout_ms)
{
	return tp_channel_reply(a->channel, reply, timeout_ms, &a->trouble);
}

static void commands_in_one_segment_get_their_replies_in_order(void **state)
{
	int mode;

	(void)state;
	for (mode = TP_TLS_IMPLICIT; mode <= TP_TLS_NONE; mode++) {
		struct attempt a = prepare(mode);
		struct tp_reply reply;

		a.relay.allow_plaintext_auth = 1;
		run(&a);
		assert_int_equal(a.rc, TP_OK);
		assert_false(tp_channel_readable(a.channel));
		say(&a, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
		assert_int_equal(hear(&a, &reply, ENOUGH_MS), TP_OK);
		assert_string_equal(reply.text, "ok");
		assert_int_equal(reply.enhanced.subject, 1);
		assert_int_equal(hear(&a, &reply, ENOUGH_MS), TP_OK);
		assert_int_equal(reply.code, 250);
		assert_int_equal(hear(&a, &reply, ENOUGH_MS), TP_OK);
		assert_int_equal(reply.code, 354);
		say(&a, "Subject: x\r\n\r\nbody\r\n.\r\n");
		assert_int_equal(hear(&a, &reply, ENOUGH_MS), TP_OK);
		assert_string_equal(reply.text, "stored");
		assert_false(tp_channel_readable(a.channel));
		assert_int_equal(hear(&a, &reply, 50), TP_ETIMEOUT);
		drop(&a);
	}
}

static void a_421_out_of_turn_is_seen_before_the_next_command(void **state)
{
	int mode;

	(void)state;
	for (mode = TP_TLS_IMPLICIT; mode <= TP_TLS_NONE; mode++) {
		struct attempt a = prepare(mode);
		struct tp_reply reply;

		a.relay.allow_plaintext_auth = 1;
		a.server_options.step = FAKE_MAIL;
		a.server_options.fault = FAKE_SAY_CLOSE;
		a.server_options.say = "250 ok\r\n421 4.3.2 going down\r\n";
		run(&a);
		assert_int_equal(a.rc, TP_OK);
		say(&a, "MAIL FROM:<a@b>\r\n");
		assert_int_equal(hear(&a, &reply, ENOUGH_MS), TP_OK);
		assert_int_equal(reply.code, 250);
		assert_true(tp_channel_readable(a.channel));
		/* Taken without waiting: it is there. */
		assert_int_equal(hear(&a, &reply, 0), TP_OK);
		assert_int_equal(reply.code, 421);
		assert_int_equal(hear(&a, &reply, ENOUGH_MS), TP_ECLOSED);
		assert_true(tp_channel_readable(a.channel));
		drop(&a);
	}
}

/* Writes until it fails. @return the result */
static int write_much(struct attempt *a, int64_t stall_ms)
{
	static const size_t chunk = 1 << 20;
	char *data = calloc(1, chunk);
	int rc = TP_OK;
	int i;

	assert_non_null(data);
	memset(data, 'x', chunk);
	for (i = 0; i < 256 && rc == TP_OK; i++)
		rc = tp_channel_write(
			a->channel, data, chunk, stall_ms, &a->trouble);
	free(data);
	return rc;
}

static void a_write_ends_when_the_server_takes_nothing(void **state)
{
	static const enum fake_fault how[] = { FAKE_DEAF, FAKE_FLOOD };
	int mode;
	size_t i;

	(void)state;
	for (mode = TP_TLS_IMPLICIT; mode <= TP_TLS_NONE; mode++)
		for (i = 0; i < 2; i++) {
			struct attempt a = prepare(mode);
			struct tp_reply reply;

			a.relay.allow_plaintext_auth = 1;
			a.server_options.step = FAKE_MAIL;
			a.server_options.fault = how[i];
			a.server_options.say = "250 early\r\n";
			run(&a);
			assert_int_equal(a.rc, TP_OK);
			say(&a, "MAIL FROM:<a@b>\r\n");
			assert_int_equal(write_much(&a, SHORT_MS), TP_ETIMEOUT);
			assert_says(&a, "took no data for 300 ms");
			/* What it said meanwhile was kept. */
			assert_int_equal(hear(&a, &reply, 10),
				how[i] == FAKE_FLOOD ? TP_OK : TP_ETIMEOUT);
			drop(&a);
		}
}

static void a_write_to_a_lost_connection_is_closed_and_no_signal(void **state)
{
	int mode;

	(void)state;
	for (mode = TP_TLS_IMPLICIT; mode <= TP_TLS_NONE; mode++) {
		struct attempt a = prepare(mode);

		a.relay.allow_plaintext_auth = 1;
		a.server_options.step = FAKE_MAIL;
		a.server_options.fault = FAKE_RESET;
		run(&a);
		assert_int_equal(a.rc, TP_OK);
		say(&a, "MAIL FROM:<a@b>\r\n");
		assert_int_equal(write_much(&a, ENOUGH_MS), TP_ECLOSED);
		assert_says(&a, "connection was lost");
		drop(&a);
	}
}

static void a_refusal_sent_before_the_close_is_still_heard(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);
	struct tp_reply reply;

	(void)state;
	a.relay.auth = TP_AUTH_NONE;
	a.server_options.step = FAKE_MAIL;
	a.server_options.fault = FAKE_SAY_CLOSE;
	a.server_options.say = "552 5.3.4 too big\r\n";
	run(&a);
	assert_int_equal(a.rc, TP_OK);
	say(&a, "MAIL FROM:<a@b>\r\n");
	sleep_ms(50);
	assert_int_equal(write_much(&a, ENOUGH_MS), TP_ECLOSED);
	assert_int_equal(hear(&a, &reply, ENOUGH_MS), TP_OK);
	assert_int_equal(reply.code, 552);
	drop(&a);
}

/* ---- interrupts -------------------------------------------------------- */

#define FIRE_MS 100
#define STOP_MS 1000 /* that much later everything has ended */

static void *fire_later(void *arg)
{
	sleep_ms(FIRE_MS);
	tp_interrupt_fire(arg);
	return NULL;
}

static void patient(struct attempt *a)
{
	a->relay.connect_timeout_ms = LONG_MS;
	a->relay.tls_timeout_ms = LONG_MS;
	a->relay.reply_timeout_ms = LONG_MS;
}

/* Connects, with an interrupt meanwhile. */
static void connect_interrupted(struct attempt *a, enum tp_step step)
{
	struct tp_interrupt interrupt;
	pthread_t thread;

	patient(a);
	tp_interrupt_init(&interrupt);
	a->interrupt = &interrupt;
	assert_int_equal(
		pthread_create(&thread, NULL, fire_later, &interrupt), 0);
	connect_again(a);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (a->rc != TP_ECLOSED || a->trouble.step != step)
		fail_msg("%s at %s: %s", tp_err_text(a->rc),
			tp_step_name(a->trouble.step), a->trouble.text);
	assert_string_equal(a->trouble.text, "stopped");
	assert_int_equal(a->trouble.reply.code, 0);
	assert_true(a->took_ms >= FIRE_MS - 20);
	assert_true(a->took_ms < FIRE_MS + STOP_MS);
	assert_int_equal(interrupt.fd, -1);
	tp_interrupt_destroy(&interrupt);
	a->interrupt = NULL;
}

static void every_silence_before_the_login_can_be_interrupted(void **state)
{
	size_t row;

	(void)state;
	for (row = 0; row < sizeof(faults) / sizeof(faults[0]); row++) {
		struct attempt a = prepare(faults[row].tls);

		if (faults[row].rc != TP_ETIMEOUT)
			continue;
		a.server_options.step = faults[row].step;
		a.server_options.fault = faults[row].fault;
		a.server_options.say = faults[row].say;
		start(&a);
		connect_interrupted(&a, (enum tp_step)faults[row].want_step);
		drop(&a);
	}
}

static void a_look_up_can_be_interrupted(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);

	(void)state;
	a.relay.host = text("stuck.test");
	start(&a);
	connect_interrupted(&a, TP_STEP_RESOLVE);
	/* The abandoned look-up ends by itself and frees what it holds. */
	atomic_store(&resolver_answers, 1);
	sleep_ms(100);
	drop(&a);
}

static void no_further_address_is_tried_after_an_interrupt(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);
	struct full_queue queue;

	(void)state;
	a.relay.host = text("two.test");
	start(&a);
	/* The first of the addresses; the server has the last. */
	(void)queue_fill(&queue, "127.0.0.2", fake_relay_port(a.server));
	connect_interrupted(&a, TP_STEP_CONNECT);
	queue_close(&queue);
	stop(&a);
	assert_int_equal(fake_relay_connections(a.server), 0);
	drop(&a);
}

static void after_an_interrupt_nothing_is_begun(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "relay.test" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct attempt a = prepare(TP_TLS_IMPLICIT);
		int lookups_before = atomic_load(&lookups);
		struct tp_interrupt interrupt;

		tp_interrupt_init(&interrupt);
		tp_interrupt_fire(&interrupt);
		a.interrupt = &interrupt;
		a.relay.host = text(hosts[i]);
		patient(&a);
		run(&a);
		assert_int_equal(a.rc, TP_ECLOSED);
		assert_string_equal(a.trouble.text, "stopped");
		assert_true(a.took_ms < STOP_MS);
		stop(&a);
		assert_int_equal(fake_relay_connections(a.server), 0);
		assert_int_equal(atomic_load(&lookups), lookups_before);
		drop(&a);
		tp_interrupt_destroy(&interrupt);
	}
}

/* What waits on an open channel: a reply, and a server that takes nothing. */
static void an_open_channel_can_be_interrupted(void **state)
{
	int writing;

	(void)state;
	for (writing = 0; writing <= 3; writing++) {
		struct attempt a =
			prepare(writing & 2 ? TP_TLS_NONE : TP_TLS_IMPLICIT);
		struct tp_interrupt interrupt;
		struct tp_reply reply;
		pthread_t thread;
		int64_t begun;
		int rc;

		a.relay.auth = TP_AUTH_NONE;
		a.server_options.step = FAKE_MAIL;
		a.server_options.fault = FAKE_DEAF;
		start(&a);
		tp_interrupt_init(&interrupt);
		a.interrupt = &interrupt;
		connect_again(&a);
		assert_int_equal(a.rc, TP_OK);
		say(&a, "MAIL FROM:<a@b>\r\n");
		begun = tp_mono_ms();
		assert_int_equal(
			pthread_create(&thread, NULL, fire_later, &interrupt),
			0);
		rc = writing & 1 ? write_much(&a, LONG_MS)
				 : hear(&a, &reply, LONG_MS);
		assert_int_equal(rc, TP_ECLOSED);
		assert_int_equal(a.trouble.code, TP_ECLOSED);
		assert_string_equal(a.trouble.text, "stopped");
		assert_true(tp_mono_ms() - begun < FIRE_MS + STOP_MS);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_true(tp_channel_readable(a.channel));
		/* A QUIT that nobody answers would take its 2 s. */
		begun = tp_mono_ms();
		tp_channel_close(&a.channel, 1);
		assert_true(tp_mono_ms() - begun < STOP_MS);
		assert_int_equal(interrupt.fd, -1);
		drop(&a);
		tp_interrupt_destroy(&interrupt);
	}
}

struct shot {
	struct tp_interrupt interrupt;
	long delay_us;
};

static void *shoot(void *arg)
{
	struct shot *shot = arg;
	struct timespec pause = { 0, shot->delay_us * 1000 };

	(void)nanosleep(&pause, NULL);
	tp_interrupt_fire(&shot->interrupt);
	return NULL;
}

static void an_interrupt_may_come_at_any_moment(void **state)
{
	struct attempt a = prepare(TP_TLS_STARTTLS);
	long i;

	(void)state;
	a.relay.auth = TP_AUTH_PLAIN;
	patient(&a);
	start(&a);
	for (i = 0; i < 100; i++) {
		struct shot shot = { .delay_us = i * 100 };
		pthread_t thread;

		tp_interrupt_init(&shot.interrupt);
		a.interrupt = &shot.interrupt;
		assert_int_equal(
			pthread_create(&thread, NULL, shoot, &shot), 0);
		connect_again(&a);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_true(a.took_ms < STOP_MS);
		/* Then it came too late for that, and in time for this. */
		if (a.rc == TP_OK)
			a.rc = tp_channel_write(
				a.channel, "NOOP\r\n", 6, LONG_MS, &a.trouble);
		assert_int_equal(a.rc, TP_ECLOSED);
		assert_string_equal(a.trouble.text, "stopped");
		tp_channel_close(&a.channel, 1);
		tp_interrupt_destroy(&shot.interrupt);
	}
	a.interrupt = NULL;
	connect_again(&a);
	assert_int_equal(a.rc, TP_OK);
	drop(&a);
}

static void quit_is_polite_and_never_long(void **state)
{
	int stalls;

	(void)state;
	for (stalls = 0; stalls <= 1; stalls++) {
		struct attempt a = prepare(TP_TLS_STARTTLS);
		int64_t begun;
		int64_t took;

		a.server_options.step = stalls ? FAKE_QUIT : FAKE_NEVER;
		a.server_options.fault = FAKE_STALL;
		run(&a);
		assert_int_equal(a.rc, TP_OK);
		begun = tp_mono_ms();
		tp_channel_close(&a.channel, 1);
		took = tp_mono_ms() - begun;
		assert_null(a.channel);
		assert_true(stalls ? took >= 1900 && took < 3000 : took < 1000);
		stop(&a);
		assert_true(received(&a, "\r\nQUIT\r\n"));
		drop(&a);
	}
}

/* @return the descriptor that is connected to PORT, or -1 */
static int connected_to(int64_t port)
{
	int fd;

	for (fd = 0; fd < 1024; fd++) {
		struct sockaddr_in at;
		socklen_t len = sizeof(at);

		if (getpeername(fd, (struct sockaddr *)&at, &len) == 0 &&
			at.sin_family == AF_INET && ntohs(at.sin_port) == port)
			return fd;
	}
	return -1;
}

static void the_socket_is_not_inherited(void **state)
{
	struct attempt a = prepare(TP_TLS_NONE);
	int flags;

	(void)state;
	a.relay.auth = TP_AUTH_NONE;
	run(&a);
	assert_int_equal(a.rc, TP_OK);
	flags = fcntl(connected_to(a.relay.port), F_GETFD);
	assert_true(flags >= 0 && (flags & FD_CLOEXEC));
	drop(&a);
}

#ifdef TP_TEST_ALLOC
static void no_failed_allocation_leaks_or_lets_a_login_pass(void **state)
{
	struct attempt a = prepare(TP_TLS_STARTTLS);
	unsigned long n;

	(void)state;
	a.relay.auth = TP_AUTH_OAUTHBEARER;
	a.relay.token = secret(a.server_options.token);
	start(&a);
	for (n = 1; n < 1000; n++) {
		(void)tp_mem_fail_at(n);
		connect_again(&a);
		if (tp_mem_fail_at(0) < n)
			break;
		assert_int_equal(a.rc, TP_ENOMEM);
		assert_says(&a, "no memory");
	}
	/* The run in which nothing failed. */
	assert_int_equal(a.rc, TP_OK);
	assert_true(n > 5 && n < 1000);
	stop(&a);
	assert_int_equal(fake_relay_logins(a.server), 1);
	drop(&a);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mechanism_logs_in_over_implicit_tls),
		cmocka_unit_test(every_mechanism_logs_in_after_starttls),
		cmocka_unit_test(
			wrong_credentials_end_at_auth_whatever_the_mechanism),
		cmocka_unit_test(scram_fails_if_the_server_proves_nothing),
		cmocka_unit_test(odd_answers_to_auth_end_the_connection),
		cmocka_unit_test(credentials_cannot_inject_anything),
		cmocka_unit_test(a_mechanism_that_is_not_offered_is_not_tried),
		cmocka_unit_test(
			no_login_without_tls_unless_allowed_on_loopback),
		cmocka_unit_test(the_tls_matrix_holds),
		cmocka_unit_test(
			the_configured_name_is_verified_and_not_the_address),
		cmocka_unit_test(an_ipv6_literal_is_verified_as_an_address),
		cmocka_unit_test(a_client_certificate_is_shown_when_configured),
		cmocka_unit_test(
			unusable_certificate_files_are_configuration_errors),
		cmocka_unit_test(
			sessions_are_resumed_but_never_across_accounts),
		cmocka_unit_test(
			a_new_pin_is_checked_although_a_session_is_known),
		cmocka_unit_test(early_tickets_never_stop_a_session),
		cmocka_unit_test(starttls_never_falls_back),
		cmocka_unit_test(every_fault_ends_in_time_with_its_own_words),
		cmocka_unit_test(what_ehlo_says_is_in_the_info),
		cmocka_unit_test(helo_is_tried_only_without_tls_and_login),
		cmocka_unit_test(the_ehlo_name_cannot_inject_a_command),
		cmocka_unit_test(
			without_a_name_ehlo_gives_a_domain_or_the_address),
		cmocka_unit_test(names_that_lead_nowhere_are_told_apart),
		cmocka_unit_test(each_address_is_tried_in_turn),
		cmocka_unit_test(a_refused_connection_says_so),
		cmocka_unit_test(a_host_that_drops_packets_costs_one_deadline),
		cmocka_unit_test(
			commands_in_one_segment_get_their_replies_in_order),
		cmocka_unit_test(
			a_421_out_of_turn_is_seen_before_the_next_command),
		cmocka_unit_test(a_write_ends_when_the_server_takes_nothing),
		cmocka_unit_test(
			a_write_to_a_lost_connection_is_closed_and_no_signal),
		cmocka_unit_test(
			a_refusal_sent_before_the_close_is_still_heard),
		cmocka_unit_test(
			every_silence_before_the_login_can_be_interrupted),
		cmocka_unit_test(a_look_up_can_be_interrupted),
		cmocka_unit_test(
			no_further_address_is_tried_after_an_interrupt),
		cmocka_unit_test(after_an_interrupt_nothing_is_begun),
		cmocka_unit_test(an_open_channel_can_be_interrupted),
		cmocka_unit_test(an_interrupt_may_come_at_any_moment),
		cmocka_unit_test(quit_is_polite_and_never_long),
		cmocka_unit_test(the_socket_is_not_inherited),
#ifdef TP_TEST_ALLOC
		cmocka_unit_test(
			no_failed_allocation_leaks_or_lets_a_login_pass),
#endif
	};

	return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
