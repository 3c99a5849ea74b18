/*
 * main.c - tillpost-sendmail: the sendmail command of a shop
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail.h"

#include "common/report.h"
#include "common/when.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#ifndef TILLPOST_VERSION
#define TILLPOST_VERSION "?"
#endif

#define TIMEOUT_MS (INT64_C(5) * 60 * 1000)
#define HINT_MAX_BYTES 255
#define TIMEOUT_MAX_MS (INT64_C(24) * 60 * 60 * 1000)

static const char help[] =
	"Usage: tillpost-sendmail [--store=NAME] [OPTION...] [--] "
	"[RECIPIENT...] < MESSAGE\n"
	"Accepts a message for delivery by tillpostd, as sendmail commands "
	"do.\n\n"
	"      --store=NAME  the store; only before all other arguments\n"
	"  -t                recipients from To, Cc and Bcc too\n"
	"  -f, -r ADDRESS    the envelope sender; '' or '<>' for none\n"
	"  -F NAME           the name for a From that is made\n"
	"  -i, -oi           a line with one dot does not end the message\n"
	"  -v                print the queue id\n"
	"  -bm               deliver a message (the default)\n"
	"  -bs               SMTP on standard input and output\n"
	"  -bp, mailq        list the queue\n"
	"  -bi, newaliases   nothing: there are no aliases\n"
	"      --help, --version\n"
	"\nSee tillpost-sendmail(1) for what is ignored and refused, and for "
	"the environment.\n";

/* What the spool opens must not become standard output. */
static int open_standard_streams(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
			open("/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

/* NULL if it is not set or empty. */
static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] != '\0' ? value : NULL;
}

/* A hint comes from a client of the shop: one that is no name is none, and no
 * reason to refuse mail. */
static const char *hint(const char *name)
{
	const char *value = environment(name);
	size_t i;

	for (i = 0; value && value[i] != '\0'; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f ||
			i >= HINT_MAX_BYTES)
			return NULL;
	return value;
}

static int read_timeout(const char *text, int64_t *timeout_ms)
{
	int64_t ms;

	if (tp_when_duration(text, &ms) != 0 || ms < 1 || ms > TIMEOUT_MAX_MS)
		return -1;
	*timeout_ms = ms;
	return 0;
}

/* Where a program runs with more rights than its caller, the caller does not
 * choose its files. */
static int32_t read_environment(
	struct tp_sendmail *sendmail, struct tillpost_error *err)
{
	const char *timeout = NULL;

	sendmail->run_code = hint("MAGE_RUN_CODE");
	sendmail->http_host = hint("HTTP_HOST");
	if (getauxval(AT_SECURE) != 0)
		return TILLPOST_OK;
	sendmail->config_path = environment("TILLPOST_CONFIG");
	sendmail->plugin_file = environment("TILLPOST_PLUGIN");
	sendmail->spool_path = environment("TILLPOST_SPOOL");
	sendmail->store = environment("TILLPOST_STORE");
	timeout = environment("TILLPOST_TIMEOUT");
	if (timeout && read_timeout(timeout, &sendmail->timeout_ms) != 0)
		return tp_report_set(err, TILLPOST_EINVAL, "TILLPOST_TIMEOUT",
			"\"%s\" is not a duration between 1ms and 1d", timeout);
	return TILLPOST_OK;
}

static int run(struct tp_sendmail *sendmail)
{
	static const char version[] =
		TP_SENDMAIL_PROGRAM " " TILLPOST_VERSION "\n";

	switch (sendmail->args.mode) {
	case TP_SENDMAIL_DELIVER:
		return tp_sendmail_deliver(sendmail);
	case TP_SENDMAIL_SMTP:
		return tp_sendmail_smtp(sendmail);
	case TP_SENDMAIL_QUEUE:
		return tp_sendmail_queue(sendmail);
	case TP_SENDMAIL_HELP:
		return tp_sendmail_print(sendmail, help, sizeof(help) - 1);
	case TP_SENDMAIL_VERSION:
		return tp_sendmail_print(
			sendmail, version, sizeof(version) - 1);
	case TP_SENDMAIL_NOTHING:
		break;
	}
	return EX_OK;
}

/* The environment first: how long to wait for somebody who reads what is
 * wrong with the arguments stands there. @return an exit code; said if not
 * EX_OK */
static int prepare(struct tp_sendmail *sendmail, int argc, char **argv)
{
	struct tillpost_error err;
	int code;

	if (read_environment(sendmail, &err) < 0)
		return tp_sendmail_fail(sendmail, &err);
	code = tp_sendmail_args_read(argc, argv, &sendmail->args, &err);
	if (code != EX_OK)
		tp_sendmail_say(&err, sendmail->timeout_ms);
	if (sendmail->args.store)
		sendmail->store = sendmail->args.store;
	return code;
}

int main(int argc, char **argv)
{
	struct tp_sendmail sendmail = { .timeout_ms = TIMEOUT_MS };
	const struct rlimit no_core = { .rlim_cur = 0, .rlim_max = 0 };
	int code;

	if (open_standard_streams() != 0)
		return EX_OSERR;
	/* Mail holds links that open accounts: not in a core file. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	code = prepare(&sendmail, argc, argv);
	if (code == EX_OK)
		code = run(&sendmail);
	if (sendmail.handle)
		sendmail.plugin.api->close(&sendmail.handle);
	tp_plugin_unload(&sendmail.plugin);
	tp_sendmail_args_free(&sendmail.args);
	return code;
}
