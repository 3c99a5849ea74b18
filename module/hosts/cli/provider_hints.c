/*
 * provider_hints.c - what people get wrong with a provider
 *
 * JOB     One row per provider, one fact per line, with the page it is from.
 *         A row without dns_source has DNS names from general knowledge, or
 *         none.
 * SPDX-License-Identifier: MIT
 */
#include "cli/provider_hints.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DATE "2026-11"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct tp_provider_hint hints[] = {
	{ .preset = "gmail",
		.title = "Gmail and Google Workspace",
		.hosts = { "smtp.gmail.com" },
		.user = "the whole mail address",
		.secret = "app password (16 letters), not the account's",
		.rule = "Google takes no account passwords from programs since "
			"May 2025 (consumers: 2022): make an app password, "
			"which needs two-step verification",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "_spf.google.com" },
		.selectors = { "google" },
		.source = "https://support.google.com/a/answer/33786",
		.date = DATE },
	{ .preset = "google-workspace-relay",
		.title = "Google Workspace SMTP relay",
		.hosts = { "smtp-relay.gmail.com" },
		.user = "the whole mail address",
		.secret = "app password, unless your address is enough",
		.rule = "the relay service must be switched on by the "
			"administrator of the Workspace, for your address or "
			"with a login",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "_spf.google.com" },
		.selectors = { "google" },
		.source = "https://support.google.com/a/answer/2956491",
		.date = DATE },
	{ .preset = "microsoft365",
		.title = "Microsoft 365",
		.hosts = { "smtp.office365.com" },
		.user = "the whole mail address",
		.secret = "password, while the tenant still allows it",
		.rule = "Microsoft ends password logins (off by default from "
			"the end of December 2026), and SMTP AUTH is a switch "
			"of the tenant and of the mailbox; an OAuth 2 token "
			"(relays.NAME.token_file, auth = \"xoauth2\") is the "
			"way that stays",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "spf.protection.outlook.com" },
		.selectors = { "selector1", "selector2" },
		.source = "https://learn.microsoft.com/exchange/"
			  "clients-and-mobile-in-exchange-online/"
			  "authenticated-client-smtp-submission",
		.dns_source = "https://learn.microsoft.com/defender-office-365/"
			      "email-authentication-spf-configure",
		.date = DATE },
	{ .preset = "outlook",
		.title = "Outlook.com",
		.hosts = { "smtp-mail.outlook.com" },
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
		.date = DATE },
	{ .preset = "yahoo",
		.title = "Yahoo",
		.hosts = { "smtp.mail.yahoo.com" },
		.user = "the whole mail address",
		.secret = "app password",
		.rule = "the account's own password does not work: make an app "
			"password in the account's security settings",
		.source = "https://help.yahoo.com/kb/SLN15241.html",
		.date = DATE },
	{ .preset = "icloud",
		.title = "iCloud",
		.hosts = { "smtp.mail.me.com" },
		.user = "the whole mail address",
		.secret = "app-specific password",
		.rule = "the Apple account's own password does not work: make "
			"an app-specific password",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "icloud.com" },
		.selectors = { "sig1" },
		.source = "https://support.apple.com/102525",
		.date = DATE },
	{ .preset = "fastmail",
		.title = "Fastmail",
		.hosts = { "smtp.fastmail.com" },
		.user = "the whole mail address",
		.secret = "app password",
		.rule = "the account's own password does not work: make an app "
			"password with the right to send",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "spf.messagingengine.com" },
		.selectors = { "fm1", "fm2", "fm3" },
		.source = "https://www.fastmail.help/hc/en-us/articles/"
			  "1500000278342",
		.dns_source = "https://www.fastmail.help/hc/en-us/articles/"
			      "360060591153",
		.date = DATE },
	{ .preset = "zoho",
		.title = "Zoho Mail",
		.user = "the whole mail address",
		.secret = "password, or an app password with two factors",
		.rule = "an account has one data centre (region): with another "
			"one's server the login fails",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "zohomail.com", "zohomail.eu", "zohomail.in",
			"zoho.com", "zoho.eu", "zoho.in" },
		.selectors = { "zmail", "zoho" },
		.source = "https://www.zoho.com/mail/help/zoho-smtp.html",
		.date = DATE },
	{ .preset = "ionos",
		.title = "IONOS",
		.user = "the whole mail address",
		.secret = "password of the mailbox, not of the contract",
		.rule = "the login is that of the mailbox; the customer "
			"number's password does not work",
		.needs_region = 1,
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "_spf-eu.ionos.com", "_spf-us.ionos.com" },
		.selectors = { "s1-ionos", "s2-ionos" },
		.source = "https://www.ionos.com/help/email/",
		.date = DATE },
	{ .preset = "proton",
		.title = "Proton Mail",
		.hosts = { "smtp.protonmail.ch" },
		.user = "the address that the token was made for",
		.secret = "SMTP token",
		.rule = "the account's password does not work: make an SMTP "
			"token, which needs a domain of your own and a "
			"business plan",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "_spf.protonmail.ch" },
		.selectors = { "protonmail", "protonmail2", "protonmail3" },
		.source = "https://proton.me/support/smtp-submission",
		.dns_source = "https://proton.me/support/anti-spoofing-custom-"
			      "domain",
		.date = DATE },
	{ .preset = "amazon-ses",
		.title = "Amazon SES",
		.user = "the SMTP user name (20 letters and digits)",
		.secret = "SMTP password",
		.rule = "the SMTP credentials are made in the SES console and "
			"are not the AWS access key; they belong to one "
			"region; in the sandbox only verified addresses get "
			"mail",
		.needs_region = 1,
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "amazonses.com" },
		.dkim_note = "three CNAME records with random names, as the "
			     "SES console shows them",
		.source = "https://docs.aws.amazon.com/ses/latest/dg/"
			  "smtp-credentials.html",
		.date = DATE },
	{ .preset = "sendgrid",
		.title = "SendGrid",
		.hosts = { "sendgrid.net" },
		.user_kind = TP_HINT_USER_FIXED,
		.user = "apikey",
		.secret = "API key (begins with SG.)",
		.rule = "the user name is literally \"apikey\"; the key goes "
			"into the password, and needs the right Mail Send",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "sendgrid.net" },
		.selectors = { "s1", "s2" },
		.source = "https://www.twilio.com/docs/sendgrid/for-developers/"
			  "sending-email/getting-started-smtp",
		.date = DATE },
	{ .preset = "mailgun",
		.title = "Mailgun",
		.hosts = { "mailgun.org" },
		.user = "of the domain's SMTP credentials, as "
			"postmaster@mg.example.com",
		.secret = "SMTP password of the domain",
		.rule = "the API key is not the SMTP password; each domain has "
			"SMTP credentials of its own, and a region (us, eu)",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "mailgun.org" },
		.selectors = { "pdk1", "pdk2", "mx", "k1", "smtp" },
		.source = "https://documentation.mailgun.com/docs/mailgun/"
			  "user-manual/sending-messages/send-smtp",
		.dns_source =
			"https://documentation.mailgun.com/docs/mailgun/user-"
			"manual/domains/domains-verify",
		.date = DATE },
	{ .preset = "mailjet",
		.title = "Mailjet",
		.hosts = { "in-v3.mailjet.com" },
		.user = "the API key",
		.secret = "secret key",
		.rule = "user name and password are API key and secret key, "
			"not the account's login",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "spf.mailjet.com" },
		.selectors = { "mailjet" },
		.source = "https://documentation.mailjet.com/hc/en-us/articles/"
			  "360043229473",
		.dns_source =
			"https://documentation.mailjet.com/hc/en-us/articles/"
			"360049641733",
		.date = DATE },
	{ .preset = "brevo",
		.title = "Brevo",
		.hosts = { "smtp-relay.brevo.com" },
		.user = "the login shown under SMTP & API",
		.secret = "SMTP key (begins with xsmtpsib-)",
		.rule = "the API key (xkeysib-) is not the SMTP key "
			"(xsmtpsib-), and neither is the account's password",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "spf.brevo.com" },
		.selectors = { "mail", "brevo1", "brevo2" },
		.source = "https://help.brevo.com/hc/en-us/articles/"
			  "7924908994450",
		.date = DATE },
	{ .preset = "postmark",
		.title = "Postmark",
		.hosts = { "postmarkapp.com" },
		.user_kind = TP_HINT_USER_TOKEN,
		.user = "the token again",
		.secret = "server API token",
		.rule = "the server's token is user name and password; the "
			"account token does not work; bulk mail needs the "
			"region \"broadcast\"",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "spf.mtasv.net" },
		.dkim_note = "a selector that begins with a date and ends in "
			     "pm, as the account shows it",
		.source = "https://postmarkapp.com/developer/user-guide/"
			  "send-email-with-smtp",
		.date = DATE },
	{ .preset = "sparkpost",
		.title = "SparkPost",
		.hosts = { "sparkpostmail.com" },
		.user_kind = TP_HINT_USER_FIXED,
		.user = "SMTP_Injection",
		.secret = "API key with the right to send by SMTP",
		.rule = "the user name is literally \"SMTP_Injection\"",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "sparkpostmail.com" },
		.dkim_note = "a selector such as scph0126, as the account "
			     "shows it",
		.source = "https://support.sparkpost.com/docs/",
		.date = DATE },
	{ .preset = "mandrill",
		.title = "Mandrill",
		.hosts = { "smtp.mandrillapp.com" },
		.user = "any text",
		.secret = "API key",
		.rule = "the password is an API key of Mandrill, not of "
			"Mailchimp",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "spf.mandrillapp.com" },
		.selectors = { "mte1", "mte2", "mandrill" },
		.source = "https://mailchimp.com/developer/transactional/docs/"
			  "smtp-integration/",
		.date = DATE },
	{ .preset = "mailersend",
		.title = "MailerSend",
		.hosts = { "smtp.mailersend.net" },
		.user = "as generated for the domain",
		.secret = "as generated for the domain",
		.rule = "SMTP users are generated for each domain; an API "
			"token is not the password",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "_spf.mailersend.net" },
		.selectors = { "mlsend", "mlsend2" },
		.source = "https://www.mailersend.com/help/smtp-relay",
		.date = DATE },
	{ .preset = "resend",
		.title = "Resend",
		.hosts = { "smtp.resend.com" },
		.user_kind = TP_HINT_USER_FIXED,
		.user = "resend",
		.secret = "API key (begins with re_)",
		.rule = "the user name is literally \"resend\"",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "amazonses.com" },
		.selectors = { "resend" },
		.source = "https://resend.com/docs/send-with-smtp",
		.dns_source =
			"https://github.com/Domain-Connect/Templates/blob/"
			"master/resend.com.mail.json",
		.date = DATE },
	{ .preset = "smtp2go",
		.title = "SMTP2GO",
		.hosts = { "smtp2go.com" },
		.user = "an SMTP user, made in the account",
		.secret = "password of the SMTP user",
		.rule = "the account's login and its API keys do not work",
		.spf_at = TP_HINT_SPF_OWN,
		.dkim_note = "a selector of s and the account's number",
		.source = "https://developers.smtp2go.com/",
		.dns_source = "https://support.smtp2go.com/hc/en-gb/articles/"
			      "28543815517209",
		.date = DATE },
	{ .preset = "elastic-email",
		.title = "Elastic Email",
		.hosts = { "smtp.elasticemail.com" },
		.user = "of the SMTP credentials",
		.secret = "password of the SMTP credentials",
		.rule = "SMTP credentials are made in the account; an API key "
			"only works if it was made for SMTP",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "_spf.elasticemail.com" },
		.selectors = { "api" },
		.source = "https://help.elasticemail.com/",
		.dns_source =
			"https://elasticemail.com/support/guides/your-domain/",
		.date = DATE },
	{ .preset = "mailtrap",
		.title = "Mailtrap",
		.hosts = { "live.smtp.mailtrap.io" },
		.user_kind = TP_HINT_USER_FIXED,
		.user = "api",
		.secret = "API token",
		.rule = "the user name is literally \"api\"; tokens of the "
			"sandbox do not work here",
		.spf_at = TP_HINT_SPF_OWN,
		.spf_includes = { "_spf.smtp.mailtrap.live" },
		.selectors = { "rwmt1", "rwmt2" },
		.source = "https://help.mailtrap.io/",
		.date = DATE },
	{ .preset = "infobip",
		.title = "Infobip",
		.hosts = { "smtp-api.infobip.com" },
		.user_kind = TP_HINT_USER_FIXED,
		.user = "App",
		.secret = "API key",
		.rule = "the user name is literally \"App\"",
		.source = "https://www.infobip.com/docs/email/smtp-api",
		.date = DATE },
	{ .preset = "mailpace",
		.title = "MailPace",
		.hosts = { "smtp.mailpace.com" },
		.user_kind = TP_HINT_USER_TOKEN,
		.user = "the token again",
		.secret = "API token of the domain",
		.rule = "the domain's token is user name and password",
		.source = "https://docs.mailpace.com/guide/smtp/",
		.date = DATE },
	{ .preset = "scaleway",
		.title = "Scaleway Transactional Email",
		.hosts = { "smtp.tem.scaleway.com", "smtp.tem.scw.cloud" },
		.user = "the project's id",
		.secret = "secret key of an API key",
		.rule = "the user name is the project's id, not the access "
			"key",
		.spf_at = TP_HINT_SPF_FROM,
		.spf_includes = { "_spf.tem.scaleway.com" },
		.dkim_note = "the project's id as the selector",
		.source = "https://www.scaleway.com/en/docs/"
			  "transactional-email/",
		.dns_source =
			"https://www.scaleway.com/en/docs/transactional-"
			"email/how-to/add-spf-dkim-records-to-your-domain/",
		.date = DATE },
};

