/*
 * provider_hints.c - what people get wrong with a provider
 *
 * JOB     One row per provider, one fact per line, with the page it is from.
 *         Rows with verified 0 have DNS names from general knowledge.
 * SPDX-License-Identifier: MIT
 */
#include "cli/provider_hints.h"

#include <string.h>
#include <strings.h>

#define DATE "2026-11"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct tp_provider_hint hints[] = {
	{ .preset = "gmail",
		.title = "Gmail and Google Workspace",
		.host = "smtp.gmail.com",
		.user = "the whole mail address",
		.secret = "app password (16 letters), not the account's",
		.rule = "Google takes no account passwords from programs since "
			"May 2025 (consumers: 2022): make an app password, "
			"which needs two-step verification",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "_spf.google.com",
		.selectors = { "google" },
		.source = "https://support.google.com/a/answer/33786",
		.date = DATE },
	{ .preset = "google-workspace-relay",
		.title = "Google Workspace SMTP relay",
		.host = "smtp-relay.gmail.com",
		.user = "the whole mail address",
		.secret = "app password, unless your address is enough",
		.rule = "the relay service must be switched on by the "
			"administrator of the Workspace, for your address or "
			"with a login",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "_spf.google.com",
		.selectors = { "google" },
		.source = "https://support.google.com/a/answer/2956491",
		.date = DATE },
	{ .preset = "microsoft365",
		.title = "Microsoft 365",
		.host = "smtp.office365.com",
		.user = "the whole mail address",
		.secret = "password, while the tenant still allows it",
		.rule = "Microsoft ends password logins (off by default from "
			"the end of December 2026), and SMTP AUTH is a switch "
			"of the tenant and of the mailbox; an OAuth 2 token "
			"(relays.NAME.token_file, auth = \"xoauth2\") is the "
			"way that stays",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "spf.protection.outlook.com",
		.selectors = { "selector1", "selector2" },
		.source = "https://learn.microsoft.com/exchange/"
			  "clients-and-mobile-in-exchange-online/"
			  "authenticated-client-smtp-submission",
		.date = DATE },
	{ .preset = "outlook",
		.title = "Outlook.com",
		.host = "smtp-mail.outlook.com",
		.user = "the whole mail address",
		.secret = "OAuth 2 access token",
		.rule = "Outlook.com takes no passwords from programs since "
			"16 September 2024, app passwords neither: only an "
			"OAuth 2 token works",
		.token_only = 1,
		.source = "https://support.microsoft.com/office/"
			  "modern-authentication-methods-now-needed-to-"
			  "continue-syncing-outlook-email-in-non-microsoft-"
			  "email-apps-c5d65390-9676-4763-b41f-d7986499a90d",
		.date = DATE,
		.verified = 1 },
	{ .preset = "yahoo",
		.title = "Yahoo",
		.host = "smtp.mail.yahoo.com",
		.user = "the whole mail address",
		.secret = "app password",
		.rule = "the account's own password does not work: make an app "
			"password in the account's security settings",
		.source = "https://help.yahoo.com/kb/SLN15241.html",
		.date = DATE,
		.verified = 1 },
	{ .preset = "icloud",
		.title = "iCloud",
		.host = "smtp.mail.me.com",
		.user = "the whole mail address",
		.secret = "app-specific password",
		.rule = "the Apple account's own password does not work: make "
			"an app-specific password",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "icloud.com",
		.selectors = { "sig1" },
		.source = "https://support.apple.com/102525",
		.date = DATE },
	{ .preset = "fastmail",
		.title = "Fastmail",
		.host = "smtp.fastmail.com",
		.user = "the whole mail address",
		.secret = "app password",
		.rule = "the account's own password does not work: make an app "
			"password with the right to send",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "spf.messagingengine.com",
		.selectors = { "fm1", "fm2", "fm3" },
		.source = "https://www.fastmail.help/hc/en-us/articles/"
			  "1500000278342",
		.date = DATE },
	{ .preset = "zoho",
		.title = "Zoho Mail",
		.host = "",
		.user = "the whole mail address",
		.secret = "password, or an app password with two factors",
		.rule = "an account has one data centre (region): with another "
			"one's server the login fails",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "zohomail.com",
		.selectors = { "zmail", "zoho" },
		.source = "https://www.zoho.com/mail/help/zoho-smtp.html",
		.date = DATE },
	{ .preset = "ionos",
		.title = "IONOS",
		.host = "",
		.user = "the whole mail address",
		.secret = "password of the mailbox, not of the contract",
		.rule = "the login is that of the mailbox; the customer "
			"number's password does not work",
		.needs_region = 1,
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "",
		.selectors = { "s1-ionos", "s2-ionos" },
		.source = "https://www.ionos.com/help/email/",
		.date = DATE },
	{ .preset = "proton",
		.title = "Proton Mail",
		.host = "smtp.protonmail.ch",
		.user = "the address that the token was made for",
		.secret = "SMTP token",
		.rule = "the account's password does not work: make an SMTP "
			"token, which needs a domain of your own and a "
			"business plan",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "_spf.protonmail.ch",
		.selectors = { "protonmail", "protonmail2", "protonmail3" },
		.source = "https://proton.me/support/smtp-submission",
		.date = DATE },
	{ .preset = "amazon-ses",
		.title = "Amazon SES",
		.host = "",
		.user = "the SMTP user name (20 letters and digits)",
		.secret = "SMTP password",
		.rule = "the SMTP credentials are made in the SES console and "
			"are not the AWS access key; they belong to one "
			"region; in the sandbox only verified addresses get "
			"mail",
		.needs_region = 1,
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "amazonses.com",
		.dkim_note = "three CNAME records with random names, as the "
			     "SES console shows them",
		.source = "https://docs.aws.amazon.com/ses/latest/dg/"
			  "smtp-credentials.html",
		.date = DATE },
	{ .preset = "sendgrid",
		.title = "SendGrid",
		.host = "sendgrid.net",
		.user_kind = TP_HINT_USER_FIXED,
		.user = "apikey",
		.secret = "API key (begins with SG.)",
		.rule = "the user name is literally \"apikey\"; the key goes "
			"into the password, and needs the right Mail Send",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "sendgrid.net",
		.selectors = { "s1", "s2" },
		.source = "https://www.twilio.com/docs/sendgrid/for-developers/"
			  "sending-email/getting-started-smtp",
		.date = DATE },
	{ .preset = "mailgun",
		.title = "Mailgun",
		.host = "mailgun.org",
		.user = "of the domain's SMTP credentials, as "
			"postmaster@mg.example.com",
		.secret = "SMTP password of the domain",
		.rule = "the API key is not the SMTP password; each domain has "
			"SMTP credentials of its own, and a region (us, eu)",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "mailgun.org",
		.selectors = { "mx", "k1", "smtp" },
		.source = "https://documentation.mailgun.com/docs/mailgun/"
			  "user-manual/sending-messages/send-smtp",
		.date = DATE },
	{ .preset = "mailjet",
		.title = "Mailjet",
		.host = "in-v3.mailjet.com",
		.user = "the API key",
		.secret = "secret key",
		.rule = "user name and password are API key and secret key, "
			"not the account's login",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "spf.mailjet.com",
		.selectors = { "mailjet" },
		.source = "https://documentation.mailjet.com/hc/en-us/articles/"
			  "360043229473",
		.date = DATE },
	{ .preset = "brevo",
		.title = "Brevo",
		.host = "smtp-relay.brevo.com",
		.user = "the login shown under SMTP & API",
		.secret = "SMTP key (begins with xsmtpsib-)",
		.rule = "the API key (xkeysib-) is not the SMTP key "
			"(xsmtpsib-), and neither is the account's password",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "spf.brevo.com",
		.selectors = { "mail", "brevo1", "brevo2" },
		.source = "https://help.brevo.com/hc/en-us/articles/"
			  "7924908994450",
		.date = DATE },
	{ .preset = "postmark",
		.title = "Postmark",
		.host = "postmarkapp.com",
		.user_kind = TP_HINT_USER_TOKEN,
		.user = "the token again",
		.secret = "server API token",
		.rule = "the server's token is user name and password; the "
			"account token does not work; bulk mail needs the "
			"region \"broadcast\"",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "spf.mtasv.net",
		.dkim_note = "a selector that begins with a date and ends in "
			     "pm, as the account shows it",
		.source = "https://postmarkapp.com/developer/user-guide/"
			  "send-email-with-smtp",
		.date = DATE },
	{ .preset = "sparkpost",
		.title = "SparkPost",
		.host = "sparkpostmail.com",
		.user_kind = TP_HINT_USER_FIXED,
		.user = "SMTP_Injection",
		.secret = "API key with the right to send by SMTP",
		.rule = "the user name is literally \"SMTP_Injection\"",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "sparkpostmail.com",
		.dkim_note = "a selector such as scph0126, as the account "
			     "shows it",
		.source = "https://support.sparkpost.com/docs/",
		.date = DATE },
	{ .preset = "mandrill",
		.title = "Mandrill",
		.host = "smtp.mandrillapp.com",
		.user = "any text",
		.secret = "API key",
		.rule = "the password is an API key of Mandrill, not of "
			"Mailchimp",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "spf.mandrillapp.com",
		.selectors = { "mte1", "mte2", "mandrill" },
		.source = "https://mailchimp.com/developer/transactional/docs/"
			  "smtp-integration/",
		.date = DATE },
	{ .preset = "mailersend",
		.title = "MailerSend",
		.host = "smtp.mailersend.net",
		.user = "as generated for the domain",
		.secret = "as generated for the domain",
		.rule = "SMTP users are generated for each domain; an API "
			"token is not the password",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "_spf.mailersend.net",
		.selectors = { "mlsend", "mlsend2" },
		.source = "https://www.mailersend.com/help/smtp-relay",
		.date = DATE },
	{ .preset = "resend",
		.title = "Resend",
		.host = "smtp.resend.com",
		.user_kind = TP_HINT_USER_FIXED,
		.user = "resend",
		.secret = "API key (begins with re_)",
		.rule = "the user name is literally \"resend\"",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "amazonses.com",
		.selectors = { "resend" },
		.source = "https://resend.com/docs/send-with-smtp",
		.date = DATE },
	{ .preset = "smtp2go",
		.title = "SMTP2GO",
		.host = "smtp2go.com",
		.user = "an SMTP user, made in the account",
		.secret = "password of the SMTP user",
		.rule = "the account's login and its API keys do not work",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "spf.smtp2go.com",
		.dkim_note = "a selector of s and the account's number",
		.source = "https://developers.smtp2go.com/",
		.date = DATE },
	{ .preset = "elastic-email",
		.title = "Elastic Email",
		.host = "smtp.elasticemail.com",
		.user = "of the SMTP credentials",
		.secret = "password of the SMTP credentials",
		.rule = "SMTP credentials are made in the account; an API key "
			"only works if it was made for SMTP",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "_spf.elasticemail.com",
		.selectors = { "api" },
		.source = "https://help.elasticemail.com/",
		.date = DATE },
	{ .preset = "mailtrap",
		.title = "Mailtrap",
		.host = "live.smtp.mailtrap.io",
		.user_kind = TP_HINT_USER_FIXED,
		.user = "api",
		.secret = "API token",
		.rule = "the user name is literally \"api\"; tokens of the "
			"sandbox do not work here",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_include = "_spf.smtp.mailtrap.live",
		.selectors = { "rwmt1", "rwmt2" },
		.source = "https://help.mailtrap.io/",
		.date = DATE },
	{ .preset = "infobip",
		.title = "Infobip",
		.host = "smtp-api.infobip.com",
		.user_kind = TP_HINT_USER_FIXED,
		.user = "App",
		.secret = "API key",
		.rule = "the user name is literally \"App\"",
		.source = "https://www.infobip.com/docs/email/smtp-api",
		.date = DATE,
		.verified = 1 },
	{ .preset = "mailpace",
		.title = "MailPace",
		.host = "smtp.mailpace.com",
		.user_kind = TP_HINT_USER_TOKEN,
		.user = "the token again",
		.secret = "API token of the domain",
		.rule = "the domain's token is user name and password",
		.source = "https://docs.mailpace.com/guide/smtp/",
		.date = DATE,
		.verified = 1 },
	{ .preset = "scaleway",
		.title = "Scaleway Transactional Email",
		.host = "smtp.tem.scw.cloud",
		.user = "the project's id",
		.secret = "secret key of an API key",
		.rule = "the user name is the project's id, not the access "
			"key",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_include = "_spf.tem.scaleway.com",
		.dkim_note = "the project's id as the selector",
		.source = "https://www.scaleway.com/en/docs/"
			  "transactional-email/",
		.date = DATE },
};

