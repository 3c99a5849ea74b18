/*
 * hook_mb.c - mb_send_mail()
 *
 * What mb_send_mail() does to character sets lives in the mbstring extension
 * and ends in a call of the C function behind mail(). So the original runs, but
 * with another sendmail_path for the time of the call: a line of shell that
 * writes its arguments and its input to two files in memory. What arrives
 * there is submitted like a message of mail(). The shell is the price: about
 * a millisecond.
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

/* The content of FD. @owns the caller; NULL: it cannot be read */
static zend_string *content(int fd)
{
	struct stat st;
	zend_string *s;
	size_t have = 0;

	if (fstat(fd, &st) != 0 || st.st_size < 0)
		return NULL;
	s = zend_string_alloc((size_t)st.st_size, 0);
	while (have < ZSTR_LEN(s)) {
		ssize_t n = pread(fd, ZSTR_VAL(s) + have, ZSTR_LEN(s) - have,
			(off_t)have);

		if (n <= 0) {
			zend_string_release(s);
			return NULL;
		}
		have += (size_t)n;
	}
	ZSTR_VAL(s)[have] = '\0';
	return s;
}

static void read_envelope(
	struct tp_php_envelope *envelope_out, const zend_string *words)
{
	struct tp_php_options options;
	const char *at = ZSTR_VAL(words);
	const char *end = at + ZSTR_LEN(words);

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
	zend_string *words = content(capture->words);
	zend_string *text = content(capture->text);
	enum tp_php_verdict verdict = TP_PHP_NOT_TAKEN;
	struct tp_php_envelope envelope;

	set_text(err, "the text cannot be read back");
	if (words && text) {
		read_envelope(&envelope, words);
		verdict = tp_php_submit(text, &envelope, err);
		tp_php_envelope_free(&envelope);
	}
	if (words)
		zend_string_release(words);
	if (text)
		zend_string_release(text);
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
static bool pass_on(const struct capture *capture, zval *return_value,
	zend_string **command_out)
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
	verdict = tp_php_fall_back_verdict(
		TP_PHP_MB_SEND_MAIL, verdict, &err, command_out);
	if (verdict != TP_PHP_ACCEPTED && verdict != TP_PHP_NOT_TAKEN) {
		RETVAL_FALSE;
		tp_php_warn(verdict, &err);
	}
	return verdict == TP_PHP_NOT_TAKEN;
}

/* @return as tp_php_original_with() */
static bool run_captured(
	const struct capture *capture, INTERNAL_FUNCTION_PARAMETERS)
{
	struct tp_php_lent lent = tp_php_settings();
	zend_string *command = capture_command(capture);
	bool go_on;

	lent.sendmail_path = command;
	go_on = tp_php_original_with(
		TP_PHP_MB_SEND_MAIL, &lent, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	zend_string_release(command);
	return go_on;
}

/* Without the files in memory. */
static void not_captured(INTERNAL_FUNCTION_PARAMETERS)
{
	enum tp_php_verdict verdict;
	zend_string *command;
	struct tillpost_error err;

	set_text(&err, "no file in memory can be had");
	verdict = tp_php_fall_back_verdict(
		TP_PHP_MB_SEND_MAIL, TP_PHP_NOT_TAKEN, &err, &command);
	if (verdict != TP_PHP_NOT_TAKEN) {
		RETVAL_FALSE;
		tp_php_warn(verdict, &err);
	} else if (!tp_php_fall_back(TP_PHP_MB_SEND_MAIL, command, false,
			   INTERNAL_FUNCTION_PARAM_PASSTHRU)) {
		zend_bailout();
	}
}

void tp_php_hook_mb_send_mail(INTERNAL_FUNCTION_PARAMETERS)
{
	zend_string *command = NULL;
	struct capture capture;
	bool go_on;

	if (!TILLPOST_G(enable)) {
		tp_php_hand_back(
			TP_PHP_MB_SEND_MAIL, INTERNAL_FUNCTION_PARAM_PASSTHRU);
		return;
	}
	if (!open_capture(&capture)) {
		not_captured(INTERNAL_FUNCTION_PARAM_PASSTHRU);
		return;
	}
	go_on = run_captured(&capture, INTERNAL_FUNCTION_PARAM_PASSTHRU);
	if (go_on && pass_on(&capture, return_value, &command))
		go_on = tp_php_fall_back(TP_PHP_MB_SEND_MAIL, command, true,
			INTERNAL_FUNCTION_PARAM_PASSTHRU);
	close_capture(&capture);
	if (!go_on)
		zend_bailout();
}
