/*
 * sendmail_args.h - the command line of a sendmail command
 *
 * JOB     Reads the options that programs have given to sendmail commands for
 *         forty years. Single letters may stand together ("-ti"), a value
 *         may be attached ("-fX") or follow ("-f X"), options end at the
 *         first recipient or at "--": nothing behind it is an option, and a
 *         recipient that begins with "-" is refused.
 *         Who can slip words into the command line of a shop must gain
 *         nothing: no option names a file. Where the configuration, the
 *         spool and the plugin are comes from the environment only. Our own
 *         "--store" counts only before all other arguments, where whoever
 *         configured the command puts it.
 *         A mode that takes no message ends in success without one: it is
 *         refused with recipients, with -t, and behind another mode.
 * BOUNDS  Linear in the length of the arguments.
 * LAYER   hosts; libc and <tillpost/abi.h>. Reads no environment.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_SENDMAIL_ARGS_H
#define TP_HOSTS_SENDMAIL_ARGS_H

#include "sendmail/sendmail_address.h"

enum tp_sendmail_mode {
	TP_SENDMAIL_DELIVER, /* a message on standard input */
	TP_SENDMAIL_SMTP,    /* -bs */
	TP_SENDMAIL_QUEUE,   /* -bp, mailq */
	TP_SENDMAIL_NOTHING, /* -bi, newaliases, -q without a message */
	TP_SENDMAIL_HELP,
	TP_SENDMAIL_VERSION
};

#define TP_SENDMAIL_NAME_MAX_BYTES 256

struct tp_sendmail_args {
	enum tp_sendmail_mode mode;
	int header_recipients; /* -t */
	int ignore_dots;       /* -i, -oi */
	int verbose;	       /* -v */
	const char *store;     /* NULL: not given */
	const char *full_name; /* -F; NULL: not given */
	const char *sender;    /* -f; NULL: not given, or without a domain;
				* "": null */
	struct tp_sendmail_addresses recipients;
	struct tp_sendmail_addresses senders; /* owns `sender` */
};

/* @param argv [0] is the name of the program: "mailq" and "newaliases" mean
 *        -bp and -bi
 * @owns  the caller, tp_sendmail_args_free(), also after a failure; the rest
 *        is borrowed from ARGV
 * @return an exit code of sysexits.h: EX_OK; EX_USAGE; EX_DATAERR (an
 *         address); EX_NOUSER (a recipient without a domain); EX_OSERR */
int tp_sendmail_args_read(int argc, char *const *argv,
	struct tp_sendmail_args *args, struct tillpost_error *err);
void tp_sendmail_args_free(struct tp_sendmail_args *args);

#endif
