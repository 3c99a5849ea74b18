/*
 * info.h - the section of phpinfo()
 *
 * LAYER   hosts/php.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_PHP_INFO_H
#define TP_PHP_INFO_H

/* Versions, files, spool, and of each hook whether it is active. */
void tp_php_info(void);

#endif
