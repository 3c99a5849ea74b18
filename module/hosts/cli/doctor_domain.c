/*
 * doctor_domain.c - DKIM, DMARC and MX of a From domain
 *
 * SOURCES RFC 7489 6.6.3 (policy discovery), 3.1 (alignment), RFC 7505;
 *         support.google.com/a/answer/81126 (what receivers demand).
 * SPDX-License-Identifier: MIT
 */
#include "cli/doctor_domain.h"

#include "common/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void tp_domain_no_answer(
	const struct tp_domain *domain, const char *topic, const char *name)
{
	struct tp_findings *findings = &domain->doctor->findings;

	tp_find(findings, TP_FIND_WARNING, topic,
		"no name server tells about %s", name);
	tp_find_why(findings,
		"so nothing is known; receivers may have the same trouble");
	tp_find_do(findings,
		"try again; else check /etc/resolv.conf and the domain's name "
		"servers");
}

/* ---- DKIM --------------------------------------------------------------- */

enum key { KEY_NONE, KEY_FOUND, KEY_UNKNOWN };

/* Says what there is, or that nobody knows; not that there is none. */
static enum key check_selector(
	const struct tp_domain *domain, const char *selector)
{
	struct tp_findings *findings = &domain->doctor->findings;
	char name[2 * TP_RECORD_NAME_BYTES];

	(void)snprintf(name, sizeof(name), "%.200s._domainkey.%s", selector,
		domain->sender->from_domain);
	switch (tp_dns_txt(domain->dns, name, tp_is_dkim, domain->texts)) {
	case TP_DNS_FOUND:
		break;
	case TP_DNS_FAILED:
		tp_domain_no_answer(domain, "dkim", name);
		return KEY_UNKNOWN;
	default:
		return KEY_NONE;
	}
	if (tp_dkim_read(domain->texts) == TP_DKIM_KEY) {
		tp_find(findings, TP_FIND_OK, "dkim", "%s has a key", name);
		return KEY_FOUND;
	}
	tp_find(findings, TP_FIND_WARNING, "dkim",
		"%s is an empty, withdrawn key", name);
	tp_find_why(findings, "signatures that name it are refused");
	tp_find_do(findings, "publish the provider's present key");
	return KEY_FOUND;
}

static void say_no_dkim(const struct tp_domain *domain, const char *looked_for)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_provider_hint *hint = domain->sender->hint;

	if (!looked_for[0]) {
		tp_find(findings, TP_FIND_NOTE, "dkim",
			"the selector of %s is not known, so its key cannot be "
			"looked up",
			domain->sender->from_domain);
		tp_find_why(findings,
			"large receivers want a DKIM signature of the From "
			"domain");
		tp_find_do(findings,
			"look in the header of a mail that arrived: "
			"DKIM-Signature has d=%s and s=SELECTOR; then run this "
			"again with --selector%s%s%s",
			domain->sender->from_domain,
			hint && hint->dkim_note ? ". " : "",
			hint && hint->dkim_note ? hint->title : "",
			hint && hint->dkim_note ? " has its own" : "");
		if (hint && hint->dkim_note)
			tp_find(findings, TP_FIND_NOTE, "dkim", "%s: %s",
				hint->title, hint->dkim_note);
		return;
	}
	tp_find(findings, TP_FIND_WARNING, "dkim",
		"%s has no key under the selectors %s",
		domain->sender->from_domain, looked_for);
	tp_find_why(findings,
		"without a signature of the From domain large receivers refuse "
		"mail or take it for spam");
	tp_find_do(findings,
		"publish the records that %s shows for your domain; if the "
		"selector is another one, name it with --selector",
		hint ? hint->title : "the provider");
}

