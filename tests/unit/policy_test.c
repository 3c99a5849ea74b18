/*
 * policy_test.c - every row of the rule tables, and the order of judgement
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/policy.h"
#include "core/policy_rules.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define ALERT TP_RULE_ALERT
#define REDUCE TP_RULE_REDUCE
#define AGAIN TP_RULE_AGAIN

/* Short names keep one case on few lines. */
enum {
	SENT = TP_CLASS_SENT,
	TEMPORARY = TP_CLASS_TEMPORARY,
	THROTTLED = TP_CLASS_THROTTLED,
	PERMANENT = TP_CLASS_PERMANENT,
	CREDENTIALS = TP_CLASS_CREDENTIALS,
	SENDER = TP_CLASS_SENDER,
	CONFIG = TP_CLASS_CONFIG,
	UNKNOWN = TP_CLASS_UNKNOWN
};
enum {
	RECIPIENT = TP_SCOPE_RECIPIENT,
	MESSAGE = TP_SCOPE_MESSAGE,
	RELAY = TP_SCOPE_RELAY
};
#define AT(step) TP_STEP_##step

struct reply_case {
	const char *dialect;
	enum tp_step step;
	int code;
	const char *enhanced; /* "5.1.1" or "" */
	const char *text;
	int cls;
	int scope;
	int64_t min_delay_ms;
	int64_t max_age_ms;
	unsigned flags;
	const char *rule;
};

