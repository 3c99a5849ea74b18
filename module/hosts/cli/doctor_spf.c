/*
 * doctor_spf.c - may the relay send for the domain of the envelope?
 *
 * BOUNDS  At most 30 look-ups, 5 deep.
 * SOURCES RFC 7208 4.6.4 (ten look-ups), 5.1 and 6.1 (what counts beside
 *         "all"), 5.2 (includes).
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor_domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOOKUPS_MAX 10 /* more is an error for receivers */
#define WALK_LOOKUPS_MAX 30
#define WALK_DEPTH_MAX 5

struct walk {
	struct tp_dns *dns;
	const char *const *wanted; /* any of these; NULL at the end */
	int found;
	int failed; /* an included record could not be read */
	int lookups;
};

static int is_wanted(const struct walk *walk, const char *name)
{
	size_t i;

	for (i = 0; walk->wanted && walk->wanted[i]; i++)
		if (strcasecmp(name, walk->wanted[i]) == 0)
			return 1;
	return 0;
}

static void walk_record(
	struct walk *walk, const struct tp_spf *spf, int permits, int depth);

static void walk_name(
	struct walk *walk, const char *name, int permits, int depth)
{
	struct tp_dns_texts *texts;
	struct tp_spf spf;
	enum tp_dns_result result;

	walk->found |= permits && is_wanted(walk, name);
	if (depth >= WALK_DEPTH_MAX || walk->lookups >= WALK_LOOKUPS_MAX ||
		strchr(name, '%'))
		return;
	texts = malloc(sizeof(*texts));
	if (!texts)
		return;
	result = tp_dns_txt(walk->dns, name, tp_is_spf, texts);
	walk->failed |= result == TP_DNS_FAILED;
	if (result == TP_DNS_FOUND) {
		tp_spf_read(texts, &spf);
		walk_record(walk, &spf, permits, depth + 1);
	}
	free(texts);
}

/* @param permits whether what it allows is allowed in the end */
static void walk_record(
	struct walk *walk, const struct tp_spf *spf, int permits, int depth)
{
	const char *at = spf->record;
	struct tp_spf_term term;

	while (tp_spf_next(&at, &term)) {
		walk->lookups++;
		if (term.include[0])
			walk_name(walk, term.include, permits && term.permits,
				depth);
	}
	if (spf->redirect[0]) {
		walk->lookups++;
		walk_name(walk, spf->redirect, permits, depth);
	}
}

/* "a.example", or "a.example or b.example, as the region of the account is" */
static void name_includes(
	const struct tp_provider_hint *hint, char *out, size_t size)
{
	size_t used = 0;
	size_t i;

	out[0] = '\0';
	for (i = 0; hint->spf_includes[i] && used < size; i++) {
		(void)snprintf(out + used, size - used, "%sinclude:%s",
			i > 0 ? " or " : "", hint->spf_includes[i]);
		used += strlen(out + used);
	}
	if (i > 1 && used < size)
		(void)snprintf(out + used, size - used,
			", by the region of the account");
}

static void say_no_include(const struct tp_domain *domain, int unsure)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_provider_hint *hint = domain->sender->hint;
	char includes[256];

	name_includes(hint, includes, sizeof(includes));
	if (unsure || hint->spf_at == TP_HINT_SPF_OWN) {
		tp_find(findings, TP_FIND_NOTE, "spf", "%s does not have %s%s",
			domain->sender->envelope_domain, includes,
			unsure ? " in the part of its record that could be "
				 "looked up"
			       : "");
		tp_find_why(findings, "%s",
			unsure ? "a name server did not answer for the rest"
			       : "that is right where the provider uses a "
				 "bounce domain of its own; DKIM must then be "
				 "set up");
		return;
	}
	tp_find(findings, TP_FIND_WARNING, "spf", "%s does not have %s",
		domain->sender->envelope_domain, includes);
	tp_find_why(findings,
		"unless the record allows %s in another way, this relay may "
		"not send mail of the domain for receivers",
		hint->title);
	if (hint->dns_source)
		tp_find_do(findings, "add %s to the one SPF record (%s, %s)",
			includes, hint->dns_source, hint->date);
	else
		tp_find_do(findings,
			"ask %s which include is right for the account; "
			"commonly it is %s; add it to the one SPF record",
			hint->title, includes);
}

