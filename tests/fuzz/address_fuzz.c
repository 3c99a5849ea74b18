/*
 * address_fuzz.c - fuzz target for module/core/address.c
 *
 * JOB     Whatever the bytes, an accepted address is safe in an SMTP command
 *         and stable: parsed again it is itself.
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
	if (!condition)
		abort();
}

/* No control anywhere, no blank or bracket outside of quotation marks. */
static void check_bytes(const char *addr)
{
	int quoted = 0;
	const char *at;

	for (at = addr; *at; at++) {
		must((unsigned char)*at >= 0x20 && *at != 0x7f);
		if (*at == '"')
			quoted = !quoted;
		else if (quoted && *at == '\\')
			must(*++at != '\0');
		else if (!quoted)
			must(*at != ' ' && *at != '<' && *at != '>' &&
				*at != ',');
	}
	must(!quoted);
}

static void check_address(const char *addr, int non_ascii)
{
	const char *at = strrchr(addr, '@');
	struct tp_address_list list = TP_ADDRESS_LIST_INIT;
	char *again = NULL;
	int flag = -1;
	int high = 0;
	size_t i;

	check_bytes(addr);
	must(strlen(addr) <= TP_ADDRESS_MAX_BYTES);
	must(at != NULL && at - addr <= 64 && addr[0] != '-');
	must(tp_utf8_valid(addr, strlen(addr)));
	for (i = 0; addr[i]; i++)
		high |= (unsigned char)addr[i] >= 0x80;
	must(high == (non_ascii != 0));
	must(tp_address_check(addr, 0, "x", &again, &flag, NULL) == 0);
	must(strcmp(addr, again) == 0 && flag == non_ascii);
	must(tp_address_list_parse(addr, strlen(addr), 1, "x", &list, NULL) ==
		0);
	must(list.count == 1 && strcmp(list.items[0].addr, addr) == 0);
	must(tp_address_compare(addr, again) == 0);
	tp_address_list_free(&list);
	tp_free(again);
}

static void check_name(const char *name)
{
	for (; name && *name; name++)
		must(((unsigned char)*name >= 0x20 || *name == '\t') &&
			*name != 0x7f);
}

static void fuzz_list(const char *text, size_t len)
{
	struct tp_address_list list = TP_ADDRESS_LIST_INIT;
	struct tp_error err = TP_ERROR_INIT;
	int rc = tp_address_list_parse(text, len, 1000, "To", &list, &err);
	size_t i;

	must(rc == err.code);
	must(rc == TP_OK || rc == TP_EADDRESS || rc == TP_ETOOBIG);
	if (rc != TP_ETOOBIG)
		must(tp_address_list_parse(text, len, 0, "", NULL, NULL) == rc);
	for (i = 0; i < list.count; i++) {
		check_address(list.items[i].addr, list.items[i].non_ascii);
		check_name(list.items[i].name);
	}
	tp_address_list_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1); /* exact: overreads are seen */
	char *canonical = NULL;
	int non_ascii = 0;

	must(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	fuzz_list(text, size);
	if (tp_address_check(text, 0, "x", &canonical, &non_ascii, NULL) == 0)
		check_address(canonical, non_ascii);
	if (tp_domain_valid(text, size))
		must(size > 0 && size <= 255 && strlen(text) == size &&
			strpbrk(text, " \r\n<>@") == NULL);
	tp_free(canonical);
	free(text);
	return 0;
}