static const struct reply_case reply_cases[] = {
	/* ---- sent ---- */
	{ "", AT(DOT), 250, "2.0.0", "Ok: queued as 4F2A", SENT, MESSAGE, 0, 0,
		0, "accepted" },
	{ "", AT(DOT), 250, "", "OK", SENT, MESSAGE, 0, 0, 0, "accepted" },
	/* odd enhanced codes and texts change nothing */
	{ "", AT(DOT), 250, "5.1.1", "user unknown", SENT, MESSAGE, 0, 0, 0,
		"accepted" },
	{ "gmail", AT(DOT), 250, "2.0.0", "unusual rate", SENT, MESSAGE, 0, 0,
		0, "accepted" },

	/* ---- Gmail ---- */
	{ "gmail", AT(MAIL), 421, "4.7.0",
		"Our system has detected an unusual rate of unsolicited mail",
		THROTTLED, RELAY, 15 * MINUTE, 0, REDUCE,
		"gmail-unusual-rate" },
	{ "gmail", AT(DOT), 421, "", "Unusual Rate of mail", THROTTLED, RELAY,
		15 * MINUTE, 0, REDUCE, "gmail-unusual-rate" },
	{ "gmail", AT(RCPT), 450, "4.2.1",
		"The user you are trying to contact is receiving mail too "
		"quickly",
		THROTTLED, RECIPIENT, 15 * MINUTE, 0, 0,
		"gmail-recipient-rate" },
	{ "gmail", AT(RCPT), 450, "4.2.1", "receiving too quickly", THROTTLED,
		RECIPIENT, 15 * MINUTE, 0, 0, "gmail-recipient-rate" },
	{ "gmail", AT(RCPT), 450, "4.2.1",
		"Peak SMTP relay limit exceeded for customer", THROTTLED, RELAY,
		15 * MINUTE, 0, REDUCE, "gmail-relay-peak" },
	{ "gmail", AT(DOT), 550, "5.4.5", "Daily user sending limit exceeded",
		TEMPORARY, RELAY, HOUR, 0, ALERT, "gmail-daily-limit" },
	{ "gmail", AT(DOT), 550, "5.7.26",
		"Unauthenticated email is not accepted from this domain",
		SENDER, MESSAGE, 0, 0, ALERT, "gmail-sender-unauthenticated" },
	{ "gmail", AT(AUTH), 555, "5.5.2", "Syntax error, goodbye", CREDENTIALS,
		RELAY, 0, 0, ALERT, "gmail-auth-line-too-long" },

	/* ---- Microsoft ---- */
	{ "microsoft", AT(MAIL), 432, "4.3.2",
		"STOREDRV.ClientSubmit; sender thread limit exceeded",
		THROTTLED, RELAY, MINUTE, 0, REDUCE, "microsoft-thread-limit" },
	{ "microsoft", AT(AUTH), 550, "5.7.30",
		"Basic authentication is not supported", CREDENTIALS, RELAY, 0,
		0, ALERT, "microsoft-basic-auth-off" },
	{ "microsoft", AT(AUTH), 535, "5.7.139",
		"Authentication unsuccessful, SmtpClientAuthentication is "
		"disabled for the Tenant",
		CREDENTIALS, RELAY, 0, 0, ALERT, "microsoft-smtp-auth-off" },
	{ "microsoft", AT(DOT), 554, "5.2.252",
		"SendAsDenied; shop@example.com not allowed to send as", SENDER,
		MESSAGE, 0, 0, ALERT, "microsoft-send-as-denied" },
	{ "microsoft", AT(DOT), 554, "5.2.0",
		"STOREDRV.Submission.Exception:SubmissionQuotaExceeded",
		TEMPORARY, RELAY, HOUR, 0, ALERT, "microsoft-quota" },
	{ "microsoft", AT(DOT), 554, "5.2.2", "mailbox full", TEMPORARY, RELAY,
		HOUR, 0, ALERT, "microsoft-mailbox-quota" },
	{ "microsoft", AT(DOT), 550, "5.7.515",
		"Access denied, sending domain does not meet the required "
		"authentication level",
		SENDER, MESSAGE, 0, 0, ALERT,
		"microsoft-sender-unauthenticated" },

	/* ---- Yahoo ---- */
	{ "yahoo", AT(DOT), 550, "5.7.9", "Message not accepted", SENDER,
		MESSAGE, 0, 0, ALERT, "yahoo-sender-unauthenticated" },

	/* ---- Amazon SES ---- */
	{ "amazon-ses", AT(DOT), 454, "",
		"Throttling failure: Maximum sending rate exceeded.", THROTTLED,
		RELAY, SECOND, 0, REDUCE, "ses-rate" },
	{ "amazon-ses", AT(DOT), 454, "",
		"Throttling failure: Daily message quota exceeded.", TEMPORARY,
		RELAY, HOUR, 0, ALERT, "ses-daily-quota" },
	{ "amazon-ses", AT(DOT), 554, "",
		"Message rejected: Email address is not verified.", SENDER,
		MESSAGE, 0, 0, ALERT, "ses-not-verified" },

	/* ---- SendGrid ---- */
	{ "sendgrid", AT(DOT), 550, "",
		"The from address does not match a verified Sender Identity",
		SENDER, MESSAGE, 0, 0, ALERT, "sendgrid-sender-identity" },
	{ "sendgrid", AT(DOT), 403, "",
		"The from address does not match a verified Sender Identity",
		SENDER, MESSAGE, 0, 0, ALERT, "sendgrid-sender-identity-403" },
	{ "sendgrid", AT(RCPT), 421, "", "Message from shop deferred",
		THROTTLED, RELAY, 15 * MINUTE, 0, REDUCE, "sendgrid-deferred" },

	/* ---- MailerSend, IONOS, SocketLabs ---- */
	{ "mailersend", AT(DOT), 450, "",
		"The given data was invalid. The subject field is required.",
		PERMANENT, MESSAGE, 0, 0, 0, "mailersend-validation" },
	{ "mailersend", AT(DOT), 450, "",
		"The from.email domain must be verified in your account",
		SENDER, MESSAGE, 0, 0, ALERT,
		"mailersend-domain-not-verified" },
	{ "ionos", AT(MAIL), 450, "", "Mail send limit exceeded", THROTTLED,
		RELAY, 15 * MINUTE, 0, 0, "ionos-send-limit" },
	{ "socketlabs", AT(GREETING), 421, "4.4.5", "too many open sessions",
		THROTTLED, RELAY, MINUTE, 0, REDUCE, "socketlabs-connections" },

	/* ---- the same words without the dialect ---- */
	{ "", AT(DOT), 450, "", "The given data was invalid.", TEMPORARY,
		MESSAGE, 0, 0, 0, "4xx" },
	{ "ionos", AT(DOT), 450, "", "The given data was invalid.", TEMPORARY,
		MESSAGE, 0, 0, 0, "4xx" },
	{ "no-such", AT(DOT), 554, "", "Email address is not verified.",
		PERMANENT, MESSAGE, 0, 0, 0, "5xx" },
	{ NULL, AT(DOT), 403, "", "not a verified Sender Identity", TEMPORARY,
		MESSAGE, 0, 0, 0, "4xx" },
	{ "", AT(RCPT), 421, "4.7.0", "unusual rate", TEMPORARY, RELAY, 0, 0, 0,
		"closing" },

	/* ---- 421 at any time ---- */
	{ "", AT(GREETING), 421, "4.3.2", "shutting down", TEMPORARY, RELAY, 0,
		0, 0, "closing" },
	{ "", AT(AUTH), 421, "", "bye", TEMPORARY, RELAY, 0, 0, 0, "closing" },
	{ "", AT(STARTTLS), 421, "", "bye", TEMPORARY, RELAY, 0, 0, 0,
		"closing" },
	{ "", AT(MAIL), 421, "4.4.2", "timeout", TEMPORARY, RELAY, 0, 0, 0,
		"closing" },
	{ "", AT(RCPT), 421, "", "", TEMPORARY, RELAY, 0, 0, 0, "closing" },
	{ "", AT(DOT), 421, "", "bye", TEMPORARY, RELAY, 0, 0, 0, "closing" },
	{ "", AT(GREETING), 421, "4.7.0",
		"mx.example.net Error: too many connections from 192.0.2.1",
		THROTTLED, RELAY, MINUTE, 0, REDUCE, "too-many-connections" },

	/* ---- TLS ---- */
	{ "", AT(STARTTLS), 454, "4.7.0", "TLS not available", TEMPORARY, RELAY,
		0, 0, ALERT, "starttls-refused" },
	{ "", AT(STARTTLS), 502, "5.5.1", "not implemented", TEMPORARY, RELAY,
		0, 0, ALERT, "starttls-refused" },
	{ "", AT(MAIL), 530, "5.7.0", "Must issue a STARTTLS command first",
		CONFIG, RELAY, 0, 0, ALERT, "starttls-required" },

	/* ---- credentials ---- */
	{ "", AT(AUTH), 535, "5.7.8", "authentication failed", CREDENTIALS,
		RELAY, 0, 0, ALERT, "auth-refused" },
	{ "", AT(AUTH), 534, "5.7.9", "mechanism too weak", CREDENTIALS, RELAY,
		0, 0, ALERT, "auth-refused" },
	{ "", AT(MAIL), 530, "5.7.0", "Authentication required", CREDENTIALS,
		RELAY, 0, 0, ALERT, "auth-required" },
	{ "", AT(AUTH), 538, "5.7.11", "Encryption required", CREDENTIALS,
		RELAY, 0, 0, ALERT, "auth-needs-encryption" },
	{ "", AT(AUTH), 504, "5.5.4", "mechanism not known", CREDENTIALS, RELAY,
		0, 0, ALERT, "auth-5xx" },
	{ "", AT(AUTH), 550, "5.7.30", "no basic authentication", CREDENTIALS,
		RELAY, 0, 0, ALERT, "auth-5xx" },
	{ "", AT(AUTH), 555, "5.5.2", "line too long", CREDENTIALS, RELAY, 0, 0,
		ALERT, "auth-5xx" },
	{ "", AT(AUTH), 500, "5.5.6", "line over 12288 octets", CREDENTIALS,
		RELAY, 0, 0, ALERT, "auth-5xx" },
	{ "", AT(AUTH), 454, "4.7.0", "Temporary authentication failure",
		TEMPORARY, RELAY, 5 * MINUTE, 0, 0, "auth-temporary" },
	{ "", AT(MAIL), 454, "4.7.0", "Temporary authentication failure",
		TEMPORARY, RELAY, 5 * MINUTE, 0, 0, "auth-temporary" },
	{ "", AT(AUTH), 454, "", "try later", TEMPORARY, RELAY, 5 * MINUTE, 0,
		0, "auth-4xx" },
	{ "", AT(AUTH), 432, "4.7.12", "password transition needed", TEMPORARY,
		RELAY, 5 * MINUTE, 0, 0, "auth-4xx" },

	/* ---- temporary refusals ---- */
	{ "", AT(RCPT), 452, "4.5.3", "Daily recipient limit reached",
		THROTTLED, RELAY, HOUR, 0, ALERT, "daily-recipients" },
	{ "", AT(RCPT), 452, "4.5.3", "Too many recipients per day", THROTTLED,
		RELAY, HOUR, 0, ALERT, "recipients-per-day" },
	{ "", AT(MAIL), 452, "4.4.5", "daily limit", THROTTLED, RELAY, HOUR, 0,
		ALERT, "rate-daily" },
	{ "", AT(MAIL), 452, "4.4.5", "over 300 messages per day", THROTTLED,
		RELAY, HOUR, 0, ALERT, "rate-per-day" },
	{ "", AT(RCPT), 452, "4.5.3", "over 10 recipients per second",
		THROTTLED, RELAY, SECOND, 0, REDUCE, "recipients-per-second" },
	{ "", AT(MAIL), 452, "4.4.5", "over 14 messages per second", THROTTLED,
		RELAY, SECOND, 0, REDUCE, "rate-per-second" },
	{ "", AT(RCPT), 452, "4.5.3", "Too many recipients", TEMPORARY,
		RECIPIENT, 0, 0, AGAIN, "too-many-recipients" },
	{ "", AT(RCPT), 452, "", "Error: too many recipients", TEMPORARY,
		RECIPIENT, 0, 0, AGAIN, "too-many-recipients-text" },
	{ "", AT(RCPT), 552, "", "Too many recipients", TEMPORARY, RECIPIENT, 0,
		0, AGAIN, "too-many-recipients-552" },
	/* not a matter of who comes first when it is said after the dot */
	{ "", AT(DOT), 452, "4.5.3", "Too many recipients", TEMPORARY, MESSAGE,
		0, 0, 0, "4xx" },
	{ "", AT(RCPT), 450, "4.7.1", "Try again in 300 seconds", TEMPORARY,
		RECIPIENT, 5 * MINUTE, 0, 0, "greylisted" },
	{ "", AT(RCPT), 451, "4.7.1", "Please come back", TEMPORARY, RECIPIENT,
		5 * MINUTE, 0, 0, "greylisted" },
	{ "", AT(RCPT), 452, "4.7.1", "Please come back", TEMPORARY, RECIPIENT,
		5 * MINUTE, 0, 0, "greylisted" },
	{ "", AT(DOT), 451, "4.7.1", "Please come back", TEMPORARY, MESSAGE,
		5 * MINUTE, 0, 0, "greylisted" },
	{ "", AT(RCPT), 450, "4.2.0", "Recipient address rejected: Greylisted",
		TEMPORARY, RECIPIENT, 5 * MINUTE, 0, 0, "greylisted-text" },
	{ "", AT(RCPT), 451, "", "GRAYLISTED, try later", TEMPORARY, RECIPIENT,
		5 * MINUTE, 0, 0, "graylisted-text" },
	{ "", AT(RCPT), 452, "4.2.2", "Mailbox full", TEMPORARY, RECIPIENT,
		HOUR, 3 * DAY, 0, "mailbox-full" },
	{ "", AT(MAIL), 451, "4.3.2", "not accepting messages", TEMPORARY,
		RELAY, 0, 0, 0, "not-accepting" },
	{ "", AT(MAIL), 432, "4.3.2", "Concurrent connections limit", TEMPORARY,
		RELAY, 0, 0, 0, "not-accepting" },
	{ "", AT(RCPT), 451, "4.4.1", "no answer from host", TEMPORARY,
		RECIPIENT, 0, 0, 0, "4xx" },
	{ "", AT(DOT), 451, "4.4.2", "bad connection", TEMPORARY, RELAY, 0, 0,
		0, "network" },

	/* ---- permanent refusals ---- */
	{ "", AT(RCPT), 552, "5.2.2", "Mailbox full", TEMPORARY, RECIPIENT,
		HOUR, 3 * DAY, 0, "mailbox-full-552" },
	{ "", AT(MAIL), 552, "5.3.4", "Message size exceeds fixed limit",
		PERMANENT, MESSAGE, 0, 0, 0, "message-too-big" },
	{ "", AT(DOT), 554, "5.2.3", "Message too large for this mailbox",
		PERMANENT, MESSAGE, 0, 0, 0, "message-too-big-for-mailbox" },
	{ "", AT(RCPT), 552, "5.2.3", "too large", PERMANENT, MESSAGE, 0, 0, 0,
		"message-too-big-for-mailbox" },
	{ "", AT(RCPT), 553, "5.7.1",
		"<a@b>: Sender address rejected: not owned by user shop",
		SENDER, MESSAGE, 0, 0, ALERT, "sender-rejected" },
	{ "", AT(RCPT), 550, "5.1.1", "User unknown", PERMANENT, RECIPIENT, 0,
		0, 0, "no-such-mailbox" },
	{ "", AT(DOT), 551, "5.1.1", "User unknown", PERMANENT, MESSAGE, 0, 0,
		0, "no-such-mailbox" },
	{ "", AT(RCPT), 550, "5.1.2", "Host unknown", PERMANENT, RECIPIENT, 0,
		0, 0, "no-such-domain" },
	{ "", AT(RCPT), 553, "5.1.3", "Bad address", PERMANENT, RECIPIENT, 0, 0,
		0, "bad-address-syntax" },
	{ "", AT(RCPT), 501, "5.1.3", "Bad address", PERMANENT, RECIPIENT, 0, 0,
		0, "bad-address-syntax" },
	{ "", AT(RCPT), 551, "5.1.6", "Mailbox has moved", PERMANENT, RECIPIENT,
		0, 0, 0, "mailbox-moved" },
	{ "", AT(RCPT), 550, "5.1.10", "Recipient not found", PERMANENT,
		RECIPIENT, 0, 0, 0, "domain-takes-no-mail" },
	{ "", AT(RCPT), 550, "5.7.1", "refused by policy", PERMANENT, MESSAGE,
		0, 0, 0, "policy" },
	{ "", AT(DOT), 554, "5.7.28", "looks like spam", PERMANENT, MESSAGE, 0,
		0, 0, "policy" },
	{ "", AT(MAIL), 550, "5.7.1", "sender refused", PERMANENT, MESSAGE, 0,
		0, 0, "policy" },
	{ "", AT(MAIL), 500, "5.5.2", "Syntax error", TEMPORARY, MESSAGE,
		5 * MINUTE, 30 * MINUTE, ALERT, "protocol" },
	{ "", AT(RCPT), 501, "", "Syntax", TEMPORARY, MESSAGE, 5 * MINUTE,
		30 * MINUTE, ALERT, "protocol" },
	{ "", AT(DATA), 503, "5.5.1", "Bad sequence", TEMPORARY, MESSAGE,
		5 * MINUTE, 30 * MINUTE, ALERT, "protocol" },
	{ "", AT(RCPT), 504, "", "not implemented", TEMPORARY, MESSAGE,
		5 * MINUTE, 30 * MINUTE, ALERT, "protocol" },
	{ "", AT(MAIL), 555, "5.5.4", "Unsupported option", TEMPORARY, MESSAGE,
		5 * MINUTE, 30 * MINUTE, ALERT, "protocol-parameter" },
	{ "", AT(RCPT), 550, "5.3.0", "system trouble", TEMPORARY, RECIPIENT,
		5 * MINUTE, 30 * MINUTE, 0, "suspicious-system" },
	{ "", AT(DOT), 554, "5.4.6", "routing loop", TEMPORARY, MESSAGE,
		5 * MINUTE, 30 * MINUTE, 0, "suspicious-network" },

	/* ---- first digit ---- */
	{ "", AT(RCPT), 450, "", "try later", TEMPORARY, RECIPIENT, 0, 0, 0,
		"4xx" },
	{ "", AT(MAIL), 451, "4.1.8", "sender domain not found now", TEMPORARY,
		MESSAGE, 0, 0, 0, "4xx" },
	{ "", AT(DOT), 451, "4.3.0", "queue file write error", TEMPORARY,
		MESSAGE, 0, 0, 0, "4xx" },
	{ "", AT(BODY), 451, "", "disk trouble", TEMPORARY, MESSAGE, 0, 0, 0,
		"4xx" },
	{ "", AT(RCPT), 550, "", "no", PERMANENT, RECIPIENT, 0, 0, 0, "5xx" },
	{ "", AT(MAIL), 553, "5.1.8", "bad sender", PERMANENT, MESSAGE, 0, 0, 0,
		"5xx" },
	/* x.1.1 at MAIL is not about a recipient */
	{ "", AT(MAIL), 550, "5.1.1", "who are you", PERMANENT, MESSAGE, 0, 0,
		0, "5xx" },
	{ "", AT(DATA), 554, "", "no", PERMANENT, MESSAGE, 0, 0, 0, "5xx" },
	{ "", AT(DOT), 599, "", "no", PERMANENT, MESSAGE, 0, 0, 0, "5xx" },
	{ "", AT(GREETING), 450, "", "busy", TEMPORARY, RELAY, 0, 0, 0,
		"connection-4xx" },
	{ "", AT(EHLO), 452, "4.2.2", "full", TEMPORARY, RELAY, 0, 0, 0,
		"connection-4xx" },
	{ "", AT(GREETING), 554, "5.7.1", "no service for you", TEMPORARY,
		RELAY, 0, 0, ALERT, "connection-5xx" },
	{ "", AT(EHLO), 550, "5.1.1", "bad name", TEMPORARY, RELAY, 0, 0, ALERT,
		"connection-5xx" },

	/* ---- the reply code wins over the enhanced code ---- */
	{ "", AT(RCPT), 450, "5.1.1", "user unknown", TEMPORARY, RECIPIENT, 0,
		0, 0, "4xx" },
	{ "", AT(RCPT), 550, "4.2.2", "no", PERMANENT, RECIPIENT, 0, 0, 0,
		"5xx" },
	{ "", AT(RCPT), 550, "2.1.5", "no", PERMANENT, RECIPIENT, 0, 0, 0,
		"5xx" },
	/* 5.1.10 is not 5.1.1, nor 5.7 any 5.70 */
	{ "", AT(RCPT), 550, "5.1.11", "no", PERMANENT, RECIPIENT, 0, 0, 0,
		"5xx" },
	{ "", AT(RCPT), 550, "5.70.1", "no", PERMANENT, RECIPIENT, 0, 0, 0,
		"5xx" },

	/* ---- out of place ---- */
	{ "", AT(DATA), 250, "", "OK", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(MAIL), 354, "", "go ahead", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(RCPT), 354, "", "go ahead", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(GREETING), 199, "", "", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(RCPT), 0, "", "", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(RCPT), -1, "", "", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(RCPT), INT32_MIN, "", "", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(RCPT), 650, "6.1.1", "", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(RCPT), 99999, "", "", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(NONE), 0, "", "", TEMPORARY, RELAY, 0, 0, 0,
		"unexpected-reply" },
	{ "", AT(LOCAL), 550, "", "", TEMPORARY, RELAY, 0, 0, ALERT,
		"connection-5xx" },
	/* the relay has it all and said neither yes nor no */
	{ "", AT(DOT), 354, "", "go ahead", UNKNOWN, MESSAGE, 0, 0, 0,
		"dot-unclear" },
	{ "", AT(DOT), 0, "", "", UNKNOWN, MESSAGE, 0, 0, 0, "dot-unclear" },
	{ "", AT(DOT), 150, "", "", UNKNOWN, MESSAGE, 0, 0, 0, "dot-unclear" },
};

