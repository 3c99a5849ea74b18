/*
 * channel_auth.h - SMTP AUTH on an open channel
 *
 * JOB     Runs one authentication: PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256,
 *         XOAUTH2, OAUTHBEARER. Which one, and whether at all, is decided by
 *         core/auth_choice.
 * LAYER   adapters; uses channel.h and channel_sasl.h only.
 * BOUNDS  one attempt; at most 5 challenges; credentials up to 64 KiB in all.
 * SOURCES RFC 4954, 4616, 7628; Google's and Microsoft's XOAUTH2.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_ADAPTERS_CHANNEL_AUTH_H
#define TP_ADAPTERS_CHANNEL_AUTH_H

#include "adapters/channel.h"

/* Every reply is waited for at most relay->reply_timeout_ms.
 * @param refusal_out the server's refusal if there was one, else code 0; a
 *        text in which the server repeats the credentials is replaced
 * @return 0 only after 235 (and, for SCRAM, the server's proof); TP_EAUTH,
 *         TP_ECONFIG (credentials that no mechanism can carry), TP_EPROTO,
 *         TP_ENOMEM, and the errors of tp_channel_write/reply */
int tp_channel_auth(struct tp_channel *channel, const struct tp_relay *relay,
	int mode, struct tp_reply *refusal_out,
	struct tp_error *err) TP_USE_RESULT;

#endif
