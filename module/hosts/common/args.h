/*
 * args.h - options of a host's command line
 *
 * JOB     A table of options, each with the place where its value goes; the
 *         type of that place says how the value is read. Built on
 *         getopt_long(3): "--store=S", "--store S", "-sS", "--" all work.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * THREADS not safe (getopt); call it from main().
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_ARGS_H
#define TP_HOSTS_ARGS_H

#include <tillpost/abi.h>

/* Exactly one of the pointers is set. Values that are not given stay as they
 * are. */
struct tp_arg {
	int letter;	   /* 0: no short form */
	const char *name;  /* NULL: no long form */
	int *flag;	   /* set to 1 */
	const char **text; /* borrowed from argv */
	uint32_t *count;   /* 0 to 4,294,967,295 */
	int64_t *duration_ms;
	int64_t *time_ms;
};

#define TP_ARGS_MAX 32

/* Reads options of ARGV[1] and following. Options and operands may be mixed
 * (argv is reordered) unless LEADING_ONLY, which stops at the first operand.
 * @return the index of the first operand, or TILLPOST_EINVAL */
int32_t tp_args_parse(const struct tp_arg *args, size_t count, int leading_only,
	int argc, char **argv, struct tillpost_error *err);

#endif