static void set_enhanced(struct tp_reply *reply, const char *enhanced)
{
	memset(&reply->enhanced, 0, sizeof(reply->enhanced));
	if (enhanced[0] != '\0')
		assert_int_equal(
			3, sscanf(enhanced, "%d.%d.%d", &reply->enhanced.cls,
				   &reply->enhanced.subject,
				   &reply->enhanced.detail));
}

static struct tp_reply make_reply(
	int code, const char *enhanced, const char *text)
{
	struct tp_reply reply = { .code = code };

	set_enhanced(&reply, enhanced);
	(void)snprintf(reply.text, sizeof(reply.text), "%s", text);
	return reply;
}

static struct tp_verdict judge(const struct reply_case *c)
{
	struct tp_reply reply = make_reply(c->code, c->enhanced, c->text);

	return tp_policy_reply(c->step, &reply, c->dialect);
}

static void expect_flags(const struct tp_verdict *verdict, unsigned flags)
{
	assert_int_equal(verdict->alert, (flags & ALERT) != 0);
	assert_int_equal(verdict->reduce, (flags & REDUCE) != 0);
	assert_int_equal(verdict->again_at_once, (flags & AGAIN) != 0);
}

static void every_reply_gets_its_verdict(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(reply_cases); i++) {
		const struct reply_case *c = &reply_cases[i];
		struct tp_verdict verdict = judge(c);

		if (strcmp(verdict.rule, c->rule) != 0)
			fail_msg("%s step %d: %d %s %s: rule %s, not %s",
				c->dialect ? c->dialect : "-", (int)c->step,
				c->code, c->enhanced, c->text, verdict.rule,
				c->rule);
		assert_int_equal(verdict.cls, c->cls);
		assert_int_equal(verdict.scope, c->scope);
		assert_true(verdict.min_delay_ms == c->min_delay_ms);
		assert_true(verdict.max_age_ms == c->max_age_ms);
		expect_flags(&verdict, c->flags);
	}
}

