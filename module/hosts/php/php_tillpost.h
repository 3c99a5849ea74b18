/*
 * php_tillpost.h - the PHP extension: what its files share
 *
 * JOB     A host of tillpost.so in the role submit. mail() and its relatives
 *         hand their message to the spool; programs that start sendmail get
 *         tillpost-sendmail. Whatever stock PHP refuses, stock PHP refuses
 *         itself: the original function is called for it, and for every
 *         message that could not be accepted.
 *             hooks          which functions are taken over
 *             hook_mail      mail(), error_log() of type 1
 *             hook_mb        mb_send_mail(), imap_mail()
 *             hook_spawn     proc_open(), popen(), exec() and the like
 *             lend           the original functions with other settings
 *             mail_args      arguments of mail(), as stock PHP takes them
 *             mail_text      the text that stock PHP pipes into sendmail
 *             mail_log       the setting mail.log
 *             program        what the name of a program tells
 *             spawn          commands that start sendmail
 *             words          a command line cut into words
 *             envelope       what goes along with the text of a message
 *             handle         the plugin and its handle in this process
 *             store          the store that is named outside of a message
 *             submit         one submission
 *             fall_back      the original after a submission that failed
 *             say            telling that a message was not accepted
 *             server         what the web server says of the request
 *             functions      tillpost_set_store() and the others
 * LAYER   hosts/php; PHP's headers, <tillpost/abi.h>, hosts/common.
 * THREADS one request is one thread. What threads share (ZTS) is in hooks.c,
 *         written in MINIT only, and in handle.c, under its lock.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_TILLPOST_H
#define TP_PHP_TILLPOST_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <php.h>

#ifndef TILLPOST_VERSION
#define TILLPOST_VERSION "0.1.0"
#endif
#ifndef TILLPOST_SENDMAIL_PATH
#define TILLPOST_SENDMAIL_PATH "/usr/bin/tillpost-sendmail"
#endif
#define TILLPOST_CONFIG_PATH "/etc/tillpost/tillpost.conf"

/* Of a store's name, without the NUL. */
#define TP_PHP_STORE_MAX_BYTES 63

/* clang-format off */
ZEND_BEGIN_MODULE_GLOBALS(tillpost)
	bool enable;
	char *store;
	char *config;
	char *plugin;
	char *spool;
	char *sendmail;
	zend_string *request_store; /* tillpost_set_store(); NULL: not called */
	char last_id[24]; /* of this request; "": none */
	char environment_store[TP_PHP_STORE_MAX_BYTES + 2];
	bool said_foreign; /* once per thread: tp_php_spawn_command() */
	/* What the plugin has said while it was called; "": no more. */
	char kept_lines[4][512];
	/* The real one, while an original works with another; else NULL. */
	zend_string *sendmail_path;
ZEND_END_MODULE_GLOBALS(tillpost)
/* clang-format on */

ZEND_EXTERN_MODULE_GLOBALS(tillpost)
#define TILLPOST_G(v) ZEND_MODULE_GLOBALS_ACCESSOR(tillpost, v)

#if defined(ZTS) && defined(COMPILE_DL_TILLPOST)
ZEND_TSRMLS_CACHE_EXTERN()
#endif

/* NULL for an INI setting that is not set or empty. */
static inline const char *tp_php_given(const char *setting)
{
	return setting && setting[0] != '\0' ? setting : NULL;
}

#endif
