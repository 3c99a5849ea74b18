/*
 * args.c - options of a host's command line
 *
 * SPDX-License-Identifier: MIT
 */
#include "common/args.h"

#include "common/report.h"
#include "common/when.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

/* getopt_long() answers with this plus the index in the table. */
#define INDEX_BASE 256

struct tables {
	char letters[2 * TP_ARGS_MAX + 3];
	struct option names[TP_ARGS_MAX + 1];
};

static void build(struct tables *tables, const struct tp_arg *args,
	size_t count, int leading_only)
{
	char *letter = tables->letters;
	struct option *name = tables->names;
	size_t i;

	if (leading_only)
		*letter++ = '+';
	*letter++ = ':'; /* a missing value is told apart from the rest */
	for (i = 0; i < count; i++) {
		int has_value = args[i].flag == NULL;

		if (args[i].letter) {
			*letter++ = (char)args[i].letter;
			if (has_value)
				*letter++ = ':';
		}
		if (args[i].name)
			*name++ = (struct option) {
				.name = args[i].name,
				.has_arg = has_value ? required_argument
						     : no_argument,
				.val = INDEX_BASE + (int)i,
			};
	}
	*letter = '\0';
	*name = (struct option) { .name = NULL };
}

static const struct tp_arg *find(
	const struct tp_arg *args, size_t count, int opt)
{
	size_t i;

	if (opt >= INDEX_BASE)
		return &args[opt - INDEX_BASE];
	for (i = 0; i < count; i++)
		if (args[i].letter == opt)
			return &args[i];
	return NULL;
}

static int parse_count(const char *s, uint32_t *out)
{
	unsigned long value;
	char *end;

	if (*s < '0' || *s > '9')
		return -1;
	errno = 0;
	value = strtoul(s, &end, 10);
	if (errno != 0 || *end != '\0' || value > UINT32_MAX)
		return -1;
	*out = (uint32_t)value;
	return 0;
}

/* @return NULL, or what was expected */
static const char *store(const struct tp_arg *arg, const char *value)
{
	if (arg->flag)
		*arg->flag = 1;
	if (arg->text)
		*arg->text = value;
	if (arg->count && parse_count(value, arg->count) != 0)
		return "a number";
	if (arg->duration_ms && tp_when_duration(value, arg->duration_ms) != 0)
		return "a duration such as 30s, 5m, 2h or 3d";
	if (arg->time_ms && tp_when_time(value, arg->time_ms) != 0)
		return "a time such as 2026-11-21 or 2026-11-21T18:30, or a "
		       "duration such as 2h";
	return NULL;
}

/* getopt_long() has refused WORD: OPT is ':' for a missing value. */
static int32_t refuse(int opt, const char *word, struct tillpost_error *err)
{
	char spelling[64];
	const char *why = "no such option here";

	if (opt == ':')
		why = "needs a value";
	else if (optopt >= INDEX_BASE)
		why = "takes no value";
	if (optopt > 0 && optopt < INDEX_BASE)
		(void)snprintf(spelling, sizeof(spelling), "-%c", optopt);
	else
		(void)snprintf(spelling, sizeof(spelling), "%s", word);
	return tp_report_set(err, TILLPOST_EINVAL, spelling, "%s", why);
}

static int32_t refuse_value(const struct tp_arg *arg, const char *expected,
	struct tillpost_error *err)
{
	char spelling[64];

	if (arg->name)
		(void)snprintf(spelling, sizeof(spelling), "--%s", arg->name);
	else
		(void)snprintf(spelling, sizeof(spelling), "-%c", arg->letter);
	return tp_report_set(err, TILLPOST_EINVAL, spelling, "\"%s\" is not %s",
		optarg, expected);
}

int32_t tp_args_parse(const struct tp_arg *args, size_t count, int leading_only,
	int argc, char **argv, struct tillpost_error *err)
{
	struct tables tables;
	int opt;

	if (count > TP_ARGS_MAX)
		return tp_report_set(
			err, TILLPOST_EINVAL, "", "too many options defined");
	build(&tables, args, count, leading_only);
	optind = 0; /* start afresh, also for a second command line */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, tables.letters, tables.names,
			NULL)) != -1) {
		const struct tp_arg *arg = find(args, count, opt);
		const char *expected;

		if (!arg)
			return refuse(opt, argv[optind - 1], err);
		expected = store(arg, optarg);
		if (expected)
			return refuse_value(arg, expected, err);
	}
	return optind;
}
