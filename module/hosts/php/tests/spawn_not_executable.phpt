--TEST--
Without tillpost-sendmail the command is left as it is
--INI--
tillpost.sendmail=/nonexistent/tillpost-sendmail
--FILE--
<?php
require __DIR__ . '/spool.inc';
$p = popen(ini_get('sendmail_path') . ' -t', 'w');
fwrite($p, 'text');
var_dump(pclose($p));
tp_show();
?>
--EXPECT--
tillpost: popen(): /nonexistent/tillpost-sendmail cannot be run; the command is left as it is
int(0)
-- recorded [-t]
text
--
