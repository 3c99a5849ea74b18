/*
 * channel_sasl.c - SCRAM-SHA-256 and CRAM-MD5
 *
 * SPDX-License-Identifier: MIT
 */
#include "adapters/channel_sasl.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#include <gsasl.h>

struct tp_sasl {
	Gsasl *library;
	Gsasl_session *session;
	int done;
};

int tp_sasl_new(const char *mechanism, const char *user,
	const struct tp_secret *password, struct tp_sasl **sasl_out,
	struct tp_error *err)
{
	struct tp_sasl *sasl = tp_alloc(sizeof(*sasl));
	int rc;

	*sasl_out = NULL;
	if (!sasl)
		return tp_fail(err, TP_ENOMEM, "auth", "no memory for AUTH");
	rc = gsasl_init(&sasl->library);
	if (rc == GSASL_OK)
		rc = gsasl_client_start(
			sasl->library, mechanism, &sasl->session);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(sasl->session, GSASL_AUTHID, user);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(sasl->session, GSASL_PASSWORD,
			tp_secret_reveal(password, NULL));
	if (rc != GSASL_OK) {
		tp_sasl_destroy(&sasl);
		return tp_fail(err,
			rc == GSASL_MALLOC_ERROR ? TP_ENOMEM : TP_EUNSUPPORTED,
			"auth", "%s: %s", mechanism, gsasl_strerror(rc));
	}
	*sasl_out = sasl;
	return TP_OK;
}

void tp_sasl_destroy(struct tp_sasl **sasl)
{
	const char *kept;

	if (!*sasl)
		return;
	if ((*sasl)->session) {
		/* libgsasl frees its copy of the password without wiping it.
		 * The copy is plain heap memory, const only in the accessor. */
		kept = gsasl_property_fast((*sasl)->session, GSASL_PASSWORD);
		if (kept)
			tp_wipe((void *)(uintptr_t)kept, strlen(kept));
		gsasl_finish((*sasl)->session);
	}
	if ((*sasl)->library)
		gsasl_done((*sasl)->library);
	tp_free(*sasl);
	*sasl = NULL;
}

int tp_sasl_step(struct tp_sasl *sasl, const char *challenge, size_t len,
	struct tp_buf *out, struct tp_error *err)
{
	char *answer = NULL;
	size_t answer_len = 0;
	int rc =
		gsasl_step(sasl->session, challenge, len, &answer, &answer_len);
	int added = TP_OK;

	if (rc == GSASL_OK || rc == GSASL_NEEDS_MORE)
		added = tp_buf_add(out, answer ? answer : "", answer_len);
	if (answer) {
		tp_wipe(answer, answer_len);
		gsasl_free(answer);
	}
	if (rc == GSASL_MALLOC_ERROR || added < 0)
		return tp_fail(err, TP_ENOMEM, "auth", "no memory for AUTH");
	if (rc == GSASL_AUTHENTICATION_ERROR)
		return tp_fail(err, TP_EAUTH, "auth",
			"the server does not prove that it knows the password");
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
		return tp_fail(err, TP_EAUTH, "auth",
			"the server's challenge makes no sense: %s",
			gsasl_strerror(rc));
	sasl->done = rc == GSASL_OK;
	return TP_OK;
}

int tp_sasl_done(const struct tp_sasl *sasl)
{
	return sasl->done;
}