/* Compared with what the server said to a login, the most special first. */
static const struct tp_reply_hint replies[] = {
	{ .text = "5.7.139",
		.hosts = { "office365.com", "outlook.com" },
		.meaning = "Microsoft: SMTP AUTH is switched off for the "
			   "tenant or for this mailbox, or a security default "
			   "forbids passwords; the password itself may be "
			   "right",
		.todo = "let the tenant's administrator switch on "
			"\"Authenticated SMTP\" for the mailbox, or use an "
			"OAuth 2 token",
		.source = "https://learn.microsoft.com/exchange/"
			  "clients-and-mobile-in-exchange-online/"
			  "authenticated-client-smtp-submission" },
	{ .text = "5.7.30",
		.hosts = { "office365.com", "outlook.com" },
		.meaning = "Microsoft takes no passwords for this account any "
			   "more",
		.todo = "use an OAuth 2 token (auth = \"xoauth2\" and "
			"token_file), or another relay",
		.source =
			"https://learn.microsoft.com/exchange/"
			"clients-and-mobile-in-exchange-online/"
			"deprecation-of-basic-authentication-exchange-online" },
	{ .text = "application-specific password",
		.hosts = { "gmail.com", "googlemail.com" },
		.meaning = "Google: this account needs an app password",
		.todo = "make one at https://myaccount.google.com/apppasswords "
			"and use it instead of the account's password",
		.source =
			"https://support.google.com/mail/?p=InvalidSecondFactor" },
	{ .text = "username and password not accepted",
		.hosts = { "gmail.com", "googlemail.com" },
		.meaning = "Google: the account's own password does not work "
			   "for programs",
		.todo = "make an app password at "
			"https://myaccount.google.com/apppasswords",
		.source = "https://support.google.com/mail/?p=BadCredentials" },
	{ .text = "app password",
		.hosts = { "yahoo.com", "aol.com", "verizon.net", "att.net" },
		.meaning = "Yahoo wants an app password instead of the "
			   "account's",
		.todo = "make one in the account's security settings",
		.source = "https://help.yahoo.com/kb/SLN15241.html" },
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

int tp_host_ends_in(const char *host, const char *end)
{
	size_t len = strlen(host);
	size_t end_len = strlen(end);

	if (end_len == 0 || len < end_len ||
		strcasecmp(host + len - end_len, end) != 0)
		return 0;
	return len == end_len || host[len - end_len - 1] == '.';
}

static int ends_in_one(
	const char *host, const char *const ends[TP_HINT_HOSTS_MAX + 1])
{
	for (; *ends; ends++)
		if (tp_host_ends_in(host, *ends))
			return 1;
	return 0;
}

const struct tp_provider_hint *tp_provider_hint_find(
	const char *preset, const char *host)
{
	size_t i;

	for (i = 0; preset && i < COUNT(hints); i++)
		if (strcmp(hints[i].preset, preset) == 0)
			return &hints[i];
	for (i = 0; host && i < COUNT(hints); i++)
		if (ends_in_one(host, hints[i].hosts))
			return &hints[i];
	return NULL;
}

/* May a code such as "5.7.30" begin or end beside this? */
static int is_apart(const char *beside)
{
	return !isalnum((unsigned char)beside[0]) &&
	       (beside[0] != '.' || !isdigit((unsigned char)beside[1]));
}

/* Words anywhere in TEXT; a code only as a whole. */
static int contains(const char *text, const char *part)
{
	size_t len = strlen(part);
	int is_code = isdigit((unsigned char)part[0]);
	const char *at;

	for (at = text; *at; at++) {
		if (strncasecmp(at, part, len) != 0)
			continue;
		if (!is_code ||
			(is_apart(at + len) &&
				(at == text ||
					(at[-1] != '.' && is_apart(at - 1)))))
			return 1;
	}
	return 0;
}

const struct tp_reply_hint *tp_reply_hint_find(
	const char *reply, const char *host)
{
	size_t i;

	for (i = 0; i < COUNT(replies); i++)
		if (ends_in_one(host, replies[i].hosts) &&
			contains(reply, replies[i].text))
			return &replies[i];
	return NULL;
}
