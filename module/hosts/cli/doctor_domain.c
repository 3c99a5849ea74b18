/*
 * doctor_domain.c - SPF, DKIM and DMARC of a From domain
 *
 * BOUNDS  At most 30 look-ups, 5 deep.
 * SOURCES RFC 7208 4.6.4 (ten look-ups), RFC 7489 6.6.3 (policy discovery);
 *         support.google.com/a/answer/81126 (what receivers demand).
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor.h"

#include "cli/mail_records.h"
#include "cli/probe_dns.h"

#include "common/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SPF_LOOKUPS_MAX 10 /* more is an error for receivers */
#define WALK_LOOKUPS_MAX 30
#define WALK_DEPTH_MAX 5

struct domain {
	struct tp_doctor *doctor;
	struct tp_dns *dns;
	const char *name;
	const struct tp_provider_hint *hint;
	struct tp_dns_texts *texts; /* room for one answer */
};

static void no_answer(
	const struct domain *domain, const char *topic, const char *name)
{
	tp_find(&domain->doctor->findings, TP_FIND_WARNING, topic,
		"no name server tells about %s", name);
	tp_find_why(&domain->doctor->findings,
		"so nothing is known; receivers may have the same trouble");
	tp_find_do(&domain->doctor->findings,
		"try again; else check /etc/resolv.conf and the domain's name "
		"servers");
}

/* ---- SPF ---------------------------------------------------------------- */

struct walk {
	struct tp_dns *dns;
	const char *wanted; /* "" for none */
	int found;
	int lookups;
};

static void walk_record(struct walk *walk, const char *record, int depth);

static void walk_name(struct walk *walk, const char *name, int depth)
{
	struct tp_dns_texts *texts;
	struct tp_spf spf;

	if (strcasecmp(name, walk->wanted) == 0)
		walk->found = 1;
	if (depth >= WALK_DEPTH_MAX || walk->lookups >= WALK_LOOKUPS_MAX ||
		strchr(name, '%'))
		return;
	texts = malloc(sizeof(*texts));
	if (!texts)
		return;
	if (tp_dns_txt(walk->dns, name, texts) == TP_DNS_FOUND) {
		tp_spf_read(texts, &spf);
		if (spf.record)
			walk_record(walk, spf.record, depth + 1);
	}
	free(texts);
}

static void walk_record(struct walk *walk, const char *record, int depth)
{
	char target[TP_RECORD_NAME_BYTES];

	while (tp_spf_next(&record, target)) {
		walk->lookups++;
		if (target[0])
			walk_name(walk, target, depth);
	}
}

static void say_no_include(const struct domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_provider_hint *hint = domain->hint;

	if (hint->spf_at == TP_HINT_SPF_OWN) {
		tp_find(findings, TP_FIND_NOTE, "spf",
			"%s does not include %s of %s", domain->name,
			hint->spf_include, hint->title);
		tp_find_why(findings,
			"that is right where the provider uses a bounce domain "
			"of its own; DKIM must then be set up");
		return;
	}
	tp_find(findings, TP_FIND_WARNING, "spf",
		"%s does not include %s of %s", domain->name, hint->spf_include,
		hint->title);
	tp_find_why(findings,
		"for receivers this relay is then not allowed to send mail of "
		"your domain");
	tp_find_do(findings, "add include:%s to the one SPF record (%s)",
		hint->spf_include, hint->source);
}

static void judge_terms(const struct domain *domain, const struct tp_spf *spf)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_provider_hint *hint = domain->hint;
	struct walk walk = { .dns = domain->dns, .wanted = "" };

	if (hint && hint->spf_include && hint->spf_include[0])
		walk.wanted = hint->spf_include;
	walk_record(&walk, spf->record, 0);
	if (walk.lookups > SPF_LOOKUPS_MAX) {
		tp_find(findings, TP_FIND_ERROR, "spf",
			"the record of %s needs %d look-ups; %d are allowed",
			domain->name, walk.lookups, SPF_LOOKUPS_MAX);
		tp_find_why(findings,
			"receivers stop there and count it as an error");
		tp_find_do(findings, "remove includes that nobody needs");
	}
	if (spf->all == '+') {
		tp_find(findings, TP_FIND_WARNING, "spf",
			"the record of %s lets everybody send (+all)",
			domain->name);
		tp_find_why(findings, "it protects nothing, and looks it");
		tp_find_do(findings, "end it with ~all or -all");
	}
	if (walk.wanted[0] && !walk.found)
		say_no_include(domain);
	else
		tp_find(findings, TP_FIND_OK, "spf", "%s: %s", domain->name,
			spf->record);
}

