--TEST--
Without the plugin everything goes the old way, programs too
--INI--
tillpost.plugin=/nonexistent/tillpost.so
--FILE--
<?php
require __DIR__ . '/spool.inc';
var_dump(mail('a@example.com', 'S', 'B'));
pclose(popen(ini_get('sendmail_path') . ' -t -v', 'w'));
var_dump(tillpost_status('01M8039AADERTNCDC0'));
tp_show();
?>
--EXPECTF--
tillpost: mail(): message not accepted (/nonexistent/tillpost.so: cannot be opened: No such file or directory); handed to PHP's own mail()
bool(true)
tillpost: popen(): /nonexistent/tillpost.so: cannot be opened: No such file or directory; the command is left as it is

Warning: tillpost_status(): /nonexistent/tillpost.so: cannot be opened: No such file or directory in %s on line %d
bool(false)
-- recorded []
To: a@example.com
Subject: S

B
-- recorded [-t] [-v]

--
