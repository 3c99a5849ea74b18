/*
 * store.h - the store that is named outside of a message
 *
 * JOB     tillpost_set_store() goes before tillpost.store, both go before what
 *         sendmail_path says, and that goes before TILLPOST_STORE in the
 *         environment, as with tillpost-sendmail. To that belongs what the web
 *         server adds for a request (SetEnv, fastcgi_param); a client can add
 *         only variables whose names begin with HTTP_. $_SERVER and $_ENV,
 *         which a script can fill, are not asked.
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
/* By the web server for this request; by that or the environment of the
 * process. NULL: not. Valid until the next call in this thread. */
const char *tp_php_server_store(void);
const char *tp_php_environment_store(void);
/* The first of all these. NULL: none, valid as above. */
const char *tp_php_known_store(void);

#endif
