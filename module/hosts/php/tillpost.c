/*
 * tillpost.c - the PHP extension: module entry and settings
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/php_tillpost.h"

#include "php/handle.h"
#include "php/hooks.h"
#include "php/info.h"

#include <php_ini.h>
#include <ext/standard/info.h>

#include "tillpost_arginfo.h"

ZEND_DECLARE_MODULE_GLOBALS(tillpost)

#define SETTING(name, default_value, where, handler, member)               \
	STD_PHP_INI_ENTRY("tillpost." name, default_value, where, handler, \
		member, zend_tillpost_globals, tillpost_globals)

/* clang-format off */
PHP_INI_BEGIN()
	STD_PHP_INI_BOOLEAN("tillpost.enable", "1", PHP_INI_SYSTEM | PHP_INI_PERDIR,
		OnUpdateBool, enable, zend_tillpost_globals, tillpost_globals)
	SETTING("store", "", PHP_INI_SYSTEM | PHP_INI_PERDIR, OnUpdateString,
		store)
	SETTING("config", TILLPOST_CONFIG_PATH, PHP_INI_SYSTEM,
		OnUpdateString, config)
	SETTING("plugin", "", PHP_INI_SYSTEM, OnUpdateString, plugin)
	SETTING("spool", "", PHP_INI_SYSTEM, OnUpdateString, spool)
	SETTING("sendmail", TILLPOST_SENDMAIL_PATH, PHP_INI_SYSTEM,
		OnUpdateStringUnempty, sendmail)
PHP_INI_END()
/* clang-format on */

/* Written out, because the parameter that PHP_GINIT_FUNCTION() declares has
 * the name of the globals themselves. */
static void init_globals(void *globals)
{
#if defined(ZTS) && defined(COMPILE_DL_TILLPOST)
	ZEND_TSRMLS_CACHE_UPDATE();
#endif
	memset(globals, 0, sizeof(zend_tillpost_globals));
}

/* Only functions are exchanged here: the process may be a root that starts
 * others, and what it opened would be root's. */
static PHP_MINIT_FUNCTION(tillpost)
{
	REGISTER_INI_ENTRIES();
	tp_php_hooks_install();
	return SUCCESS;
}

static PHP_MSHUTDOWN_FUNCTION(tillpost)
{
	(void)type;
	tp_php_hooks_restore();
	tp_php_close();
	UNREGISTER_INI_ENTRIES();
	return SUCCESS;
}

static PHP_RINIT_FUNCTION(tillpost)
{
	(void)type;
	(void)module_number;
#if defined(ZTS) && defined(COMPILE_DL_TILLPOST)
	ZEND_TSRMLS_CACHE_UPDATE();
#endif
	TILLPOST_G(request_store) = NULL;
	TILLPOST_G(sendmail_path) = NULL;
	TILLPOST_G(last_id)[0] = '\0';
	return SUCCESS;
}

/* After the destructors of scripts, which may send mail too. */
static PHP_RSHUTDOWN_FUNCTION(tillpost)
{
	(void)type;
	(void)module_number;
	if (TILLPOST_G(request_store))
		zend_string_release(TILLPOST_G(request_store));
	TILLPOST_G(request_store) = NULL;
	return SUCCESS;
}

static PHP_MINFO_FUNCTION(tillpost)
{
	tp_php_info();
	DISPLAY_INI_ENTRIES();
}

/* mb_send_mail() and imap_mail() must be there before their hooks can be, in
 * whatever order the extensions are named. */
static const zend_module_dep dependencies[] = { ZEND_MOD_REQUIRED("standard")
		ZEND_MOD_OPTIONAL("mbstring") ZEND_MOD_OPTIONAL("imap")
			ZEND_MOD_END };

zend_module_entry tillpost_module_entry = { STANDARD_MODULE_HEADER_EX, NULL,
	dependencies, "tillpost", ext_functions, PHP_MINIT(tillpost),
	PHP_MSHUTDOWN(tillpost), PHP_RINIT(tillpost), PHP_RSHUTDOWN(tillpost),
	PHP_MINFO(tillpost), TILLPOST_VERSION, PHP_MODULE_GLOBALS(tillpost),
	init_globals, NULL, /* GSHUTDOWN */
	NULL,		    /* post deactivate */
	STANDARD_MODULE_PROPERTIES_EX };

#ifdef COMPILE_DL_TILLPOST
#ifdef ZTS
ZEND_TSRMLS_CACHE_DEFINE()
#endif
/* PHP's macro defines it without a prototype. */
ZEND_DLEXPORT zend_module_entry *get_module(void);
ZEND_GET_MODULE(tillpost)
#endif
