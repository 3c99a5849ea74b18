/*
 * functions.h - the functions that scripts can call
 *
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_FUNCTIONS_H
#define TP_PHP_FUNCTIONS_H

#include <php.h>

/* As tillpost.stub.php documents them. */
ZEND_FUNCTION(tillpost_set_store);
ZEND_FUNCTION(tillpost_get_store);
ZEND_FUNCTION(tillpost_last_id);
ZEND_FUNCTION(tillpost_status);

#endif
