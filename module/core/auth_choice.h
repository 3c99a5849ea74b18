/*
 * auth_choice.h - which AUTH mechanism to use, if any
 *
 * JOB     From the relay's settings, what the server offers, and how well the
 *         connection is protected, to one mechanism or to an error that says
 *         what to change. The only place that decides whether a credential
 *         may leave the machine. Pure.
 * LAYER   core; libc only.
 * ERRORS  TP_ECONFIG: the settings cannot work (no credential; no TLS).
 *         TP_EAUTH: the server does not offer what is needed.
 * SOURCES RFC 4954, 8314 (clear text is obsolete), 4616, 5802, 7677, 7628.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_CORE_AUTH_CHOICE_H
#define TP_CORE_AUTH_CHOICE_H

#include "base/err.h"
#include "core/config.h"
#include "core/ehlo.h"
#include "core/reply.h"

/* @param mode an enum tp_auth_mode
 * @return "PLAIN", "SCRAM-SHA-256", ...; "" for none and auto */
const char *tp_auth_mechanism(int mode);

/* 1 if the relay asks for authentication: a mechanism is named, or `auto`
 * has a user name, password or token to work with. */
int tp_auth_wanted(const struct tp_relay *relay);

/* Chooses for one connection.
 * @param tls      1 if the connection is encrypted and verified
 * @param loopback 1 if the connected address is a loopback address
 * @param mode_out TP_AUTH_NONE, or the mechanism to use
 * @return 0, TP_ECONFIG, TP_EAUTH */
int tp_auth_choose(const struct tp_relay *relay, const struct tp_ehlo *ehlo,
	int tls, int loopback, int *mode_out,
	struct tp_error *err) TP_USE_RESULT;

/* What a known refusal of AUTH means at large providers, or "". */
const char *tp_auth_hint(const struct tp_reply *refusal);

#endif