static void every_reply_rule_is_reached_by_a_case(void **state)
{
	size_t count;
	const struct tp_policy_rule *rules = tp_policy_rules(&count);
	size_t i;
	size_t k;

	(void)state;
	for (i = 0; i < count; i++) {
		int reached = 0;

		for (k = 0; k < COUNT(reply_cases) && !reached; k++)
			reached = judge(&reply_cases[k]).rule == rules[i].name;
		if (!reached)
			fail_msg("no case reaches rule %s", rules[i].name);
	}
}

static void reply_rules_are_well_formed(void **state)
{
	size_t count;
	const struct tp_policy_rule *rules = tp_policy_rules(&count);
	size_t i;
	size_t k;

	(void)state;
	for (i = 0; i < count; i++) {
		assert_non_null(rules[i].name);
		assert_non_null(rules[i].source);
		assert_true(rules[i].code_min <= rules[i].code_max);
		assert_true(rules[i].steps != 0);
		assert_true(rules[i].min_delay_ms <= TP_POLICY_DELAY_MAX_MS);
		/* a row that gives up before it tries again never tries */
		assert_true(rules[i].max_age_ms == 0 ||
			    rules[i].max_age_ms > rules[i].min_delay_ms);
		/* only the dot can mean sent */
		if (rules[i].cls == TP_CLASS_SENT)
			assert_true(rules[i].steps == TP_RULE_AT(TP_STEP_DOT));
		for (k = 0; k < i; k++)
			assert_string_not_equal(rules[i].name, rules[k].name);
	}
}

