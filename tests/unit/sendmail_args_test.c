/*
 * sendmail_args_test.c - the command line of a sendmail command
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail_args.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX 16

/* LINE is the command line; words are divided by "|". What was read is put
 * into TEXT: "mode letters store=.. name=.. from=.. a b c". */
static int read_line(
	const char *line, char *text, size_t bytes, struct tillpost_error *err)
{
	static const char modes[] = "DSQNHV";
	char copy[2048];
	char *argv[WORDS_MAX];
	int argc = 0;
	struct tp_sendmail_args args;
	char *at = copy;
	size_t len;
	size_t i;
	int rc;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	while (at && argc < WORDS_MAX) {
		argv[argc++] = at;
		at = strchr(at, '|');
		if (at)
			*at++ = '\0';
	}
	TILLPOST_INIT(err);
	rc = tp_sendmail_args_read(argc, argv, &args, err);
	(void)snprintf(text, bytes, "%c%s%s%s", modes[args.mode],
		args.header_recipients ? "t" : "", args.ignore_dots ? "i" : "",
		args.verbose ? "v" : "");
	if (args.store && (len = strlen(text)) < bytes)
		(void)snprintf(
			text + len, bytes - len, " store=%s", args.store);
	if (args.full_name && (len = strlen(text)) < bytes)
		(void)snprintf(
			text + len, bytes - len, " name=%s", args.full_name);
	if (args.sender && (len = strlen(text)) < bytes)
		(void)snprintf(
			text + len, bytes - len, " from=%s", args.sender);
	for (i = 0; i < args.recipients.count; i++)
		if ((len = strlen(text)) < bytes)
			(void)snprintf(text + len, bytes - len, " %s",
				args.recipients.items[i]);
	tp_sendmail_args_free(&args);
	return rc;
}

struct good_case {
	const char *line;
	const char *text;
};

