--TEST--
mail.log gets one line for each mail, also when it is handed back
--INI--
mail.log={TMP}/tillpost_mail_log_test.log
date.timezone=UTC
--FILE--
<?php
require __DIR__ . '/spool.inc';
mail('to@example.com', "A folded\r\n subject", 'B', "From: shop@example.com\r\nX-A: b");
mail('to@example.com', "A folded\r\n subject", 'B');
rename(getenv('TP_SPOOL'), getenv('TP_SPOOL') . '.away');
mail('to@example.com', 'Handed back', 'B');
mb_send_mail('to@example.com', 'Handed back too', 'B');
rename(getenv('TP_SPOOL') . '.away', getenv('TP_SPOOL'));
echo file_get_contents(ini_get('mail.log'));
echo count(tp_take()), ' ', count(tp_recorded()), "\n";
?>
--CLEAN--
<?php
unlink(sys_get_temp_dir() . '/tillpost_mail_log_test.log');
?>
--EXPECTF--
%Atillpost: mail(): message not accepted (%s); handed to PHP's own mail()
%Atillpost: mb_send_mail(): message not accepted (%s); handed to PHP's own mb_send_mail()
[%s UTC] mail() on [%smail_log.php:3]: To: to@example.com -- Headers: From: shop@example.com  X-A: b -- Subject: A folded   subject
[%s UTC] mail() on [%smail_log.php:4]: To: to@example.com -- Headers:  -- Subject: A folded%r\r?\n%r subject
[%s UTC] mail() on [%smail_log.php:6]: To: to@example.com -- Headers:  -- Subject: Handed back
[%s UTC] mail() on [%smail_log.php:7]: To: to@example.com -- Headers: %s -- Subject: Handed back too
2 2