/* @return 0 if there is no such domain at all */
static int check_spf(const struct domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	enum tp_dns_result result =
		tp_dns_txt(domain->dns, domain->name, domain->texts);
	struct tp_spf spf;

	if (result == TP_DNS_NO_NAME) {
		tp_find(findings, TP_FIND_ERROR, "domain",
			"there is no domain %s", domain->name);
		tp_find_why(findings,
			"receivers refuse mail of a domain that does not "
			"exist");
		tp_find_do(findings, "check the store's from");
		return 0;
	}
	if (result == TP_DNS_FAILED) {
		no_answer(domain, "spf", domain->name);
		return 1;
	}
	tp_spf_read(domain->texts, &spf);
	if (spf.count == 1) {
		judge_terms(domain, &spf);
		return 1;
	}
	tp_find(findings, spf.count == 0 ? TP_FIND_WARNING : TP_FIND_ERROR,
		"spf",
		spf.count == 0 ? "%s has no SPF record"
			       : "%s has more than one SPF record",
		domain->name);
	tp_find_why(findings, "%s",
		spf.count == 0
			? "large receivers want SPF, DKIM and DMARC of who "
			  "sends much, and one of SPF and DKIM of everybody"
			: "receivers count that as an error and use none");
	if (spf.count > 1)
		tp_find_do(findings,
			"join them to one record that begins with v=spf1");
	else
		tp_find_do(findings, "publish a TXT record: v=spf1%s%s ~all",
			domain->hint && domain->hint->spf_include &&
					domain->hint->spf_include[0]
				? " include:"
				: " mx",
			domain->hint && domain->hint->spf_include
				? domain->hint->spf_include
				: "");
	return 1;
}

/* ---- DKIM --------------------------------------------------------------- */

/* @return 1 if SELECTOR has a key, and says so */
static int check_selector(const struct domain *domain, const char *selector)
{
	struct tp_findings *findings = &domain->doctor->findings;
	char name[2 * TP_RECORD_NAME_BYTES];

	(void)snprintf(name, sizeof(name), "%.200s._domainkey.%s", selector,
		domain->name);
	if (tp_dns_txt(domain->dns, name, domain->texts) != TP_DNS_FOUND)
		return 0;
	switch (tp_dkim_read(domain->texts)) {
	case TP_DKIM_KEY:
		tp_find(findings, TP_FIND_OK, "dkim", "%s has a key", name);
		return 1;
	case TP_DKIM_REVOKED:
		tp_find(findings, TP_FIND_WARNING, "dkim",
			"%s is an empty, withdrawn key", name);
		tp_find_why(findings, "signatures that name it are refused");
		tp_find_do(findings, "publish the provider's present key");
		return 1;
	default:
		return 0;
	}
}

static void say_no_dkim(const struct domain *domain, const char *looked_for)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_provider_hint *hint = domain->hint;

	if (!looked_for[0]) {
		tp_find(findings, TP_FIND_NOTE, "dkim",
			"the selector of %s is not known, so its key cannot be "
			"looked up",
			domain->name);
		tp_find_why(findings,
			"large receivers want a DKIM signature of the From "
			"domain");
		tp_find_do(findings,
			"look in the header of a mail that arrived: "
			"DKIM-Signature has d=%s and s=SELECTOR; then run this "
			"again with --selector%s%s%s",
			domain->name, hint && hint->dkim_note ? ". " : "",
			hint && hint->dkim_note ? hint->title : "",
			hint && hint->dkim_note ? " has its own" : "");
		if (hint && hint->dkim_note)
			tp_find(findings, TP_FIND_NOTE, "dkim", "%s: %s",
				hint->title, hint->dkim_note);
		return;
	}
	tp_find(findings, TP_FIND_WARNING, "dkim",
		"%s has no key under the selectors %s", domain->name,
		looked_for);
	tp_find_why(findings,
		"without a signature of the From domain large receivers refuse "
		"mail or take it for spam");
	tp_find_do(findings,
		"publish the records that %s shows for your domain; if the "
		"selector is another one, name it with --selector",
		hint ? hint->title : "the provider");
}

static void check_dkim(const struct domain *domain)
{
	const char *given = domain->doctor->selector;
	char looked_for[128] = "";
	int found = 0;
	size_t i;

	if (given) {
		found = check_selector(domain, given);
		(void)snprintf(looked_for, sizeof(looked_for), "%.100s", given);
	}
	for (i = 0; !given && domain->hint && domain->hint->selectors[i]; i++) {
		size_t used = strlen(looked_for);

		found |= check_selector(domain, domain->hint->selectors[i]);
		(void)snprintf(looked_for + used, sizeof(looked_for) - used,
			"%s%s", used ? ", " : "", domain->hint->selectors[i]);
	}
	if (!found)
		say_no_dkim(domain, looked_for);
}

/* ---- DMARC -------------------------------------------------------------- */