static void judge_terms(
	const struct tp_domain *domain, const struct tp_spf *spf)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_provider_hint *hint = domain->sender->hint;
	const char *name = domain->sender->envelope_domain;
	struct walk walk = { .dns = domain->dns };

	if (hint && hint->spf_includes[0])
		walk.wanted = hint->spf_includes;
	walk_record(&walk, spf, 1, 0);
	if (walk.lookups > LOOKUPS_MAX) {
		tp_find(findings, TP_FIND_ERROR, "spf",
			"the record of %s needs %d look-ups; %d are allowed",
			name, walk.lookups, LOOKUPS_MAX);
		tp_find_why(findings,
			"receivers stop there and count it as an error");
		tp_find_do(findings, "remove includes that nobody needs");
	}
	if (spf->all == '+') {
		tp_find(findings, TP_FIND_WARNING, "spf",
			"the record of %s lets everybody send (+all)", name);
		tp_find_why(findings, "it protects nothing, and looks it");
		tp_find_do(findings, "end it with ~all or -all");
	}
	if (walk.wanted && !walk.found)
		say_no_include(domain, walk.failed);
	else
		tp_find(findings, TP_FIND_OK, "spf", "%s: %s", name,
			spf->record);
}

static void say_none(const struct tp_domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_provider_hint *hint = domain->sender->hint;
	char includes[256];

	tp_find(findings, TP_FIND_WARNING, "spf", "%s has no SPF record",
		domain->sender->envelope_domain);
	tp_find_why(findings,
		"large receivers want SPF, DKIM and DMARC of who sends much, "
		"and one of SPF and DKIM of everybody");
	if (hint && hint->spf_includes[0] && hint->dns_source) {
		name_includes(hint, includes, sizeof(includes));
		tp_find_do(findings,
			"publish one TXT record that names whoever sends mail "
			"of the domain; for %s: v=spf1 %s ~all (%s, %s)",
			hint->title, includes, hint->dns_source, hint->date);
		return;
	}
	if (hint && !hint->spf_includes[0] && hint->spf_at == TP_HINT_SPF_OWN) {
		tp_find_do(findings,
			"%s needs no place in it; publish one that names "
			"whoever else sends mail of the domain",
			hint->title);
		return;
	}
	tp_find_do(findings,
		"ask %s for its SPF include (include:...); then publish one "
		"TXT record, v=spf1 include:... ~all, that names whoever sends "
		"mail of the domain; one without it would exclude this relay",
		hint ? hint->title : "the provider of the relay");
}

static void say_several(const struct tp_domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;

	tp_find(findings, TP_FIND_ERROR, "spf",
		"%s has more than one SPF record",
		domain->sender->envelope_domain);
	tp_find_why(findings, "receivers count that as an error and use none");
	tp_find_do(findings, "join them to one record that begins with v=spf1");
}

static void say_no_domain(const struct tp_domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_doctor_sender *sender = domain->sender;

	tp_find(findings, TP_FIND_ERROR, "domain", "there is no domain %s",
		sender->envelope_domain);
	tp_find_why(findings,
		"receivers refuse mail of a domain that does not exist");
	tp_find_do(findings, "check the store's %s",
		strcasecmp(sender->envelope_domain, sender->from_domain) == 0
			? "from"
			: "envelope_from");
}

int tp_domain_spf(const struct tp_domain *domain)
{
	struct tp_spf spf;

	switch (tp_dns_txt(domain->dns, domain->sender->envelope_domain,
		tp_is_spf, domain->texts)) {
	case TP_DNS_NO_NAME:
		say_no_domain(domain);
		return strcasecmp(domain->sender->envelope_domain,
			       domain->sender->from_domain) != 0;
	case TP_DNS_FAILED:
		tp_domain_no_answer(
			domain, "spf", domain->sender->envelope_domain);
		return 1;
	case TP_DNS_NONE:
		say_none(domain);
		return 1;
	default:
		break;
	}
	tp_spf_read(domain->texts, &spf);
	if (spf.count > 1)
		say_several(domain);
	else
		judge_terms(domain, &spf);
	return 1;
}
