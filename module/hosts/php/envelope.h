/*
 * envelope.h - sender and recipients in the options of a sendmail command
 *
 * JOB     sendmail_path and the additional parameters of mail() are options of
 *         sendmail. What they say of the envelope is kept: -f and -r, addresses
 *         after the options; and --store of tillpost-sendmail. The rest has no
 *         meaning here.
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_ENVELOPE_H
#define TP_PHP_ENVELOPE_H

#include <php.h>

struct tp_php_envelope {
	zend_string *sender; /* without <>; NULL: not given, or no domain */
	zend_string *store;  /* NULL: not given */
	const char **recipients;
	uint32_t recipient_count;
};

/* Reads options one after the other. Start with { .envelope = e }. */
struct tp_php_options {
	struct tp_php_envelope *envelope;
	bool recipients; /* addresses count */
	char pending;	 /* the letter whose value is the next word */
	bool over;	 /* after "--" */
};
void tp_php_options_word(struct tp_php_options *options, const char *word);

/* sendmail_path and PARAMETERS (escaped for the shell, may be NULL). Addresses
 * count in PARAMETERS only: what stands in sendmail_path may be the value of
 * an option that sendmail does not have. @owns the caller frees */
void tp_php_envelope_read(
	struct tp_php_envelope *envelope_out, const char *parameters);
void tp_php_envelope_free(struct tp_php_envelope *envelope);

#endif