static void no_reply_outside_the_dot_means_sent_or_unknown(void **state)
{
	int step;
	int code;

	(void)state;
	for (step = TP_STEP_NONE; step <= TP_STEP_LOCAL; step++) {
		for (code = -5; code < 1000; code++) {
			struct tp_reply reply = make_reply(code, "", "");
			struct tp_verdict verdict = tp_policy_reply(
				(enum tp_step)step, &reply, NULL);

			if (step == TP_STEP_DOT)
				continue;
			assert_int_not_equal(verdict.cls, TP_CLASS_SENT);
			assert_int_not_equal(verdict.cls, TP_CLASS_UNKNOWN);
			/* before MAIL no message may be given up */
			if (step < TP_STEP_MAIL || step == TP_STEP_LOCAL)
				assert_int_not_equal(
					verdict.cls, TP_CLASS_PERMANENT);
		}
	}
}

/* ---- trouble ------------------------------------------------------------ */

struct trouble_case {
	enum tp_step step;
	int code;
	int reply_code; /* 0: none */
	const char *reply_text;
	int cls;
	int scope;
	unsigned flags;
	const char *rule;
};

static const struct trouble_case trouble_cases[] = {
	{ AT(RESOLVE), TP_ECONFIG, 0, "", CONFIG, RELAY, ALERT,
		"relay-name-unknown" },
	{ AT(RESOLVE), TP_ECONNECT, 0, "", TEMPORARY, RELAY, 0,
		"no-connection" },
	{ AT(RESOLVE), TP_ETIMEOUT, 0, "", TEMPORARY, RELAY, 0,
		"no-connection" },
	{ AT(CONNECT), TP_ECONNECT, 0, "", TEMPORARY, RELAY, 0,
		"no-connection" },
	{ AT(CONNECT), TP_ETIMEOUT, 0, "", TEMPORARY, RELAY, 0,
		"no-connection" },
	{ AT(GREETING), TP_ECLOSED, 0, "", TEMPORARY, RELAY, 0,
		"no-connection" },
	{ AT(GREETING), TP_EPROTO, 0, "", TEMPORARY, RELAY, 0,
		"no-connection" },
	{ AT(GREETING), TP_EPROTO, 554, "no", TEMPORARY, RELAY, ALERT,
		"connection-5xx" },
	{ AT(EHLO), TP_ECONFIG, 0, "", CONFIG, RELAY, ALERT, "relay-set-up" },
	{ AT(STARTTLS), TP_ETLS, 0, "", TEMPORARY, RELAY, ALERT,
		"starttls-failed" },
	{ AT(STARTTLS), TP_ETLS, 502, "unknown command", TEMPORARY, RELAY,
		ALERT, "starttls-refused" },
	{ AT(TLS), TP_ETLS, 0, "", TEMPORARY, RELAY, ALERT, "tls-failed" },
	{ AT(TLS), TP_ETIMEOUT, 0, "", TEMPORARY, RELAY, ALERT, "tls-failed" },
	{ AT(TLS), TP_ECONFIG, 0, "", CONFIG, RELAY, ALERT, "relay-set-up" },
	{ AT(MAIL), TP_ETLS, 0, "", TEMPORARY, RELAY, ALERT, "tls-broken" },
	{ AT(AUTH), TP_EAUTH, 0, "", CREDENTIALS, RELAY, ALERT,
		"login-impossible" },
	{ AT(AUTH), TP_EUNSUPPORTED, 0, "", CREDENTIALS, RELAY, ALERT,
		"login-not-supported" },
	{ AT(AUTH), TP_EAUTH, 535, "wrong", CREDENTIALS, RELAY, ALERT,
		"auth-refused" },
	{ AT(AUTH), TP_EAUTH, 454, "later", TEMPORARY, RELAY, 0, "auth-4xx" },
	{ AT(AUTH), TP_ECLOSED, 0, "", TEMPORARY, RELAY, 0, "no-connection" },
	{ AT(MAIL), TP_ECLOSED, 0, "", TEMPORARY, RELAY, 0, "no-connection" },
	{ AT(MAIL), TP_ETOOBIG, 0, "", PERMANENT, MESSAGE, 0,
		"too-big-for-relay" },
	{ AT(MAIL), TP_EUNSUPPORTED, 0, "", PERMANENT, MESSAGE, 0,
		"not-possible-at-relay" },
	{ AT(BODY), TP_ETIMEOUT, 0, "", TEMPORARY, RELAY, 0, "no-connection" },
	{ AT(BODY), TP_ECLOSED, 421, "closing", TEMPORARY, RELAY, 0,
		"closing" },
	{ AT(BODY), TP_ECLOSED, 354, "go on", TEMPORARY, RELAY, 0,
		"no-connection" },
	{ AT(DOT), TP_ECLOSED, 0, "", UNKNOWN, MESSAGE, 0, "lost-after-dot" },
	{ AT(DOT), TP_ETIMEOUT, 0, "", UNKNOWN, MESSAGE, 0, "lost-after-dot" },
	{ AT(DOT), TP_ETLS, 0, "", UNKNOWN, MESSAGE, 0, "lost-after-dot" },
	{ AT(DOT), TP_EPROTO, 0, "", UNKNOWN, MESSAGE, 0, "lost-after-dot" },
	{ AT(DOT), TP_ETIMEOUT, 354, "go on", UNKNOWN, MESSAGE, 0,
		"lost-after-dot" },
	{ AT(DOT), TP_ECLOSED, 421, "closing", TEMPORARY, RELAY, 0, "closing" },
	{ AT(LOCAL), TP_ENOMEM, 0, "", TEMPORARY, MESSAGE, ALERT, "local" },
	{ AT(LOCAL), TP_ETLS, 0, "", TEMPORARY, MESSAGE, ALERT, "local" },
	{ AT(NONE), 0, 0, "", TEMPORARY, RELAY, 0, "no-connection" },
};

