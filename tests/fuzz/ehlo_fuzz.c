/*
 * ehlo_fuzz.c - any bytes as the lines of a reply to EHLO
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/auth_choice.h"
#include "core/ehlo.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int good)
{
	if (!good)
		abort();
}

static void check_choice(const struct tp_ehlo *ehlo, struct tp_secret *secret)
{
	char host[] = "h";
	char user[] = "u";
	struct tp_relay relay = {
		.host = host, .username = user, .password = secret
	};
	int mode;

	/* Whatever a server says, nothing goes out without TLS. */
	need(tp_auth_choose(&relay, ehlo, 0, 1, &mode, NULL) < 0);
	need(mode == TP_AUTH_NONE);
	if (tp_auth_choose(&relay, ehlo, 1, 0, &mode, NULL) == TP_OK)
		need((ehlo->auth_mask & TP_EHLO_AUTH(mode)) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tp_secret *secret = tp_secret_new("s", 1);
	struct tp_error err = TP_ERROR_INIT;
	struct tp_ehlo ehlo;
	const char *at;

	need(secret != NULL);
	if (tp_ehlo_parse((const char *)data, size, &ehlo, &err) == TP_OK) {
		need(ehlo.size_max_bytes >= 0);
		need(memchr(ehlo.auth_offered, '\0',
			     sizeof(ehlo.auth_offered)) != NULL);
		for (at = ehlo.auth_offered; *at; at++)
			need(*at >= 0x20 && *at < 0x7f);
		check_choice(&ehlo, secret);
	} else {
		need(err.text[0] != '\0');
	}
	tp_secret_destroy(&secret);
	return 0;
}