static void check_dkim(const struct tp_domain *domain)
{
	const char *given[] = { domain->doctor->selector, NULL };
	const struct tp_provider_hint *hint = domain->sender->hint;
	const char *const *selectors = hint ? hint->selectors : given;
	char looked_for[128] = "";
	size_t found = 0;
	size_t i;

	if (given[0])
		selectors = given;
	for (i = 0; selectors[i]; i++) {
		size_t used = strlen(looked_for);

		found += check_selector(domain, selectors[i]) != KEY_NONE;
		(void)snprintf(looked_for + used, sizeof(looked_for) - used,
			"%s%.100s", used ? ", " : "", selectors[i]);
	}
	if (found == 0)
		say_no_dkim(domain, looked_for);
}

/* ---- DMARC -------------------------------------------------------------- */

struct policy {
	enum tp_dns_result result;
	const char *at; /* whose record it is */
	struct tp_dmarc dmarc;
};

static void ask_dmarc(const struct tp_domain *domain, const char *at,
	struct policy *policy_out)
{
	char name[TP_RECORD_NAME_BYTES + 8];

	(void)snprintf(name, sizeof(name), "_dmarc.%.255s", at);
	policy_out->at = at;
	policy_out->result =
		tp_dns_txt(domain->dns, name, tp_is_dmarc, domain->texts);
	tp_dmarc_read(domain->texts, &policy_out->dmarc);
}

/* At the domain, else at its organisational domain, and nowhere else. */
static void find_dmarc(
	const struct tp_domain *domain, struct policy *policy_out)
{
	const char *name = domain->sender->from_domain;
	const char *above = tp_domain_org(name);

	ask_dmarc(domain, name, policy_out);
	if (above != name && (policy_out->result == TP_DNS_NONE ||
				     policy_out->result == TP_DNS_NO_NAME))
		ask_dmarc(domain, above, policy_out);
}

static void say_no_dmarc(const struct tp_domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const char *name = domain->sender->from_domain;

	tp_find(findings, TP_FIND_WARNING, "dmarc", "%s has no DMARC record",
		name);
	tp_find_why(findings,
		"large receivers want one of everybody who sends much, and "
		"without it anybody can use the domain");
	tp_find_do(findings,
		"publish at _dmarc.%s a TXT record: v=DMARC1; p=none; "
		"rua=mailto:postmaster@%s",
		name, name);
}

static void say_bad_dmarc(
	const struct tp_domain *domain, const struct policy *policy)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_dmarc *dmarc = &policy->dmarc;

	tp_find(findings, TP_FIND_ERROR, "dmarc",
		dmarc->count > 1
			? "%s has more than one DMARC record"
			: "%s has a DMARC record without a valid policy "
			  "(p=%s%s%s)",
		policy->at, dmarc->policy, dmarc->sub_policy[0] ? "; sp=" : "",
		dmarc->sub_policy);
	tp_find_why(findings, "receivers then use none");
	tp_find_do(findings,
		"keep one, such as: v=DMARC1; p=none; "
		"rua=mailto:postmaster@%s",
		policy->at);
}

/* Receivers that find an address for reports read a bad policy as "none". */
static void say_misspelt(
	const struct tp_domain *domain, const struct policy *policy)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const struct tp_dmarc *dmarc = &policy->dmarc;

	tp_find(findings, TP_FIND_WARNING, "dmarc",
		"the DMARC record of %s has no valid policy (p=%s%s%s)",
		policy->at, dmarc->policy, dmarc->sub_policy[0] ? "; sp=" : "",
		dmarc->sub_policy);
	tp_find_why(findings,
		"receivers take it for p=none, because rua= is there; it "
		"protects nothing");
	tp_find_do(findings, "write p=none, p=quarantine or p=reject%s",
		dmarc->sub_policy[0] ? ", and sp= alike" : "");
}

static int is_valid(const struct tp_dmarc *dmarc)
{
	struct tp_dmarc alone = *dmarc;

	alone.has_reports = 0;
	return tp_dmarc_policy(&alone, 0) != NULL;
}

