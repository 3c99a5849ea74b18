/*
 * err_list.h - the one list of status codes
 *
 * JOB     X(name, number, what it means). The numbers are the public ones of
 *         <tillpost/abi.h> (TILLPOST_E*); api/convert.c asserts that.
 *         Append only.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_BASE_ERR_LIST_H
#define TP_BASE_ERR_LIST_H

#define TP_ERR_LIST(X)                                           \
	X(OK, 0, "no error")                                     \
	X(ENOMEM, -1, "out of memory")                           \
	X(EINVAL, -2, "invalid argument")                        \
	X(EIO, -3, "input or output error")                      \
	X(ECONFIG, -4, "configuration error")                    \
	X(EMESSAGE, -5, "message refused")                       \
	X(EADDRESS, -6, "address refused")                       \
	X(ETOOBIG, -7, "too big")                                \
	X(ENOSPC, -8, "no space")                                \
	X(EQUEUE, -9, "queue database error")                    \
	X(EBUSY, -10, "busy")                                    \
	X(ENOTFOUND, -11, "not found")                           \
	X(EPERM, -12, "not permitted")                           \
	X(ELOCKED, -13, "locked by the main configuration file") \
	X(ECONNECT, -14, "cannot connect to the relay")          \
	X(ETLS, -15, "TLS failure")                              \
	X(EAUTH, -16, "authentication failure")                  \
	X(EPROTO, -17, "protocol error")                         \
	X(ETIMEOUT, -18, "deadline passed")                      \
	X(EUNSUPPORTED, -19, "not supported")                    \
	X(ECLOSED, -20, "connection closed")                     \
	X(ESTATE, -21, "not possible in this state")             \
	X(EUNCERTAIN, -22, "outcome unknown")

#endif
