/*
 * submit.h - one submission
 *
 * LAYER   hosts/php.
 * THREADS safe (ZTS).
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_SUBMIT_H
#define TP_PHP_SUBMIT_H

#include "php/envelope.h"

#include <tillpost/abi.h>

/* How a submission ended. */
enum tp_php_verdict {
	TP_PHP_ACCEPTED,  /* it is durable */
	TP_PHP_REFUSED,	  /* the store may not be used: send it no other way */
	TP_PHP_UNCERTAIN, /* it may be sent: not twice */
	TP_PHP_STRANDED,  /* as before, but the store could not go along */
	TP_PHP_NOT_TAKEN  /* it could not be accepted: send it as before */
};

/* Submits the LEN bytes of TEXT with recipients from its headers too (sendmail
 * -t). The id becomes tillpost_last_id(). ERR is filled unless it was accepted.
 */
enum tp_php_verdict tp_php_submit(const char *text, size_t len,
	const struct tp_php_envelope *envelope, struct tillpost_error *err);

#endif
