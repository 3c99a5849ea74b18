/*
 * exit_code.h - the one mapping from status codes to exit codes
 *
 * JOB     Every host program ends with what sysexits.h says about the
 *         TILLPOST_E* that stopped it, so that a caller knows whether to try
 *         again (EX_TEMPFAIL), to correct the message (EX_DATAERR) or to call
 *         the administrator.
 * LAYER   hosts; libc and <tillpost/abi.h>.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_HOSTS_EXIT_CODE_H
#define TP_HOSTS_EXIT_CODE_H

#include <stdint.h>

/* @param status 0, a count, or a TILLPOST_E*
 * @return EX_OK for status >= 0, EX_SOFTWARE for an unknown one */
int tp_exit_code(int32_t status);

#endif
