--TEST--
Line ends in To and Subject add no fields
--FILE--
<?php
require __DIR__ . '/spool.inc';
mail("a@example.com\r\nBcc: evil@example.org", "S\nX-Evil: 1\r\n\r\nbody", 'B');
mail("a@example.com,\r\n b@example.com \t\n", "S\r\n\tfolded  ", 'B');
tp_show();
?>
--EXPECTF--
%A-- spooled -t
To: a@example.com,
 b@example.com
Subject: S
	folded

B
-- recorded [%S
To: a@example.com  Bcc: evil@example.org
Subject: S X-Evil: 1    body

B
--
