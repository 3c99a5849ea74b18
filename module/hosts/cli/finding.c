/*
 * finding.c - what setup and doctor find, said in plain words
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/finding.h"

#include "cli/json.h"

#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const level_names[TP_FIND_LEVELS] = { "ok", "note",
	"warning", "error" };

/* JSON only: people have read it already. */
static void flush_finding(struct tp_findings *findings)
{
	struct tp_json *json;
	struct tillpost_error err;
	int32_t rc;

	if (!findings->open)
		return;
	findings->open = 0;
	if (!findings->json)
		return;
	json = tp_json_new();
	tp_json_text(json, "level", level_names[findings->level]);
	tp_json_text(json, "topic", findings->topic);
	tp_json_text(json, "what", findings->what);
	tp_json_text(json, "why", findings->why[0] ? findings->why : NULL);
	tp_json_text(json, "do", findings->todo[0] ? findings->todo : NULL);
	rc = tp_json_print(&json, stdout, &err);
	if (rc < 0 && findings->rc >= 0) {
		findings->rc = rc;
		findings->err = err;
	}
}

static void print_line(const char *label, const char *text)
{
	(void)printf("         %s ", label);
	tp_text_put(stdout, text);
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
}

void tp_find(struct tp_findings *findings, int level, const char *topic,
	const char *fmt, ...)
{
	va_list args;

	flush_finding(findings);
	findings->open = 1;
	findings->level = level;
	findings->counts[level]++;
	findings->why[0] = findings->todo[0] = '\0';
	(void)snprintf(findings->topic, sizeof(findings->topic), "%s", topic);
	va_start(args, fmt);
	(void)vsnprintf(findings->what, sizeof(findings->what), fmt, args);
	va_end(args);
	if (findings->json)
		return;
	(void)printf("%-7s  ", level_names[level]);
	tp_text_put(stdout, topic);
	(void)fputs(": ", stdout);
	tp_text_put(stdout, findings->what);
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
}

void tp_find_why(struct tp_findings *findings, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(findings->why, sizeof(findings->why), fmt, args);
	va_end(args);
	if (!findings->json)
		print_line("why:", findings->why);
}

void tp_find_do(struct tp_findings *findings, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(findings->todo, sizeof(findings->todo), fmt, args);
	va_end(args);
	if (!findings->json)
		print_line("do: ", findings->todo);
}

int32_t tp_findings_end(struct tp_findings *findings)
{
	flush_finding(findings);
	if (!findings->json)
		(void)printf("%d %s, %d %s\n", findings->counts[TP_FIND_ERROR],
			findings->counts[TP_FIND_ERROR] == 1 ? "error"
							     : "errors",
			findings->counts[TP_FIND_WARNING],
			findings->counts[TP_FIND_WARNING] == 1 ? "warning"
							       : "warnings");
	return findings->rc;
}
