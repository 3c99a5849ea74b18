/*
 * import_fluent_cipher.c - a password as FluentSMTP stores it
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_fluent_cipher.h"

#include "cli/import/import_bytes.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define IV_BYTES 16
#define KEY_BYTES 32

/* The plugin's own constant, else WordPress's, else what the plugin has
 * written into itself. */
static const char *choose(const struct tp_import_constants *constants,
	enum tp_import_constant own, enum tp_import_constant wordpress,
	const char *fallback)
{
	if (constants->values[own][0])
		return constants->values[own];
	return constants->values[wordpress][0] ? constants->values[wordpress]
					       : fallback;
}

/* @return 1 if OUT has LEN bytes */
static int decrypt(const char *key_text, const char *iv, const char *in,
	size_t len, char *out)
{
	unsigned char key[KEY_BYTES] = { 0 };
	size_t key_len = strlen(key_text);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int got = 0;
	int ok;

	memcpy(key, key_text, key_len < KEY_BYTES ? key_len : KEY_BYTES);
	ok = ctx && len <= TP_IMPORT_VALUE_BYTES &&
	     EVP_DecryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, key,
		     (const unsigned char *)iv) == 1 &&
	     EVP_DecryptUpdate(ctx, (unsigned char *)out, &got,
		     (const unsigned char *)in, (int)len) == 1 &&
	     (size_t)got == len;
	EVP_CIPHER_CTX_free(ctx);
	explicit_bzero(key, sizeof(key));
	return ok;
}

/* @return the password's length, 0 if TEXT does not end with SALT */
static size_t without_salt(const char *text, size_t len, const char *salt)
{
	size_t salt_len = strlen(salt);

	if (len <= salt_len ||
		memcmp(text + len - salt_len, salt, salt_len) != 0)
		return 0;
	return len - salt_len;
}

static int32_t open_with(const char *stored, const char *key, const char *salt,
	char *outer, char *inner, char **password)
{
	size_t len = tp_import_base64(stored, strlen(stored), outer);

	if (len <= IV_BYTES)
		return TILLPOST_EAUTH;
	len = tp_import_base64(outer + IV_BYTES, len - IV_BYTES, inner);
	if (len == 0 || !decrypt(key, outer, inner, len, outer))
		return TILLPOST_EAUTH;
	len = without_salt(outer, len, salt);
	if (len == 0 || memchr(outer, '\0', len))
		return TILLPOST_EAUTH;
	*password = tp_import_copy(outer, len);
	return *password ? TILLPOST_OK : TILLPOST_ENOMEM;
}

int32_t tp_import_fluent_open(const char *stored,
	const struct tp_import_constants *constants, char **password)
{
	const char *key =
		choose(constants, TP_IMPORT_FLUENT_KEY, TP_IMPORT_LOGGED_IN_KEY,
			"this-is-a-fallback-key-but-not-secure");
	const char *salt = choose(constants, TP_IMPORT_FLUENT_SALT,
		TP_IMPORT_LOGGED_IN_SALT,
		"this-is-a-fallback-salt-but-not-secure");
	size_t room = strlen(stored) + 1;
	char *outer = malloc(room);
	char *inner = malloc(room);
	int32_t rc = TILLPOST_ENOMEM;

	*password = NULL;
	if (outer && inner)
		rc = open_with(stored, key, salt, outer, inner, password);
	if (outer)
		explicit_bzero(outer, room);
	if (inner)
		explicit_bzero(inner, room);
	free(outer);
	free(inner);
	return rc;
}