/* At the domain, else at those above it, but not at a top-level domain. */
static enum tp_dns_result find_dmarc(
	const struct domain *domain, const char **found_at)
{
	const char *at = domain->name;
	enum tp_dns_result result = TP_DNS_NONE;

	while (at && strchr(at, '.')) {
		char name[TP_RECORD_NAME_BYTES + 8];
		struct tp_dmarc dmarc;

		(void)snprintf(name, sizeof(name), "_dmarc.%.255s", at);
		result = tp_dns_txt(domain->dns, name, domain->texts);
		*found_at = at;
		if (result == TP_DNS_FAILED)
			return result;
		tp_dmarc_read(domain->texts, &dmarc);
		if (result == TP_DNS_FOUND && dmarc.count > 0)
			return result;
		at = strchr(at, '.') + 1;
	}
	return TP_DNS_NONE;
}

static void say_no_dmarc(const struct domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;

	tp_find(findings, TP_FIND_WARNING, "dmarc", "%s has no DMARC record",
		domain->name);
	tp_find_why(findings,
		"large receivers want one of everybody who sends much, and "
		"without it anybody can use the domain");
	tp_find_do(findings,
		"publish at _dmarc.%s a TXT record: v=DMARC1; p=none; "
		"rua=mailto:postmaster@%s",
		domain->name, domain->name);
}

static void check_dmarc(const struct domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const char *at = domain->name;
	enum tp_dns_result result = find_dmarc(domain, &at);
	struct tp_dmarc dmarc;

	if (result == TP_DNS_FAILED) {
		no_answer(domain, "dmarc", at);
		return;
	}
	if (result != TP_DNS_FOUND) {
		say_no_dmarc(domain);
		return;
	}
	tp_dmarc_read(domain->texts, &dmarc);
	if (dmarc.count > 1 || !dmarc.policy[0]) {
		tp_find(findings, TP_FIND_ERROR, "dmarc", "%s %s", at,
			dmarc.count > 1 ? "has more than one DMARC record"
					: "has a DMARC record without p=");
		tp_find_why(findings, "receivers then use none");
		tp_find_do(findings,
			"keep one, such as: v=DMARC1; p=none; "
			"rua=mailto:postmaster@%s",
			at);
		return;
	}
	tp_find(findings, TP_FIND_OK, "dmarc", "%s: policy %s%s", at,
		dmarc.policy,
		strcasecmp(dmarc.policy, "none") == 0
			? " (receivers only report; quarantine or reject "
			  "protects the domain)"
			: "");
}

/* ---- the domain --------------------------------------------------------- */

struct freemail {
	const char *domain;
	const char *preset; /* the only relay that may send it */
};

static const struct freemail freemails[] = {
	{ "gmail.com", "gmail" },
	{ "googlemail.com", "gmail" },
	{ "outlook.com", "outlook" },
	{ "hotmail.com", "outlook" },
	{ "yahoo.com", "yahoo" },
	{ "aol.com", "aol" },
	{ "icloud.com", "icloud" },
	{ "gmx.de", "gmx" },
	{ "gmx.net", "gmx" },
	{ "web.de", "webde" },
};

/* @return 1 if the domain is one of those, and has been judged */
static int check_freemail(const struct domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	size_t i;

	for (i = 0; i < TP_COUNT(freemails); i++) {
		if (strcasecmp(domain->name, freemails[i].domain) != 0)
			continue;
		if (domain->hint &&
			strcmp(domain->hint->preset, freemails[i].preset) == 0)
			return 1;
		tp_find(findings, TP_FIND_ERROR, "domain",
			"the shop's From is at %s, but another relay sends it",
			domain->name);
		tp_find_why(findings,
			"its owner lets receivers refuse such mail (DMARC)");
		tp_find_do(findings,
			"use an address of a domain of your own as the "
			"store's from");
		return 1;
	}
	return 0;
}

static void check_mx(const struct domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;

	if (tp_dns_mx(domain->dns, domain->name) != TP_DNS_NONE)
		return;
	tp_find(findings, TP_FIND_WARNING, "domain",
		"%s has no mail server (MX)", domain->name);
	tp_find_why(findings,
		"replies of customers and bounces have nowhere to go, and "
		"some receivers refuse mail of such a domain");
	tp_find_do(findings, "publish an MX record");
}

void tp_doctor_domain(struct tp_doctor *doctor, const char *name,
	const struct tp_provider_hint *hint)
{
	struct domain domain = { .doctor = doctor, .name = name, .hint = hint };
	struct tillpost_error err;

	if (check_freemail(&domain))
		return;
	domain.texts = malloc(sizeof(*domain.texts));
	if (!domain.texts ||
		tp_dns_open(doctor->resolver, &domain.dns, &err) < 0) {
		tp_find(&doctor->findings, TP_FIND_ERROR, "dns", "%s",
			domain.texts ? err.text : "out of memory");
	} else if (check_spf(&domain)) {
		check_mx(&domain);
		check_dkim(&domain);
		check_dmarc(&domain);
	}
	tp_dns_close(&domain.dns);
	free(domain.texts);
}
