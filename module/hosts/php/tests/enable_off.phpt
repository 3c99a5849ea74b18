--TEST--
tillpost.enable = 0: stock PHP
--INI--
tillpost.enable=0
--FILE--
<?php
require __DIR__ . '/spool.inc';
var_dump(mail('a@example.com', 'S', 'B'), mb_send_mail('a@example.com', 'S', 'B'), error_log('B', 1, 'a@example.com'));
pclose(popen(ini_get('sendmail_path') . ' -t', 'w'));
echo count(tp_take()), ' ', count(tp_recorded()), "\n";
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
0 4