static struct tp_verdict judge_trouble(const struct trouble_case *c)
{
	struct tp_trouble trouble = { .step = c->step, .code = c->code };

	trouble.reply = make_reply(c->reply_code, "", c->reply_text);
	return tp_policy_trouble(&trouble, NULL);
}

static void every_trouble_gets_its_verdict(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(trouble_cases); i++) {
		const struct trouble_case *c = &trouble_cases[i];
		struct tp_verdict verdict = judge_trouble(c);

		if (strcmp(verdict.rule, c->rule) != 0)
			fail_msg("step %d code %d reply %d: rule %s, not %s",
				(int)c->step, c->code, c->reply_code,
				verdict.rule, c->rule);
		assert_int_equal(verdict.cls, c->cls);
		assert_int_equal(verdict.scope, c->scope);
		expect_flags(&verdict, c->flags);
	}
}

static void every_trouble_rule_is_reached_by_a_case(void **state)
{
	size_t count;
	const struct tp_trouble_rule *rules = tp_trouble_rules(&count);
	size_t i;
	size_t k;

	(void)state;
	for (i = 0; i < count; i++) {
		int reached = 0;

		for (k = 0; k < COUNT(trouble_cases) && !reached; k++)
			reached = judge_trouble(&trouble_cases[k]).rule ==
				  rules[i].name;
		if (!reached)
			fail_msg("no case reaches rule %s", rules[i].name);
	}
}