/* Compared with what the server said to a login, the most special first. */
static const struct tp_reply_hint replies[] = {
	{ .text = "5.7.139",
		.meaning = "Microsoft: SMTP AUTH is switched off for the "
			   "tenant or for this mailbox, or a security default "
			   "forbids passwords; the password itself may be "
			   "right",
		.todo = "let the tenant's administrator switch on "
			"\"Authenticated SMTP\" for the mailbox, or use an "
			"OAuth 2 token",
		.source = "https://learn.microsoft.com/exchange/"
			  "clients-and-mobile-in-exchange-online/"
			  "authenticated-client-smtp-submission",
		.date = DATE },
	{ .text = "5.7.30",
		.meaning = "Microsoft takes no passwords for this account any "
			   "more",
		.todo = "use an OAuth 2 token (auth = \"xoauth2\" and "
			"token_file), or another relay",
		.source = "https://learn.microsoft.com/exchange/"
			  "clients-and-mobile-in-exchange-online/"
			  "deprecation-of-basic-authentication-exchange-online",
		.date = DATE },
	{ .text = "application-specific password",
		.meaning = "Google: this account needs an app password",
		.todo = "make one at https://myaccount.google.com/apppasswords "
			"and use it instead of the account's password",
		.source =
			"https://support.google.com/mail/?p=InvalidSecondFactor",
		.date = DATE },
	{ .text = "username and password not accepted",
		.meaning = "Google: the account's own password does not work "
			   "for programs",
		.todo = "make an app password at "
			"https://myaccount.google.com/apppasswords",
		.source = "https://support.google.com/mail/?p=BadCredentials",
		.date = DATE },
	{ .text = "app password",
		.meaning = "the provider wants an app password instead of the "
			   "account's",
		.todo = "make one in the account's security settings",
		.source = "https://help.yahoo.com/kb/SLN15241.html",
		.date = DATE },
};

