/*
 * transport.c - what the engine asks of a way to send
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/transport.h"

const char *tp_step_name(enum tp_step step)
{
	switch (step) {
	case TP_STEP_NONE:
		return "none";
	case TP_STEP_RESOLVE:
		return "resolve";
	case TP_STEP_CONNECT:
		return "connect";
	case TP_STEP_GREETING:
		return "greeting";
	case TP_STEP_EHLO:
		return "ehlo";
	case TP_STEP_STARTTLS:
		return "starttls";
	case TP_STEP_TLS:
		return "tls";
	case TP_STEP_AUTH:
		return "auth";
	case TP_STEP_MAIL:
		return "mail";
	case TP_STEP_RCPT:
		return "rcpt";
	case TP_STEP_DATA:
		return "data";
	case TP_STEP_BODY:
		return "body";
	case TP_STEP_DOT:
		return "dot";
	case TP_STEP_LOCAL:
		return "local";
	}
	return "unknown";
}
