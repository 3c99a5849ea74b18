/*
 * provider_hints.h - what people get wrong with a provider
 *
 * JOB     Rules of mail providers that setup and doctor explain: which user
 *         name, which kind of secret, what ended when, which records the
 *         domain needs. Data only. The provider's servers, ports and limits
 *         are not here: they are presets of the plugin.
 * LAYER   hosts; libc.
 * THREADS constant data.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_CLI_PROVIDER_HINTS_H
#define TP_HOSTS_CLI_PROVIDER_HINTS_H

#include <stddef.h>

#define TP_HINT_SELECTORS_MAX 5
#define TP_HINT_INCLUDES_MAX 6 /* one for each region */
#define TP_HINT_HOSTS_MAX 4

enum tp_hint_user {
	TP_HINT_USER_ASK,
	TP_HINT_USER_FIXED, /* always `user`: the preset knows it */
	TP_HINT_USER_TOKEN  /* the secret stands for it */
};

/* Where the provider's SPF record is needed. */
enum tp_hint_spf {
	TP_HINT_SPF_NONE, /* not known, or not usual */
	TP_HINT_SPF_FROM, /* in the record of the From domain */
	TP_HINT_SPF_OWN	  /* the provider's own bounce domain has it; in the
			   * From domain's record it does no harm */
};

struct tp_provider_hint {
	const char *preset;
	const char *title;
	/* Ends of the servers' names; none if they are too general */
	const char *hosts[TP_HINT_HOSTS_MAX + 1];
	enum tp_hint_user user_kind;
	const char *user;   /* the fixed name, or what it looks like */
	const char *secret; /* what to ask for: "SMTP key" */
	const char *rule;   /* the usual mistake, in a sentence; "" */
	int needs_region;
	int token_only; /* takes OAuth 2 tokens and no passwords */
	enum tp_hint_spf spf_at;
	const char *spf_includes[TP_HINT_INCLUDES_MAX + 1]; /* one of these */
	const char *selectors[TP_HINT_SELECTORS_MAX + 1];
	const char *dkim_note;	/* where selectors are not fixed; "" */
	const char *source;	/* of the rule */
	const char *dns_source; /* of the DNS names; NULL: general knowledge */
	const char *date;	/* when the row was last looked at */
};

/* What a server's refusal of a login means. */
struct tp_reply_hint {
	const char *text; /* words of the reply in any case, or a whole code */
	const char *hosts[TP_HINT_HOSTS_MAX + 1]; /* whose words they are */
	const char *meaning;
	const char *todo;
	const char *source;
};

const struct tp_provider_hint *tp_provider_hints(size_t *count_out);

/* By preset, or by the server's name. Both may be NULL or "".
 * @return NULL if nothing is known */
const struct tp_provider_hint *tp_provider_hint_find(
	const char *preset, const char *host);

const struct tp_reply_hint *tp_reply_hints(size_t *count_out);
const struct tp_reply_hint *tp_reply_hint_find(
	const char *reply, const char *host);

/* Is HOST the name END, or a name below it? */
int tp_host_ends_in(const char *host, const char *end);

#endif
