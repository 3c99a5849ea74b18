/*
 * tillpost_arginfo.h - the functions of tillpost.stub.php as PHP wants them
 *
 * LAYER   hosts/php; below in the form that PHP's gen_stub.php writes.
 * SPDX-License-Identifier: MIT
 */
/* clang-format off */
/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: 0c14082e817149fa489f97d41d9d4ffe46c41010 */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tillpost_set_store, 0, 1, IS_STRING, 1)
	ZEND_ARG_TYPE_INFO(0, store, IS_STRING, 1)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_tillpost_get_store, 0, 0, IS_STRING, 1)
ZEND_END_ARG_INFO()

#define arginfo_tillpost_last_id arginfo_tillpost_get_store

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_tillpost_status, 0, 1, MAY_BE_ARRAY|MAY_BE_FALSE)
	ZEND_ARG_TYPE_INFO(0, id, IS_STRING, 0)
ZEND_END_ARG_INFO()


ZEND_FUNCTION(tillpost_set_store);
ZEND_FUNCTION(tillpost_get_store);
ZEND_FUNCTION(tillpost_last_id);
ZEND_FUNCTION(tillpost_status);


static const zend_function_entry ext_functions[] = {
	ZEND_FE(tillpost_set_store, arginfo_tillpost_set_store)
	ZEND_FE(tillpost_get_store, arginfo_tillpost_get_store)
	ZEND_FE(tillpost_last_id, arginfo_tillpost_last_id)
	ZEND_FE(tillpost_status, arginfo_tillpost_status)
	ZEND_FE_END
};
/* clang-format on */