static const struct good_case goods[] = {
	/* as PHP, Symfony, Swift and Laminas call it */
	{ "sendmail|-t|-i", "Dti" },
	{ "sendmail|-t", "Dt" },
	{ "sendmail|-ti", "Dti" },
	{ "sendmail|-t|-oi", "Dti" },
	{ "sendmail|-t|-i|-fshop@example.com", "Dti from=shop@example.com" },
	{ "sendmail|-t|-i|-f|shop@example.com", "Dti from=shop@example.com" },
	{ "sendmail|-t|-i|-f'shop@example.com'", "Dti from=shop@example.com" },
	{ "sendmail|-t|-i|-rshop@example.com", "Dti from=shop@example.com" },
	{ "sendmail|-i|-fa@b.c|--|x@y.z|v@w.x", "Di from=a@b.c x@y.z v@w.x" },
	{ "sendmail|-i|-fa@b.c|x@y.z|v@w.x", "Di from=a@b.c x@y.z v@w.x" },
	{ "/usr/sbin/sendmail|-bs", "S" },
	{ "sendmail|-tifa@b.c", "Dti from=a@b.c" },
	/* as cron, mailx, git and scripts call it */
	{ "sendmail|-i|-FCronDaemon|-B8BITMIME|-oem|root@example.com",
		"Di name=CronDaemon root@example.com" },
	{ "sendmail|-FCronDaemon|-odi|-oem|-oi|-f|root|a@b.c",
		"Di name=CronDaemon a@b.c" },
	{ "sendmail|-oi|-F|A B|a@b.c", "Di name=A B a@b.c" },
	{ "sendmail|-bm|-oem|-oi|a@b.c", "Di a@b.c" },
	{ "sendmail|-v|-m|-n|-U|-G|-i|-em|a@b.c", "Div a@b.c" },
	{ "sendmail|-N|never|-R|hdrs|-V|env|-h|3|-L|tag|-Ac|a@b.c", "D a@b.c" },
	{ "sendmail|-OMaxRecipientsPerMessage=1|-O|x=y|a@b.c", "D a@b.c" },
	{ "sendmail|-pSMTP:host|-oQ/tmp|a@b.c", "D a@b.c" },
	{ "sendmail|-t|-V", "Dt" },
	{ "sendmail|-t|a@b.c", "Dt a@b.c" },
	/* senders */
	{ "sendmail|-t|-f|", "Dt from=" },
	{ "sendmail|-t|-f|<>", "Dt from=" },
	{ "sendmail|-t|-f|<a@b.c>", "Dt from=a@b.c" },
	{ "sendmail|-t|-f|Shop <a@b.c>", "Dt from=a@b.c" },
	{ "sendmail|-t|-f|www-data", "Dt" },
	{ "sendmail|-t|-fa@b.c|-fx@y.z", "Dt from=x@y.z" },
	{ "sendmail|-t|-f|\"a@b\"@c.d", "Dt from=\"a@b\"@c.d" },
	/* lists */
	{ "sendmail|a@b.c, x@y.z", "D a@b.c x@y.z" },
	{ "sendmail|a@b.c,,x@y.z,", "D a@b.c x@y.z" },
	{ "sendmail|Shop <a@b.c>, x@y.z (Xy, (Z))", "D a@b.c x@y.z" },
	{ "sendmail|\"a, b\"@c.d,x@y.z", "D \"a, b\"@c.d x@y.z" },
	{ "sendmail|\"Shop, the\" <a@b.c>", "D a@b.c" },
	/* the other modes */
	{ "mailq", "Q" },
	{ "/usr/bin/mailq|-v", "Qv" },
	{ "sendmail|-bp", "Q" },
	{ "sendmail|-b|p", "Q" },
	{ "newaliases", "N" },
	{ "sendmail|-bi", "N" },
	{ "sendmail|-I", "N" },
	{ "sendmail|-q", "N" },
	{ "sendmail|-q30m", "N" },
	{ "sendmail|-q|a@b.c", "D a@b.c" },
	{ "sendmail|-bm|-bm|-t", "Dt" },
	{ "mailq|-bp", "Q" },
	{ "sendmail|-bs|-q", "S" },
	{ "sendmail|-oi|-bs|-fa@b.c", "Si from=a@b.c" },
	/* our own */
	{ "sendmail|--store=eu|-t|-i", "Dti store=eu" },
	{ "sendmail|--store|eu|-t", "Dt store=eu" },
	{ "sendmail|--help", "H" },
	{ "sendmail|--version", "V" },
};

static void what_programs_say_is_understood(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(goods); i++) {
		struct tillpost_error err;
		char text[512];
		int rc = read_line(goods[i].line, text, sizeof(text), &err);

		if (rc != EX_OK)
			fail_msg("%s: %d %s", goods[i].line, rc, err.text);
		assert_string_equal(text, goods[i].text);
	}
}

struct wrong_case {
	const char *line;
	int code;
	const char *where;
	const char *text;
};

