/*
 * abi_fixture.h - what the ABI tests have in common
 *
 * JOB     Loads the plugin (TILLPOST_PLUGIN, else build/default/tillpost.so)
 *         as a host does, and makes a directory with a small configuration
 *         whose only relay is never called.
 * SPDX-License-Identifier: MIT
 */
#ifndef TP_TESTS_ABI_FIXTURE_H
#define TP_TESTS_ABI_FIXTURE_H

#include <tillpost/abi.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(condition)                                                    \
	do {                                                                \
		if (!(condition)) {                                         \
			printf("%s:%d: not true: %s\n", __FILE__, __LINE__, \
				#condition);                                \
			exit(1);                                            \
		}                                                           \
	} while (0)

/* Like CHECK(rc >= 0), and shows the error. */
#define CHECK_OK(rc, err)                                                      \
	do {                                                                   \
		int32_t rc_ = (rc);                                            \
		if (rc_ < 0) {                                                 \
			printf("%s:%d: %d: %s: %s\n", __FILE__, __LINE__, rc_, \
				(err)->where, (err)->text);                    \
			exit(1);                                               \
		}                                                              \
	} while (0)

struct abi_fixture {
	void *so;
	const struct tillpost_api *api;
	char directory[64];
	char config_path[96];
};

static const char mail[] = "From: Shop <shop@example.com>\r\n"
			   "To: Customer <customer@example.net>\r\n"
			   "Subject: Order 1001\r\n"
			   "\r\n"
			   "Thank you.\r\n";

static const char *const mail_recipients[] = { "customer@example.net" };

static void fixture_load(struct abi_fixture *fixture)
{
	const char *path = getenv("TILLPOST_PLUGIN");
	tillpost_entry_fn *entry;
	void *symbol;

	fixture->so = dlopen(path ? path : "build/default/tillpost.so",
		RTLD_NOW | RTLD_LOCAL);
	if (!fixture->so)
		printf("%s\n", dlerror());
	CHECK(fixture->so != NULL);
	symbol = dlsym(fixture->so, TILLPOST_ENTRY);
	CHECK(symbol != NULL);
	memcpy(&entry, &symbol, sizeof(entry));
	fixture->api = entry();
	CHECK(fixture->api != NULL);
}

static void fixture_setup(struct abi_fixture *fixture)
{
	static const char config[] =
		"queue = { path = \"queue.db\"; free_reserve = \"0\"; };\n"
		"spool = { path = \"spool\"; };\n"
		"log = { path = \"outcome.jsonl\"; };\n"
		"relays = { lab = { host = \"127.0.0.1\"; port = 9;\n"
		"  tls = \"none\"; auth = \"none\"; }; };\n"
		"stores = {\n"
		"  default = { relays = [\"lab\"];\n"
		"    from = \"shop@example.com\"; };\n"
		"  eu = { from = \"sales@eu.example.com\"; };\n"
		"};\n";
	FILE *out;

	strncpy(fixture->directory, "/tmp/tillpost-abi-XXXXXX",
		sizeof(fixture->directory) - 1);
	CHECK(mkdtemp(fixture->directory) != NULL);
	(void)snprintf(fixture->config_path, sizeof(fixture->config_path),
		"%s/tillpost.conf", fixture->directory);
	out = fopen(fixture->config_path, "w");
	CHECK(out != NULL);
	CHECK(fputs(config, out) >= 0);
	CHECK(fclose(out) == 0);
	CHECK(chmod(fixture->config_path, 0600) == 0);
	fixture_load(fixture);
}

static void fixture_teardown(struct abi_fixture *fixture)
{
	static const char *const names[] = { "tillpost.conf", "queue.db",
		"queue.db-wal", "queue.db-shm", "queue.db.owners",
		"outcome.jsonl" };
	char path[128];
	size_t i;

	CHECK(dlclose(fixture->so) == 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", fixture->directory,
			names[i]);
		(void)unlink(path);
	}
	/* Fails if the plugin left something behind that is not known. */
	CHECK(rmdir(fixture->directory) == 0);
}

#endif
