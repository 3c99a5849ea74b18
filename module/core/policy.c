/*
 * policy.c - what a reply or a failure means
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/policy.h"

#include "base/text.h"
#include "core/policy_rules.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	const char *word;
} classes[] = {
	[TP_CLASS_SENT] = { "sent", "sent" },
	[TP_CLASS_TEMPORARY] = { "temporary", "deferred" },
	[TP_CLASS_THROTTLED] = { "throttled", "deferred" },
	[TP_CLASS_PERMANENT] = { "permanent", "failed" },
	[TP_CLASS_CREDENTIALS] = { "credentials", "held" },
	[TP_CLASS_SENDER] = { "sender", "held" },
	[TP_CLASS_CONFIG] = { "config", "held" },
	[TP_CLASS_UNKNOWN] = { "unknown", "unknown" },
};

const char *tp_verdict_word(enum tp_class cls)
{
	return (size_t)cls < COUNT(classes) ? classes[cls].word : "unknown";
}

const char *tp_class_name(enum tp_class cls)
{
	return (size_t)cls < COUNT(classes) ? classes[cls].name : "unknown";
}

int tp_class_parse(const char *name, enum tp_class *class_out)
{
	size_t i;

	for (i = 0; i < COUNT(classes); i++) {
		if (tp_streq(name, classes[i].name)) {
			*class_out = (enum tp_class)i;
			return TP_OK;
		}
	}
	return TP_ENOTFOUND;
}

static int positive(const struct tp_reply *reply)
{
	return reply->code >= 200 && reply->code <= 299;
}

static int refusal(const struct tp_reply *reply)
{
	return reply->code >= 400 && reply->code <= 599;
}

static int contains(const char *text, const char *fragment)
{
	size_t len = strlen(fragment);

	for (; *text; text++)
		if (tp_strncasecmp(text, fragment, len) == 0)
			return 1;
	return 0;
}

/* Reads one number or '*' and the dot before it. */
static int number_matches(const char **pattern, int number)
{
	const char *at = *pattern;
	int value = 0;

	if (*at == '.')
		at++;
	if (*at == '*') {
		*pattern = at + 1;
		return 1;
	}
	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	*pattern = at;
	return value == number;
}

/* An enhanced code of another class than the reply's says nothing: the reply
 * code wins. */
static int enhanced_matches(const char *pattern, const struct tp_reply *reply)
{
	const struct tp_enhanced *enhanced = &reply->enhanced;

	return enhanced->cls == reply->code / 100 &&
	       number_matches(&pattern, enhanced->subject) &&
	       number_matches(&pattern, enhanced->detail);
}

static int rule_matches(const struct tp_policy_rule *rule, enum tp_step step,
	const struct tp_reply *reply, const char *dialect)
{
	if (reply->code < rule->code_min || reply->code > rule->code_max ||
		!(rule->steps & TP_RULE_AT(step)))
		return 0;
	if (rule->dialect && !tp_streq(rule->dialect, dialect))
		return 0;
	if (rule->enhanced && !enhanced_matches(rule->enhanced, reply))
		return 0;
	return !rule->text || contains(reply->text, rule->text);
}

static struct tp_verdict make_verdict(enum tp_class cls, enum tp_scope scope,
	unsigned flags, const char *name)
{
	return (struct tp_verdict) {
		.cls = cls,
		.scope = scope,
		.alert = (flags & TP_RULE_ALERT) != 0,
		.reduce = (flags & TP_RULE_REDUCE) != 0,
		.again_at_once = (flags & TP_RULE_AGAIN) != 0,
		.rule = name,
	};
}

struct tp_verdict tp_policy_reply(
	enum tp_step step, const struct tp_reply *reply, const char *dialect)
{
	size_t count;
	const struct tp_policy_rule *rule = tp_policy_rules(&count);
	const struct tp_policy_rule *last = rule + count - 1;
	struct tp_verdict verdict;

	/* The last row takes everything. */
	while (rule < last && !rule_matches(rule, step, reply, dialect))
		rule++;
	verdict = make_verdict(rule->cls, rule->scope, rule->flags, rule->name);
	verdict.min_delay_ms = rule->min_delay_ms;
	verdict.max_age_ms = rule->max_age_ms;
	if (verdict.scope == TP_SCOPE_RECIPIENT && step != TP_STEP_RCPT)
		verdict.scope = TP_SCOPE_MESSAGE;
	return verdict;
}

struct tp_verdict tp_policy_trouble(
	const struct tp_trouble *trouble, const char *dialect)
{
	size_t count;
	const struct tp_trouble_rule *rule = tp_trouble_rules(&count);
	const struct tp_trouble_rule *last = rule + count - 1;

	/* Only a refusal explains a trouble; a stray 250 or 354 does not. */
	if (refusal(&trouble->reply))
		return tp_policy_reply(trouble->step, &trouble->reply, dialect);
	while (rule < last &&
		(!(rule->steps & TP_RULE_AT(trouble->step)) ||
			(rule->code && rule->code != trouble->code)))
		rule++;
	return make_verdict(rule->cls, rule->scope, rule->flags, rule->name);
}

static int any_accepted(const struct tp_transaction *tx)
{
	size_t i;

	for (i = 0; i < tx->recipient_count; i++)
		if (positive(&tx->rcpt[i]))
			return 1;
	return 0;
}

/* What is said about a recipient whose fate no reply decided. */
static struct tp_verdict judge_rest(const struct tp_transaction *tx,
	int accepted, const char *dialect, const struct tp_reply **reply_out)
{
	struct tp_trouble trouble = tx->trouble;

	*reply_out = &tx->trouble.reply;
	/* The relay cannot have taken it for someone it never accepted. */
	if (!accepted && trouble.step == TP_STEP_DOT)
		trouble.step = TP_STEP_RCPT;
	return tp_policy_trouble(&trouble, dialect);
}

struct tp_verdict tp_policy_recipient(const struct tp_transaction *tx,
	size_t recipient, const char *dialect,
	const struct tp_reply **reply_out)
{
	const struct tp_reply *rcpt = &tx->rcpt[recipient];
	int accepted = positive(rcpt);
	struct tp_verdict verdict;

	if (accepted && positive(&tx->data_reply)) {
		*reply_out = &tx->data_reply;
		return tp_policy_reply(TP_STEP_DOT, &tx->data_reply, dialect);
	}
	/* Before RCPT: what a pipelined RCPT gets after a refused MAIL is
	 * noise. */
	if (refusal(&tx->mail)) {
		*reply_out = &tx->mail;
		return tp_policy_reply(TP_STEP_MAIL, &tx->mail, dialect);
	}
	if (refusal(rcpt)) {
		*reply_out = rcpt;
		verdict = tp_policy_reply(TP_STEP_RCPT, rcpt, dialect);
		/* A relay that takes no recipient at all would be asked for
		 * ever. */
		verdict.again_at_once &= any_accepted(tx);
		return verdict;
	}
	if (accepted && refusal(&tx->data_reply)) {
		*reply_out = &tx->data_reply;
		return tp_policy_reply(TP_STEP_DOT, &tx->data_reply, dialect);
	}
	return judge_rest(tx, accepted, dialect, reply_out);
}

int tp_dialect_known(const char *name)
{
	size_t count;
	const struct tp_policy_rule *rule = tp_policy_rules(&count);
	size_t i;

	if (!name || name[0] == '\0')
		return 1;
	for (i = 0; i < count; i++)
		if (tp_streq(rule[i].dialect, name))
			return 1;
	return 0;
}