/* ---- one recipient of a transaction ------------------------------------- */

#define RCPTS 2

struct recipient_case {
	const char *name;
	int mail;
	int rcpt[RCPTS];
	int data;
	enum tp_step trouble;
	int trouble_reply;
	int cls[RCPTS];
	int scope[RCPTS];
	int reply_code[RCPTS]; /* of the reply that decided */
};

static const struct recipient_case recipient_cases[] = {
	{ "both accepted", 250, { 250, 251 }, 250, AT(NONE), 0, { SENT, SENT },
		{ MESSAGE, MESSAGE }, { 250, 250 } },
	{ "one refused", 250, { 250, 550 }, 250, AT(NONE), 0,
		{ SENT, PERMANENT }, { MESSAGE, RECIPIENT }, { 250, 550 } },
	{ "all refused, DATA is noise", 250, { 550, 450 }, 503, AT(NONE), 0,
		{ PERMANENT, TEMPORARY }, { RECIPIENT, RECIPIENT },
		{ 550, 450 } },
	{ "all refused, DATA says 554", 250, { 450, 450 }, 554, AT(NONE), 0,
		{ TEMPORARY, TEMPORARY }, { RECIPIENT, RECIPIENT },
		{ 450, 450 } },
	{ "all refused, dot 250 all the same", 250, { 550, 550 }, 250, AT(NONE),
		0, { PERMANENT, PERMANENT }, { RECIPIENT, RECIPIENT },
		{ 550, 550 } },
	{ "MAIL refused", 550, { 0, 0 }, 0, AT(NONE), 0,
		{ PERMANENT, PERMANENT }, { MESSAGE, MESSAGE }, { 550, 550 } },
	{ "MAIL refused, pipelined RCPT out of sequence", 451, { 503, 503 },
		503, AT(NONE), 0, { TEMPORARY, TEMPORARY },
		{ MESSAGE, MESSAGE }, { 451, 451 } },
	{ "MAIL 421", 421, { 0, 0 }, 0, AT(RCPT), 0, { TEMPORARY, TEMPORARY },
		{ RELAY, RELAY }, { 421, 421 } },
	{ "dot refused", 250, { 250, 550 }, 451, AT(NONE), 0,
		{ TEMPORARY, PERMANENT }, { MESSAGE, RECIPIENT },
		{ 451, 550 } },
	{ "dot refused for good", 250, { 250, 450 }, 554, AT(NONE), 0,
		{ PERMANENT, TEMPORARY }, { MESSAGE, RECIPIENT },
		{ 554, 450 } },
	{ "lost after the dot", 250, { 250, 550 }, 0, AT(DOT), 0,
		{ UNKNOWN, PERMANENT }, { MESSAGE, RECIPIENT }, { 0, 550 } },
	{ "lost after the dot, 354 is the last word", 250, { 250, 250 }, 354,
		AT(DOT), 0, { UNKNOWN, UNKNOWN }, { MESSAGE, MESSAGE },
		{ 0, 0 } },
	{ "lost after the dot, one RCPT never answered", 250, { 250, 0 }, 0,
		AT(DOT), 0, { UNKNOWN, TEMPORARY }, { MESSAGE, RELAY },
		{ 0, 0 } },
	{ "lost in the body", 250, { 250, 550 }, 0, AT(BODY), 0,
		{ TEMPORARY, PERMANENT }, { RELAY, RECIPIENT }, { 0, 550 } },
	{ "lost in the body after 354", 250, { 250, 250 }, 354, AT(BODY), 0,
		{ TEMPORARY, TEMPORARY }, { RELAY, RELAY }, { 0, 0 } },
	{ "421 in the body", 250, { 250, 250 }, 0, AT(BODY), 421,
		{ TEMPORARY, TEMPORARY }, { RELAY, RELAY }, { 421, 421 } },
	{ "lost between two RCPT", 250, { 550, 0 }, 0, AT(RCPT), 0,
		{ PERMANENT, TEMPORARY }, { RECIPIENT, RELAY }, { 550, 0 } },
	{ "421 at the second RCPT", 250, { 250, 421 }, 0, AT(RCPT), 0,
		{ TEMPORARY, TEMPORARY }, { RELAY, RELAY }, { 0, 421 } },
	{ "trouble of our own", 250, { 250, 550 }, 0, AT(LOCAL), 0,
		{ TEMPORARY, PERMANENT }, { MESSAGE, RECIPIENT }, { 0, 550 } },
	{ "never begun", 0, { 0, 0 }, 0, AT(NONE), 0, { TEMPORARY, TEMPORARY },
		{ RELAY, RELAY }, { 0, 0 } },
	{ "250 to the dot, QUIT trouble", 250, { 250, 250 }, 250, AT(DOT), 0,
		{ SENT, SENT }, { MESSAGE, MESSAGE }, { 250, 250 } },
};

static void each_recipient_is_judged_by_the_right_reply(void **state)
{
	size_t i;
	size_t k;

	(void)state;
	for (i = 0; i < COUNT(recipient_cases); i++) {
		const struct recipient_case *c = &recipient_cases[i];
		struct tp_reply rcpt[RCPTS];
		struct tp_transaction tx = { .recipient_count = RCPTS,
			.rcpt = rcpt };

		tx.mail = make_reply(c->mail, "", "");
		for (k = 0; k < RCPTS; k++)
			rcpt[k] = make_reply(c->rcpt[k], "", "");
		tx.data_reply = make_reply(c->data, "", "");
		tx.trouble.step = c->trouble;
		tx.trouble.code = TP_ECLOSED;
		tx.trouble.reply = make_reply(c->trouble_reply, "", "");
		for (k = 0; k < RCPTS; k++) {
			const struct tp_reply *reply = NULL;
			struct tp_verdict verdict =
				tp_policy_recipient(&tx, k, NULL, &reply);

			assert_non_null(reply);
			if ((int)verdict.cls != c->cls[k] ||
				(int)verdict.scope != c->scope[k] ||
				reply->code != c->reply_code[k])
				fail_msg("%s, recipient %zu: class %d scope %d "
					 "reply %d",
					c->name, k, (int)verdict.cls,
					(int)verdict.scope, reply->code);
		}
	}
}

