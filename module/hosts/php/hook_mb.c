/*
 * hook_mb.c - mb_send_mail(), and imap_mail()
 *
 * What mb_send_mail() does to character sets lives in the mbstring extension
 * and ends in a call of the C function behind mail(); imap_mail() starts
 * sendmail_path itself. So the original runs, but with another sendmail_path
 * for the time of the call: a line of shell that writes its arguments and its
 * input to two files in memory. What arrives there is submitted like a message
 * of mail(). The shell is the price: about a millisecond.
 *
 * SPDX-License-Identifier: MIT
 */
#include "php/fall_back.h"
#include "php/hooks.h"
#include "php/lend.h"
#include "php/say.h"
#include "php/submit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tillpost/abi.h>

/* Where the shell writes to; -1: not open. */
struct capture {
	int words; /* each ended by a NUL */
	int text;
};

static void close_capture(struct capture *capture)
{
	if (capture->words >= 0)
		(void)close(capture->words);
	if (capture->text >= 0)
		(void)close(capture->text);
}

/* Not close-on-exec: the shell opens them by number. */
static bool open_capture(struct capture *capture_out)
{
	if (access("/proc/self/fd", X_OK) != 0)
		return false;
	capture_out->words = memfd_create("tillpost-words", 0);
	capture_out->text = memfd_create("tillpost-text", 0);
	if (capture_out->words >= 0 && capture_out->text >= 0)
		return true;
	close_capture(capture_out);
	return false;
}

/* PHP appends the parameters, escaped, to the command: they become the
 * arguments of the shell function. */
static zend_string *capture_command(const struct capture *capture)
{
	return zend_strpprintf(0,
		"f() { printf '%%s\\0' \"$@\" >/proc/self/fd/%d && "
		"exec cat >/proc/self/fd/%d; }; f",
		capture->words, capture->text);
}

/* What a file holds, outside of PHP's memory limit. */
struct content {
	char *data; /* NULL: nothing, or it cannot be read */
	size_t len;
};

static struct content read_back(int fd)
{
	struct content content = { NULL, 0 };
	struct stat st;
	void *at;

	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return content;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at != MAP_FAILED)
		content = (struct content) { at, (size_t)st.st_size };
	return content;
}

static void free_content(const struct content *content)
{
	if (content->data)
		(void)munmap(content->data, content->len);
}

static void read_envelope(
	struct tp_php_envelope *envelope_out, const struct content *words)
{
	struct tp_php_options options;
	const char *at = words->data;
	const char *end = at + words->len;

	tp_php_options_begin(&options, envelope_out);
	for (; at < end; at += strlen(at) + 1)
		tp_php_options_word(&options, at);
}

static void set_text(struct tillpost_error *err, const char *text)
{
	TILLPOST_INIT(err);
	(void)snprintf(err->text, sizeof(err->text), "%s", text);
}

static enum tp_php_verdict submit(
	const struct capture *capture, struct tillpost_error *err)
{
	struct content words = read_back(capture->words);
	struct content text = read_back(capture->text);
	enum tp_php_verdict verdict = TP_PHP_NOT_TAKEN;
	struct tp_php_envelope envelope;

	set_text(err, "the text cannot be read back");
	if (words.data && text.data) {
		read_envelope(&envelope, &words);
		verdict = tp_php_submit(text.data, text.len, &envelope, err);
		tp_php_envelope_free(&envelope);
	}
	free_content(&words);
	free_content(&text);
	return verdict;
}

/* Whether the shell has run: its arguments are written before all else. */
static bool was_called(const struct capture *capture)
{
	struct stat st;

	return fstat(capture->words, &st) == 0 && st.st_size > 0;
}

/* What the original has written goes to the spool.
 * @param command_out for tp_php_fall_back()
 * @return whether that is not possible and the original has to run again */
static bool pass_on(enum tp_php_hook hook, const struct capture *capture,
	zval *return_value, zend_string **command_out)
{
	enum tp_php_verdict verdict = TP_PHP_NOT_TAKEN;
	struct tillpost_error err;

	/* Even with an exception under way, a true means that it was sent. */
	if (Z_TYPE_P(return_value) == IS_TRUE)
		verdict = submit(capture, &err);
	else if (was_called(capture))
		set_text(&err, "the shell could not write it down");
	else
		return false; /* stock PHP has refused and said why */
	verdict = tp_php_fall_back_verdict(hook, verdict, &err, command_out);
	if (verdict != TP_PHP_ACCEPTED && verdict != TP_PHP_NOT_TAKEN) {
		RETVAL_FALSE;
		tp_php_warn(verdict, &err);
	}
	return verdict == TP_PHP_NOT_TAKEN;
}

/* @return as tp_php_original_with() */
static bool run_captured(enum tp_php_hook hook, const struct capture *capture,
	INTERNAL_FUNCTION_PARAMETERS)
{
	struct tp_php_lent lent = tp_php_settings();
	zend_string *command = capture_command(capture);
	bool go_on;

	lent.sendmail_path = command;
	go_on = tp_php_original_with(
		hook, &lent, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	zend_string_release(command);
	return go_on;
}

/* Without the files in memory. */
static void not_captured(enum tp_php_hook hook, INTERNAL_FUNCTION_PARAMETERS)
{
	enum tp_php_verdict verdict;
	zend_string *command;
	struct tillpost_error err;

	set_text(&err, "no file in memory can be had");
	verdict = tp_php_fall_back_verdict(
		hook, TP_PHP_NOT_TAKEN, &err, &command);
	if (verdict != TP_PHP_NOT_TAKEN) {
		RETVAL_FALSE;
		tp_php_warn(verdict, &err);
	} else if (!tp_php_fall_back(hook, command, false,
			   INTERNAL_FUNCTION_PARAM_PASSTHRU)) {
		zend_bailout();
	}
}

static void run(enum tp_php_hook hook, INTERNAL_FUNCTION_PARAMETERS)
{
	zend_string *command = NULL;
	struct capture capture;
	bool go_on;

	if (!tp_php_hook_is_on(hook)) {
		tp_php_hand_back(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		return;
	}
	if (!open_capture(&capture)) {
		not_captured(hook, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		return;
	}
	go_on = run_captured(hook, &capture, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	if (go_on && pass_on(hook, &capture, return_value, &command))
		go_on = tp_php_fall_back(
			hook, command, true, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	close_capture(&capture);
	if (!go_on)
		zend_bailout();
}

void tp_php_hook_mb_send_mail(INTERNAL_FUNCTION_PARAMETERS)
{
	run(TP_PHP_MB_SEND_MAIL, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void tp_php_hook_imap_mail(INTERNAL_FUNCTION_PARAMETERS)
{
	run(TP_PHP_IMAP_MAIL, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}