static const struct wrong_case wrongs[] = {
	{ "sendmail", EX_USAGE, "", "no recipient" },
	{ "sendmail|-f|a@b.c", EX_USAGE, "", "no recipient" },
	{ "sendmail|,", EX_USAGE, "", "no recipient" },
	{ "sendmail|-f", EX_USAGE, "-f", "needs a value" },
	{ "sendmail|-z|a@b.c", EX_USAGE, "-z", "no such option" },
	{ "sendmail|-t\x01", EX_USAGE, "-\\x01", "no such option" },
	{ "sendmail|-t\xc3", EX_USAGE, "-\\xc3", "no such option" },
	{ "sendmail|-X/tmp/log|a@b.c", EX_USAGE, "-X", "refused" },
	{ "sendmail|-tX|/tmp/log", EX_USAGE, "-X", "refused" },
	{ "sendmail|-C/tmp/cf|a@b.c", EX_USAGE, "-C", "refused" },
	{ "sendmail|-D/tmp/log|a@b.c", EX_USAGE, "-D", "refused" },
	{ "sendmail|-be|a@b.c", EX_USAGE, "-be", "not in this sendmail" },
	{ "sendmail|-bv|a@b.c", EX_USAGE, "-bv", "not in this sendmail" },
	{ "sendmail|-bd", EX_USAGE, "-bd", "not in this sendmail" },
	{ "sendmail|-bt", EX_USAGE, "-bt", "not in this sendmail" },
	/* success without a message, chosen by whoever adds the last words */
	{ "sendmail|-t|-i|-I", EX_USAGE, "-I", "recipients" },
	{ "sendmail|-t|-i|-bi", EX_USAGE, "-bi", "recipients" },
	{ "sendmail|-t|-i|-bp", EX_USAGE, "-bp", "recipients" },
	{ "sendmail|-t|-i|-bs", EX_USAGE, "-bs", "recipients" },
	{ "sendmail|-tbs", EX_USAGE, "-bs", "recipients" },
	{ "sendmail|-bs|-t", EX_USAGE, "-bs", "recipients" },
	{ "sendmail|-i|-bs|a@b.c", EX_USAGE, "-bs", "recipients" },
	{ "sendmail|-I|--|a@b.c", EX_USAGE, "-I", "recipients" },
	{ "sendmail|--help|-t", EX_USAGE, "--help", "recipients" },
	{ "mailq|a@b.c", EX_USAGE, "mailq", "recipients" },
	{ "newaliases|-t", EX_USAGE, "newaliases", "recipients" },
	{ "sendmail|-bs|-I", EX_USAGE, "-I", "another mode" },
	{ "sendmail|-bs|-bm", EX_USAGE, "-bm", "another mode" },
	{ "sendmail|-bm|-bp", EX_USAGE, "-bp", "another mode" },
	{ "sendmail|--version|-bs", EX_USAGE, "-bs", "another mode" },
	{ "mailq|-bi", EX_USAGE, "-bi", "another mode" },
	{ "sendmail|-F|a\tb|-t", EX_USAGE, "-F", "control character" },
	{ "sendmail|-t|--store=eu", EX_USAGE, "--store", "first argument" },
	{ "sendmail|--store=a|--store=b|-t", EX_USAGE, "--store", "twice" },
	{ "sendmail|--store=|-t", EX_USAGE, "--store", "needs a name" },
	{ "sendmail|--store", EX_USAGE, "--store", "needs a name" },
	{ "sendmail|--config=/tmp/x|-t", EX_USAGE, "--config", "environment" },
	{ "sendmail|--plugin|/tmp/x|-t", EX_USAGE, "--plugin", "environment" },
	{ "sendmail|--spool=/tmp/x|-t", EX_USAGE, "--spool", "environment" },
	{ "sendmail|--bogus|-t", EX_USAGE, "--bogus", "no such option" },
	{ "sendmail|-t|-f|a@b.c,d@e.f", EX_USAGE, "-f", "more than one" },
	{ "sendmail|-t|-f|-X/tmp/log", EX_DATAERR, "-X/tmp/log", "begin with" },
	{ "sendmail|-t|-f|<-a@b.c>", EX_DATAERR, "-a@b.c", "begin with" },
	{ "sendmail|-t|-f|a@b.c\nBcc: x", EX_DATAERR, "address", "control" },
	{ "sendmail|-t|-f|<a@b.c", EX_DATAERR, "<a@b.c", "do not match" },
	{ "sendmail|\"a@b.c", EX_DATAERR, "\"a@b.c", "do not match" },
	{ "sendmail|<a@b.c>d", EX_DATAERR, "<a@b.c>d", "do not match" },
	{ "sendmail|(a@b.c", EX_DATAERR, "(a@b.c", "do not match" },
	{ "sendmail|a@b.c|-t", EX_DATAERR, "-t", "begin with" },
	{ "sendmail|--|-t", EX_DATAERR, "-t", "begin with" },
	{ "sendmail|-", EX_DATAERR, "-", "begin with" },
	{ "sendmail|a@b.c, -X/tmp/log", EX_DATAERR, "-X/tmp/log",
		"begin with" },
	{ "sendmail|root", EX_NOUSER, "root", "has no domain" },
	{ "sendmail|-t|a@b.c|root", EX_NOUSER, "root", "has no domain" },
	{ "sendmail|<>", EX_NOUSER, "", "has no domain" },
	{ "sendmail|/var/www/x.php", EX_NOUSER, "/var/www/x.php", "no domain" },
};