/* SPF counts for DMARC only if the envelope's domain is aligned with From's. */
static void check_alignment(const struct tp_domain *domain,
	const struct policy *policy, const char *in_force)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const char *from = domain->sender->from_domain;
	const char *envelope = domain->sender->envelope_domain;
	int is_strict = policy->dmarc.is_strict;

	if (strcasecmp(is_strict ? from : tp_domain_org(from),
		    is_strict ? envelope : tp_domain_org(envelope)) == 0)
		return;
	tp_find(findings,
		strcmp(in_force, "none") == 0 ? TP_FIND_NOTE : TP_FIND_WARNING,
		"dmarc",
		"the envelope's domain %s does not count for From's %s",
		envelope, from);
	tp_find_why(findings,
		"SPF then helps nothing with DMARC: receivers %s mail without "
		"a DKIM signature of %s",
		strcmp(in_force, "none") == 0	      ? "report"
		: strcmp(in_force, "quarantine") == 0 ? "take for spam"
						      : "refuse",
		from);
	tp_find_do(findings,
		"set envelope_from to an address at %s, or see that the relay "
		"signs with d=%s",
		from, from);
}

static void check_dmarc(const struct tp_domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const char *in_force;
	struct policy policy;

	find_dmarc(domain, &policy);
	if (policy.result == TP_DNS_FAILED) {
		tp_domain_no_answer(domain, "dmarc", policy.at);
		return;
	}
	if (policy.result != TP_DNS_FOUND) {
		say_no_dmarc(domain);
		return;
	}
	in_force = tp_dmarc_policy(
		&policy.dmarc, policy.at != domain->sender->from_domain);
	if (policy.dmarc.count > 1 || !in_force) {
		say_bad_dmarc(domain, &policy);
		return;
	}
	if (is_valid(&policy.dmarc))
		tp_find(findings, TP_FIND_OK, "dmarc", "%s: policy %s%s",
			policy.at, in_force,
			strcmp(in_force, "none") == 0
				? " (receivers only report; quarantine or "
				  "reject protects the domain)"
				: "");
	else
		say_misspelt(domain, &policy);
	check_alignment(domain, &policy, in_force);
}

/* ---- where replies go --------------------------------------------------- */

static void check_mail(const struct tp_domain *domain)
{
	struct tp_findings *findings = &domain->doctor->findings;
	const char *name = domain->sender->from_domain;

	switch (tp_dns_mail(domain->dns, name)) {
	case TP_DNS_MAIL_NOWHERE:
		tp_find(findings, TP_FIND_WARNING, "domain",
			"%s has no mail server (MX), and no address that would "
			"do instead",
			name);
		break;
	case TP_DNS_MAIL_REFUSED:
		tp_find(findings, TP_FIND_WARNING, "domain",
			"%s says that it takes no mail (null MX)", name);
		break;
	default:
		return;
	}
	tp_find_why(findings,
		"replies of customers and bounces have nowhere to go, and "
		"some receivers refuse mail of such a domain");
	tp_find_do(findings,
		"publish an MX record, or use a From domain that has one");
}

void tp_doctor_domain(
	struct tp_doctor *doctor, const struct tp_doctor_sender *sender)
{
	struct tp_domain domain = { .doctor = doctor, .sender = sender };
	struct tillpost_error err;

	if (tp_domain_freemail(doctor, sender))
		return;
	domain.texts = malloc(sizeof(*domain.texts));
	if (!domain.texts ||
		tp_dns_open(doctor->resolver, &domain.dns, &err) < 0) {
		tp_find(&doctor->findings, TP_FIND_ERROR, "dns", "%s",
			domain.texts ? err.text : "out of memory");
	} else if (tp_domain_spf(&domain)) {
		check_mail(&domain);
		check_dkim(&domain);
		check_dmarc(&domain);
	}
	tp_dns_close(&domain.dns);
	free(domain.texts);
}