static void odd_enhanced_codes_do_not_undo_a_delivery(void **state)
{
	struct tp_reply rcpt = make_reply(250, "5.1.1", "user unknown");
	struct tp_transaction tx = { .recipient_count = 1, .rcpt = &rcpt };
	const struct tp_reply *reply;

	(void)state;
	tx.mail = make_reply(250, "4.4.2", "");
	tx.data_reply = make_reply(250, "5.7.1", "spam");
	assert_int_equal(tp_policy_recipient(&tx, 0, "gmail", &reply).cls,
		TP_CLASS_SENT);
	assert_ptr_equal(reply, &tx.data_reply);
}

static void too_many_recipients_go_at_once_only_after_progress(void **state)
{
	struct tp_reply rcpt[RCPTS];
	struct tp_transaction tx = { .recipient_count = RCPTS, .rcpt = rcpt };
	const struct tp_reply *reply;
	struct tp_verdict verdict;

	(void)state;
	tx.mail = make_reply(250, "", "");
	rcpt[0] = make_reply(250, "", "");
	rcpt[1] = make_reply(452, "4.5.3", "Too many recipients");
	tx.data_reply = make_reply(250, "", "");
	verdict = tp_policy_recipient(&tx, 1, NULL, &reply);
	assert_int_equal(verdict.cls, TP_CLASS_TEMPORARY);
	assert_int_equal(verdict.again_at_once, 1);

	rcpt[0] = make_reply(452, "4.5.3", "Too many recipients");
	verdict = tp_policy_recipient(&tx, 1, NULL, &reply);
	assert_int_equal(verdict.cls, TP_CLASS_TEMPORARY);
	assert_int_equal(verdict.again_at_once, 0);
}

static void the_dialect_reaches_recipients_and_trouble(void **state)
{
	struct tp_reply rcpt = make_reply(250, "", "");
	struct tp_transaction tx = { .recipient_count = 1, .rcpt = &rcpt };
	struct tp_trouble trouble = { .step = TP_STEP_AUTH, .code = TP_EAUTH };
	const struct tp_reply *reply;

	(void)state;
	tx.mail = make_reply(250, "", "");
	tx.data_reply = make_reply(554, "", "Email address is not verified");
	assert_int_equal(tp_policy_recipient(&tx, 0, "amazon-ses", &reply).cls,
		TP_CLASS_SENDER);
	assert_int_equal(tp_policy_recipient(&tx, 0, NULL, &reply).cls,
		TP_CLASS_PERMANENT);
	trouble.reply = make_reply(535, "5.7.139", "disabled");
	assert_string_equal(tp_policy_trouble(&trouble, "microsoft").rule,
		"microsoft-smtp-auth-off");
}

/* ---- names -------------------------------------------------------------- */

static void classes_have_names_and_words(void **state)
{
	static const struct {
		enum tp_class cls;
		const char *name;
		const char *word;
	} cases[] = {
		{ TP_CLASS_SENT, "sent", "sent" },
		{ TP_CLASS_TEMPORARY, "temporary", "deferred" },
		{ TP_CLASS_THROTTLED, "throttled", "deferred" },
		{ TP_CLASS_PERMANENT, "permanent", "failed" },
		{ TP_CLASS_CREDENTIALS, "credentials", "held" },
		{ TP_CLASS_SENDER, "sender", "held" },
		{ TP_CLASS_CONFIG, "config", "held" },
		{ TP_CLASS_UNKNOWN, "unknown", "unknown" },
	};
	enum tp_class cls;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_string_equal(tp_class_name(cases[i].cls), cases[i].name);
		assert_string_equal(
			tp_verdict_word(cases[i].cls), cases[i].word);
		cls = TP_CLASS_SENT;
		assert_int_equal(tp_class_parse(cases[i].name, &cls), TP_OK);
		assert_int_equal(cls, cases[i].cls);
	}
	assert_int_equal(tp_class_parse("Sent", &cls), TP_ENOTFOUND);
	assert_int_equal(tp_class_parse("", &cls), TP_ENOTFOUND);
	assert_string_equal(tp_class_name((enum tp_class)99), "unknown");
}

static void dialects_are_known_by_name(void **state)
{
	static const char *const known[] = { "amazon-ses", "gmail", "ionos",
		"mailersend", "microsoft", "sendgrid", "socketlabs", "yahoo" };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(known); i++)
		assert_true(tp_dialect_known(known[i]));
	assert_true(tp_dialect_known(""));
	assert_true(tp_dialect_known(NULL));
	assert_false(tp_dialect_known("Gmail"));
	assert_false(tp_dialect_known("gmai"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reply_gets_its_verdict),
		cmocka_unit_test(every_reply_rule_is_reached_by_a_case),
		cmocka_unit_test(reply_rules_are_well_formed),
		cmocka_unit_test(
			no_reply_outside_the_dot_means_sent_or_unknown),
		cmocka_unit_test(every_trouble_gets_its_verdict),
		cmocka_unit_test(every_trouble_rule_is_reached_by_a_case),
		cmocka_unit_test(each_recipient_is_judged_by_the_right_reply),
		cmocka_unit_test(odd_enhanced_codes_do_not_undo_a_delivery),
		cmocka_unit_test(
			too_many_recipients_go_at_once_only_after_progress),
		cmocka_unit_test(the_dialect_reaches_recipients_and_trouble),
		cmocka_unit_test(classes_have_names_and_words),
		cmocka_unit_test(dialects_are_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
