/*
 * gen_docs.c - writes the documents that come from the settings table
 *
 * gen-docs example       tillpost.conf.example to standard output
 * gen-docs man [FRAME]   tillpost.conf(5): the frame (packaging/man/
 *                        tillpost.conf.5.in) with the line @SETTINGS@
 *                        replaced by the settings, @PRESETS@ by the presets
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/settings_doc.h"

#include <stdio.h>
#include <string.h>

#define DOCUMENT_MAX_BYTES ((size_t)1 << 20)
#define DEFAULT_FRAME "packaging/man/tillpost.conf.5.in"

static int add_man(struct tp_buf *out, const char *frame_path)
{
	FILE *frame = fopen(frame_path, "r");
	char line[512];
	int rc = TP_OK;

	if (!frame) {
		perror(frame_path);
		return TP_EIO;
	}
	while (rc >= 0 && fgets(line, sizeof(line), frame)) {
		if (strcmp(line, "@SETTINGS@\n") == 0)
			rc = tp_settings_doc_man(out);
		else if (strcmp(line, "@PRESETS@\n") == 0)
			rc = tp_settings_doc_man_presets(out);
		else
			rc = tp_buf_str_add(out, line);
	}
	if (ferror(frame))
		rc = TP_EIO;
	(void)fclose(frame);
	return rc;
}

int main(int argc, char **argv)
{
	struct tp_buf out = TP_BUF_INIT(DOCUMENT_MAX_BYTES);
	int rc = TP_EINVAL;

	if (argc == 2 && strcmp(argv[1], "example") == 0)
		rc = tp_settings_doc_example(&out);
	else if ((argc == 2 || argc == 3) && strcmp(argv[1], "man") == 0)
		rc = add_man(&out, argc == 3 ? argv[2] : DEFAULT_FRAME);
	else
		(void)fputs("usage: gen-docs example | man [FRAME]\n", stderr);
	if (rc >= 0 &&
		(fwrite(tp_buf_str(&out), 1, out.len, stdout) != out.len ||
			fflush(stdout) != 0))
		rc = TP_EIO;
	tp_buf_free(&out);
	if (rc < 0)
		(void)fprintf(stderr, "gen-docs: %s\n", tp_err_text(rc));
	return rc < 0;
}
