/*
 * import_repair.c - what a label such as "ssl" on port 587 has to mean
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_repair.h"

#include "cli/import/import_bytes.h"
#include "cli/import/import_result.h"

#include <stddef.h>

/* ---- TLS ---------------------------------------------------------------- */

/* Kinds of ports, as bits. */
enum ports {
	UNSET = 1,
	IMPLICIT = 2, /* 465, 2465 */
	SUBMIT = 4,   /* 587, 2525, 2587 */
	PLAIN = 8,    /* 25, 26 */
	OTHER = 16,
	ANY_PORT = 31
};

#define LABEL(name) (1u << (TP_IMPORT_LABEL_##name))
#define ANY_LABEL 31u
#define EITHER (-1)

/* The first row that fits is the one. */
struct rule {
	unsigned labels;
	unsigned ports;
	int login;
	int loopback;
	int tls_is_implicit;
	int tls;
	const char *repaired;
	const char *note;
};

static const struct rule rules[] = {
	/* TLS from the first byte, where that is spoken */
	{ LABEL(SSL), UNSET | IMPLICIT | OTHER, EITHER, EITHER, EITHER,
		TP_IMPORT_IMPLICIT, NULL, NULL },
	{ LABEL(SSL), SUBMIT | PLAIN, EITHER, EITHER, EITHER,
		TP_IMPORT_STARTTLS,
		"it said TLS from the first byte, but servers begin in clear "
		"text on this port; now STARTTLS",
		NULL },
	/* "tls" */
	{ LABEL(TLS), IMPLICIT, EITHER, EITHER, 1, TP_IMPORT_IMPLICIT, NULL,
		NULL },
	{ LABEL(TLS) | LABEL(OPTIONAL), IMPLICIT, EITHER, EITHER, EITHER,
		TP_IMPORT_IMPLICIT,
		"it said STARTTLS, but servers speak TLS from the first byte "
		"on this port; now implicit",
		NULL },
	{ LABEL(TLS), SUBMIT | PLAIN, EITHER, EITHER, 1, TP_IMPORT_STARTTLS,
		"\"tls\" there means TLS from the first byte, but servers "
		"begin in clear text on this port; now STARTTLS",
		NULL },
	{ LABEL(TLS), UNSET | OTHER, EITHER, EITHER, 1, TP_IMPORT_IMPLICIT,
		NULL, NULL },
	{ LABEL(TLS), ANY_PORT, EITHER, EITHER, EITHER, TP_IMPORT_STARTTLS,
		NULL, NULL },
	/* STARTTLS if offered: whoever is in between can take the offer away */
	{ LABEL(OPTIONAL), ANY_PORT, EITHER, 1, EITHER, TP_IMPORT_CLEAR, NULL,
		"TLS was used only if offered; a server on this machine is "
		"now reached without" },
	{ LABEL(OPTIONAL), ANY_PORT, EITHER, EITHER, EITHER, TP_IMPORT_STARTTLS,
		"TLS was used only if the server offered it, so that it could "
		"be taken away on the way; now STARTTLS always",
		NULL },
	/* none */
	{ LABEL(NONE) | LABEL(UNKNOWN), IMPLICIT, EITHER, EITHER, EITHER,
		TP_IMPORT_IMPLICIT,
		"it said no encryption, but servers speak TLS from the first "
		"byte on this port; now implicit",
		NULL },
	{ LABEL(NONE) | LABEL(UNKNOWN), ANY_PORT, EITHER, 1, EITHER,
		TP_IMPORT_CLEAR, NULL, NULL },
	{ LABEL(UNKNOWN), ANY_PORT, EITHER, EITHER, EITHER, TP_IMPORT_STARTTLS,
		"its word for encryption is not known; now STARTTLS", NULL },
	{ LABEL(NONE), ANY_PORT, 1, EITHER, EITHER, TP_IMPORT_STARTTLS,
		"the password would have gone in clear text; now STARTTLS",
		NULL },
	{ LABEL(NONE), SUBMIT, EITHER, EITHER, EITHER, TP_IMPORT_STARTTLS,
		"it said no encryption on a port where servers offer "
		"STARTTLS; now STARTTLS",
		NULL },
	{ ANY_LABEL, ANY_PORT, EITHER, EITHER, EITHER, TP_IMPORT_CLEAR, NULL,
		"mail goes to this server in clear text" },
};

