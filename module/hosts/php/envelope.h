/*
 * envelope.h - what goes along with the text of a message
 *
 * JOB     sendmail_path and the additional parameters of mail() are options of
 *         sendmail. What they say of the envelope is kept: -f and -r, addresses
 *         after the options; and, of sendmail_path only, --store of
 *         tillpost-sendmail and a TILLPOST_STORE that it is started with:
 *         parameters may come from anywhere. The rest has no meaning here.
 *         And what the web server says of the request. All of it is there
 *         before the text is made: PHP may end a request whenever it is asked
 *         for memory, and a text is large.
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_ENVELOPE_H
#define TP_PHP_ENVELOPE_H

#include "common/sendmail_options.h"

#include <php.h>

struct tp_php_envelope {
	zend_string *sender;   /* without <>; NULL: not given, or no domain */
	zend_string *store;    /* NULL: not given */
	zend_string *run_code; /* MAGE_RUN_CODE; NULL: none */
	zend_string *http_host;
	const char **recipients;
	uint32_t recipient_count;
	/* What is not understood and had better not be ignored; NULL: all is */
	const char *unclear;
};

/* Reads options one after the other. */
struct tp_php_options {
	struct tp_php_envelope *envelope;
	struct tp_sendmail_words words;
	bool in_parameters; /* behind sendmail_path: addresses count */
	bool store_waits;   /* the next word is the value of --store */
};

/* Starts with those of sendmail_path. */
void tp_php_options_begin(struct tp_php_options *options_out,
	struct tp_php_envelope *envelope_out);
/* One word of the parameters. */
void tp_php_options_word(struct tp_php_options *options, const char *word);

/* sendmail_path and PARAMETERS (escaped for the shell, may be NULL). Addresses
 * count in PARAMETERS only: what stands in sendmail_path may be the value of
 * an option that sendmail does not have. @owns the caller frees */
void tp_php_envelope_read(
	struct tp_php_envelope *envelope_out, const char *parameters);
void tp_php_envelope_free(struct tp_php_envelope *envelope);

#endif