static void what_is_wrong_is_named(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrongs); i++) {
		struct tillpost_error err;
		char text[512];
		int rc = read_line(wrongs[i].line, text, sizeof(text), &err);

		if (rc != wrongs[i].code)
			fail_msg("%s: %d, not %d", wrongs[i].line, rc,
				wrongs[i].code);
		assert_string_equal(err.where, wrongs[i].where);
		if (!strstr(err.text, wrongs[i].text))
			fail_msg("%s: %s", wrongs[i].line, err.text);
	}
}

/* ---- two hundred command lines of an attacker --------------------------- */

/* What somebody slips in where a shop puts an address or its fifth argument
 * of mail(). None may be taken for anything but an ignored option, a sender
 * or a recipient. */
static const char *const payloads[] = { "-X/var/www/x.php", "-X|/var/www/x.php",
	"-OQueueDirectory=/tmp", "-O|QueueDirectory=/tmp", "-oQ/tmp",
	"-C/tmp/evil.cf", "-C|/tmp/evil.cf", "-D/tmp/log", "-be",
	"-be|${run{/bin/id}}", "-bp", "-bt", "-bd", "-bi", "-q", "-qf",
	"--config=/tmp/evil.conf", "--plugin=/tmp/evil.so", "--spool=/tmp",
	"--store=other", "--", "-M|x", "-d0.1", "-i", "-t" };

static const char *const frames[] = { "sendmail|-t|-i|%s",
	"sendmail|-t|-i|-fa@b.c|%s", "sendmail|-t|-i|-f|%s",
	"sendmail|-i|-fa@b.c|%s|x@y.z", "sendmail|-i|-fa@b.c|--|%s|x@y.z",
	"sendmail|-i|x@y.z|%s", "sendmail|-t|-i|-fa\"@b.c|%s|z",
	"sendmail|-t|-i|-F|%s" };

static void no_argument_slipped_in_names_a_file_or_a_store(void **state)
{
	size_t f;
	size_t p;

	(void)state;
	assert_true(COUNT(frames) * COUNT(payloads) >= 200);
	for (f = 0; f < COUNT(frames); f++) {
		const char *mark = strstr(frames[f], "%s");

		for (p = 0; p < COUNT(payloads); p++) {
			struct tillpost_error err;
			char line[256];
			char text[512];
			int rc;

			(void)snprintf(line, sizeof(line), "%.*s%s%s",
				(int)(mark - frames[f]), frames[f], payloads[p],
				mark + 2);
			rc = read_line(line, text, sizeof(text), &err);
			if (rc != EX_OK && rc != EX_USAGE && rc != EX_DATAERR &&
				rc != EX_NOUSER)
				fail_msg("%s: %d", line, rc);
			if (strstr(text, "store=") || strstr(text, "from=-") ||
				strstr(text, " -"))
				if (!strstr(text, "name=-"))
					fail_msg("%s: %s", line, text);
			/* Success is only ever that of a message. */
			if (rc == EX_OK && text[0] != 'D')
				fail_msg("%s: %s", line, text);
		}
	}
}

static void an_empty_command_line_is_refused(void **state)
{
	char *argv[] = { NULL };
	struct tp_sendmail_args args;
	struct tillpost_error err;

	(void)state;
	assert_int_equal(tp_sendmail_args_read(0, argv, &args, &err), EX_USAGE);
	tp_sendmail_args_free(&args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_programs_say_is_understood),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(
			no_argument_slipped_in_names_a_file_or_a_store),
		cmocka_unit_test(an_empty_command_line_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