static unsigned kind_of(int port)
{
	switch (port) {
	case 0:
		return UNSET;
	case 465:
	case 2465:
		return IMPLICIT;
	case 587:
	case 2525:
	case 2587:
		return SUBMIT;
	case 25:
	case 26:
		return PLAIN;
	default:
		return OTHER;
	}
}

static int fits(const struct rule *rule, const struct tp_import_facts *facts)
{
	return (rule->labels & (1u << facts->label)) != 0 &&
	       (rule->ports & kind_of(facts->port)) != 0 &&
	       (rule->login == EITHER || rule->login == facts->login) &&
	       (rule->loopback == EITHER ||
		       rule->loopback == facts->loopback) &&
	       (rule->tls_is_implicit == EITHER ||
		       rule->tls_is_implicit == facts->tls_is_implicit);
}

struct tp_import_choice tp_import_repair_tls(
	const struct tp_import_facts *facts)
{
	static const int ports[] = { [TP_IMPORT_IMPLICIT] = 465,
		[TP_IMPORT_STARTTLS] = 587,
		[TP_IMPORT_CLEAR] = 25 };
	struct tp_import_choice choice = { .port = facts->port };
	size_t i = 0;

	/* The last row fits everything. */
	while (!fits(&rules[i], facts))
		i++;
	choice.tls = rules[i].tls;
	choice.repaired = rules[i].repaired;
	choice.note = rules[i].note;
	if (choice.port == 0)
		choice.port = ports[choice.tls];
	return choice;
}

/* ---- words -------------------------------------------------------------- */

struct word {
	const char *word;
	int label;
};

int tp_import_label_of(const char *word)
{
	static const struct word words[] = {
		{ "", TP_IMPORT_LABEL_NONE },
		{ "none", TP_IMPORT_LABEL_NONE },
		{ "off", TP_IMPORT_LABEL_NONE },
		{ "no", TP_IMPORT_LABEL_NONE },
		{ "0", TP_IMPORT_LABEL_NONE },
		{ "false", TP_IMPORT_LABEL_NONE },
		{ "ssl", TP_IMPORT_LABEL_SSL },
		{ "smtps", TP_IMPORT_LABEL_SSL },
		{ "tls", TP_IMPORT_LABEL_TLS },
		{ "starttls", TP_IMPORT_LABEL_TLS },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (tp_import_same(words[i].word, word))
			return words[i].label;
	return TP_IMPORT_LABEL_UNKNOWN;
}

struct mechanism {
	const char *word;
	const char *auth;
};

const char *tp_import_repair_auth(const char *word, const char **why_out)
{
	static const struct mechanism mechanisms[] = {
		{ "none", "none" },
		{ "off", "none" },
		{ "no", "none" },
		{ "0", "none" },
		{ "false", "none" },
		{ "", "auto" },
		{ "auto", "auto" },
		{ "on", "auto" },
		{ "yes", "auto" },
		{ "1", "auto" },
		{ "true", "auto" },
		{ "plain", "plain" },
		{ "login", "login" },
		{ "crammd5", "cram-md5" },
		{ "cram-md5", "cram-md5" },
		{ "scram-sha-256", "scram-sha-256" },
		{ "xoauth2", "xoauth2" },
		{ "oauth2", "xoauth2" },
		{ "oauthbearer", "oauthbearer" },
	};
	size_t i;

	*why_out = NULL;
	for (i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (tp_import_same(mechanisms[i].word, word))
			return mechanisms[i].auth;
	*why_out = "is not a login method that is supported here; now the "
		   "strongest that the server offers";
	return "auto";
}
