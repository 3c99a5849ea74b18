/*
 * sendmail_args.c - the command line of a sendmail command
 *
 * SPDX-License-Identifier: MIT
 */
#include "sendmail/sendmail_args.h"

#include "common/address_list.h"
#include "common/report.h"
#include "common/sendmail_options.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* What one command line has said so far. */
struct reading {
	struct tp_sendmail_args *args;
	struct tillpost_error *err;
	int queue_run; /* -q */
	char mode[16]; /* what chose the mode, as it is spelled; "": none */
};

/* EX_USAGE, which has no code of its own among TILLPOST_E* */
static int misused(struct reading *reading, const char *where, const char *text)
{
	(void)tp_report_set(reading->err, TILLPOST_EINVAL, where, "%s", text);
	return EX_USAGE;
}

static int address_code(int32_t status)
{
	return status == TILLPOST_EADDRESS ? EX_DATAERR : EX_OSERR;
}

/* ---- values ------------------------------------------------------------- */

/* cron and scripts give the name of a user: that is no sender that a relay
 * would take, so the store's is used. */
static int take_sender(struct reading *reading, const char *value)
{
	struct tp_sendmail_args *args = reading->args;
	struct tp_sendmail_addresses *list = &args->senders;
	size_t before = list->count;
	int32_t rc = tp_sendmail_addresses_add(list, value, reading->err);

	if (rc < 0)
		return address_code(rc);
	if (list->count > before + 1)
		return misused(reading, "-f", "names more than one address");
	if (list->count == before || list->items[before][0] == '\0')
		args->sender = "";
	else if (tp_address_qualified(list->items[before]))
		args->sender = list->items[before];
	else
		args->sender = NULL;
	return EX_OK;
}

static int take_name(struct reading *reading, const char *value)
{
	size_t i;

	for (i = 0; value[i] != '\0'; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return misused(reading, "-F",
				"the name holds a control character");
	if (i > TP_SENDMAIL_NAME_MAX_BYTES)
		return misused(reading, "-F", "the name is too long");
	reading->args->full_name = value;
	return EX_OK;
}

static int set_mode(struct reading *reading, enum tp_sendmail_mode mode,
	const char *spelling)
{
	if (reading->mode[0] != '\0' && mode != reading->args->mode)
		return misused(
			reading, spelling, "there is another mode before it");
	reading->args->mode = mode;
	(void)snprintf(reading->mode, sizeof(reading->mode), "%s", spelling);
	return EX_OK;
}

static int take_mode(struct reading *reading, const char *value)
{
	static const struct {
		const char *name;
		enum tp_sendmail_mode mode;
	} modes[] = {
		{ "m", TP_SENDMAIL_DELIVER },
		{ "s", TP_SENDMAIL_SMTP },
		{ "p", TP_SENDMAIL_QUEUE },
		{ "i", TP_SENDMAIL_NOTHING },
	};
	char spelling[16];
	size_t i;

	(void)snprintf(spelling, sizeof(spelling), "-b%s", value);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(value, modes[i].name) == 0)
			return set_mode(reading, modes[i].mode, spelling);
	return misused(reading, spelling,
		"not in this sendmail; it has -bm, -bs, -bp and -bi");
}

/* CTX is the struct reading. @param value NULL: the option has none */
static int take(void *ctx, char letter, const char *value)
{
	struct reading *reading = ctx;
	struct tp_sendmail_args *args = reading->args;

	switch (letter) {
	case 'F':
		return take_name(reading, value);
	case 'I':
		return set_mode(reading, TP_SENDMAIL_NOTHING, "-I");
	case 'b':
		return take_mode(reading, value);
	case 'f':
	case 'r':
		return take_sender(reading, value);
	case 'i':
		args->ignore_dots = 1;
		break;
	case 'o':
		if (strcmp(value, "i") == 0)
			args->ignore_dots = 1;
		break;
	case 'q':
		reading->queue_run = 1;
		break;
	case 't':
		args->header_recipients = 1;
		break;
	case 'v':
		args->verbose = 1;
		break;
	default:
		break;
	}
	return EX_OK;
}

static int refuse_letter(struct reading *reading, char letter)
{
	char spelling[16];
	int code = (unsigned char)letter;

	if (code > 0x20 && code < 0x7f)
		(void)snprintf(spelling, sizeof(spelling), "-%c", letter);
	else
		(void)snprintf(spelling, sizeof(spelling), "-\\x%02x", code);
	if (tp_sendmail_option(letter) == TP_SENDMAIL_OPTION_REFUSED)
		return misused(reading, spelling,
			"refused: files are not named in arguments here");
	return misused(reading, spelling, "no such option here");
}

/* ---- our own ------------------------------------------------------------ */

static int take_store(struct reading *reading, const char *value)
{
	if (!value || value[0] == '\0')
		return misused(reading, "--store", "needs a name");
	if (reading->args->store)
		return misused(reading, "--store", "is given twice");
	reading->args->store = value;
	return EX_OK;
}

/* @return EX_OK and *INDEX behind all options of our own */
static int read_own(
	struct reading *reading, int argc, char *const *argv, int *index)
{
	int rc = EX_OK;

	for (; rc == EX_OK && *index < argc; (*index)++) {
		const char *word = argv[*index];

		if (strncmp(word, "--store=", 8) == 0) {
			rc = take_store(reading, word + 8);
		} else if (strcmp(word, "--store") == 0) {
			(*index)++;
			rc = take_store(
				reading, *index < argc ? argv[*index] : NULL);
		} else if (strcmp(word, "--help") == 0) {
			rc = set_mode(reading, TP_SENDMAIL_HELP, word);
		} else if (strcmp(word, "--version") == 0) {
			rc = set_mode(reading, TP_SENDMAIL_VERSION, word);
		} else {
			break;
		}
	}
	return rc;
}

