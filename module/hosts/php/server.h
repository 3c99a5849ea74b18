/*
 * server.h - what the web server says of the request
 *
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_SERVER_H
#define TP_PHP_SERVER_H

#include <php.h>

/* $_SERVER[NAME] if it is a string, else what the server gave. @owns the
 * caller
 * @return NULL: not known, or empty */
zend_string *tp_php_server_variable(const char *name);

#endif