const struct tp_provider_hint *tp_provider_hints(size_t *count_out)
{
	*count_out = COUNT(hints);
	return hints;
}

const struct tp_reply_hint *tp_reply_hints(size_t *count_out)
{
	*count_out = COUNT(replies);
	return replies;
}

/* Is HOST the name END, or a name below it? */
static int ends_in(const char *host, const char *end)
{
	size_t len = strlen(host);
	size_t end_len = strlen(end);

	if (end_len == 0 || len < end_len ||
		strcasecmp(host + len - end_len, end) != 0)
		return 0;
	return len == end_len || host[len - end_len - 1] == '.';
}

const struct tp_provider_hint *tp_provider_hint_find(
	const char *preset, const char *host)
{
	size_t i;

	for (i = 0; preset && i < COUNT(hints); i++)
		if (strcmp(hints[i].preset, preset) == 0)
			return &hints[i];
	for (i = 0; host && i < COUNT(hints); i++)
		if (ends_in(host, hints[i].host))
			return &hints[i];
	return NULL;
}

static int contains(const char *text, const char *part)
{
	size_t len = strlen(part);

	for (; *text; text++)
		if (strncasecmp(text, part, len) == 0)
			return 1;
	return 0;
}

const struct tp_reply_hint *tp_reply_hint_find(const char *reply)
{
	size_t i;

	for (i = 0; i < COUNT(replies); i++)
		if (contains(reply, replies[i].text))
			return &replies[i];
	return NULL;
}