static int refuse_long(struct reading *reading, const char *word)
{
	static const char *const places[] = { "--config", "--plugin",
		"--spool" };
	size_t i;

	if (strncmp(word, "--store", 7) == 0)
		return misused(
			reading, "--store", "must be the first argument");
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(word, places[i], strlen(places[i])) == 0)
			return misused(reading, places[i],
				"is not an option here, where others may "
				"choose the arguments: set TILLPOST_CONFIG, "
				"TILLPOST_PLUGIN or TILLPOST_SPOOL in the "
				"environment");
	return misused(reading, word, "no such option here");
}

/* ---- the whole ---------------------------------------------------------- */

/* What was read of a word of options, or of the value of one. */
static int outcome(
	struct reading *reading, const struct tp_sendmail_words *words)
{
	if (words->stopped)
		return words->stopped;
	return words->unfit == '\0' ? EX_OK
				    : refuse_letter(reading, words->unfit);
}

/* @return EX_OK and *INDEX at the first recipient */
static int read_options(
	struct reading *reading, int argc, char *const *argv, int *index)
{
	struct tp_sendmail_words words = { .said = take, .ctx = reading };
	int rc = read_own(reading, argc, argv, index);

	for (; rc == EX_OK && *index < argc; (*index)++) {
		const char *word = argv[*index];

		switch (tp_sendmail_words_read(&words, word)) {
		case TP_SENDMAIL_WORD_RECIPIENT:
			return EX_OK;
		case TP_SENDMAIL_WORD_END:
			(*index)++;
			return EX_OK;
		case TP_SENDMAIL_WORD_LONG:
			rc = refuse_long(reading, word);
			break;
		default:
			rc = outcome(reading, &words);
		}
	}
	if (rc == EX_OK && tp_sendmail_words_lack_value(&words))
		rc = misused(reading, argv[argc - 1], "needs a value");
	return rc;
}

static int read_recipients(
	struct reading *reading, int argc, char *const *argv, int index)
{
	struct tp_sendmail_addresses *list = &reading->args->recipients;
	size_t i;

	for (; index < argc; index++) {
		int32_t rc = tp_sendmail_addresses_add(
			list, argv[index], reading->err);

		if (rc < 0)
			return address_code(rc);
	}
	for (i = 0; i < list->count; i++) {
		if (tp_address_qualified(list->items[i]))
			continue;
		(void)tp_report_set(reading->err, TILLPOST_EADDRESS,
			list->items[i],
			"has no domain: tillpost knows no local users and no "
			"aliases, only addresses such as name@example.com");
		return EX_NOUSER;
	}
	return EX_OK;
}

static void read_program_name(struct reading *reading, const char *name)
{
	const char *slash = strrchr(name, '/');

	if (slash)
		name = slash + 1;
	if (strcmp(name, "mailq") == 0)
		(void)set_mode(reading, TP_SENDMAIL_QUEUE, name);
	else if (strcmp(name, "newaliases") == 0)
		(void)set_mode(reading, TP_SENDMAIL_NOTHING, name);
}

/* Whoever may add words to a command line must not make a success of a
 * message that went nowhere.
 * @param words there are arguments behind the options */
static int finish_without_message(struct reading *reading, int words)
{
	if (words || reading->args->header_recipients)
		return misused(reading, reading->mode,
			"takes no message: not together with -t or "
			"recipients");
	return EX_OK;
}

static int finish(struct reading *reading)
{
	struct tp_sendmail_args *args = reading->args;
	int message = args->header_recipients || args->recipients.count > 0;

	if (reading->queue_run && !message)
		args->mode = TP_SENDMAIL_NOTHING;
	else if (!message)
		return misused(reading, "",
			"no recipient: name some, or use "
			"-t to have To, Cc and Bcc used");
	return EX_OK;
}

static size_t bytes_of(int argc, char *const *argv)
{
	size_t bytes = 0;
	int i;

	for (i = 0; i < argc; i++)
		bytes += strlen(argv[i]) + 1;
	return bytes;
}

int tp_sendmail_args_read(int argc, char *const *argv,
	struct tp_sendmail_args *args, struct tillpost_error *err)
{
	struct reading reading = { .args = args, .err = err };
	size_t bytes = bytes_of(argc, argv);
	int index = 1;
	int rc;

	*args = (struct tp_sendmail_args) { .mode = TP_SENDMAIL_DELIVER };
	if (tp_sendmail_addresses_init(&args->recipients, bytes, err) < 0 ||
		tp_sendmail_addresses_init(&args->senders, bytes, err) < 0)
		return EX_OSERR;
	if (argc > 0)
		read_program_name(&reading, argv[0]);
	rc = read_options(&reading, argc, argv, &index);
	if (rc == EX_OK && args->mode != TP_SENDMAIL_DELIVER)
		return finish_without_message(&reading, index < argc);
	if (rc == EX_OK)
		rc = read_recipients(&reading, argc, argv, index);
	return rc == EX_OK ? finish(&reading) : rc;
}

void tp_sendmail_args_free(struct tp_sendmail_args *args)
{
	tp_sendmail_addresses_free(&args->recipients);
	tp_sendmail_addresses_free(&args->senders);
	args->sender = NULL;
}
