/*
 * import_magento_products.c - Magento itself, Mageplaza SMTP, MagePal
 *
 * JOB     Where each keeps its settings, as tables.
 * SPDX-License-Identifier: MIT
 */
#include "cli/import/import_magento.h"
#include "cli/import/import_products.h"

#define CORE "system/smtp/"
#define PLAZA "smtp/configuration_option/"
#define PAL "system/gmailsmtpapp/"

/* Since it uses Symfony's mailer, "tls" is TLS from the first byte. */
static const struct tp_import_magento_paths core = {
	.prefix = CORE,
	.enabled = { CORE "transport", "sendmail" },
	.enabled_value = "smtp",
	.host = { CORE "host", "localhost" },
	.port = { CORE "port", "25" },
	.encryption = { CORE "ssl", NULL },
	.auth = { CORE "auth", "none" },
	.username = CORE "username",
	.password = CORE "password",
	.return_path = CORE "return_path_email",
	.set_return_path = CORE "set_return_path",
	.tls_is_implicit = 1,
};

static const struct tp_import_magento_paths mageplaza = {
	.prefix = "smtp/",
	.enabled = { "smtp/general/enabled", "0" },
	.enabled_value = "1",
	.host = { PLAZA "host", NULL },
	.port = { PLAZA "port", NULL },
	.encryption = { PLAZA "protocol", NULL },
	.auth = { PLAZA "authentication", "none" },
	.username = PLAZA "username",
	.password = PLAZA "password",
	.return_path = PLAZA "return_path_email",
};

static const struct tp_import_magento_paths magepal = {
	.prefix = PAL,
	.enabled = { PAL "active", "1" },
	.enabled_value = "1",
	.host = { PAL "smtphost", "smtp.gmail.com" },
	.port = { PAL "smtpport", "465" },
	.encryption = { PAL "ssl", "ssl" },
	.auth = { PAL "auth", "login" },
	.username = PAL "username",
	.password = PAL "password",
	.return_path = PAL "return_path_email",
	.set_return_path = PAL "set_return_path",
	.tls_is_implicit = 1,
};

int32_t tp_import_magento(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	return tp_import_magento_scopes(request, &core, result, err);
}

int32_t tp_import_mageplaza(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	return tp_import_magento_scopes(request, &mageplaza, result, err);
}

int32_t tp_import_magepal(const struct tp_import_request *request,
	struct tp_import_result *result, struct tillpost_error *err)
{
	return tp_import_magento_scopes(request, &magepal, result, err);
}
