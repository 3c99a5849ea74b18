/*
 * store.h - the store that is named outside of a message
 *
 * JOB     tillpost_set_store() goes before tillpost.store, both go before what
 *         sendmail_path says, and that goes before TILLPOST_STORE in the
 *         environment, as with tillpost-sendmail. The environment is the
 *         process's own: what a web server tells of a request is not asked.
 * LAYER   hosts/php.
 * THREADS safe.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_STORE_H
#define TP_PHP_STORE_H

#include <php.h>

#define TP_PHP_STORE_VARIABLE "TILLPOST_STORE"

/* Names as they are in the configuration. */
bool tp_php_is_store_name(const zend_string *name);

/* By the script or the INI setting; NULL: neither. */
const char *tp_php_named_store(void);
/* By the environment; NULL: not. Valid until the next call in this thread. */
const char *tp_php_environment_store(void);

#endif
