--TEST--
mail() goes into the spool with the text that sendmail would get
--FILE--
<?php
require __DIR__ . '/spool.inc';
var_dump(mail('a@example.com', 'Order 1', "Thank you.\nBye\n"));
tp_show();
var_dump(mail('a@example.com', 'Order 2', 'Hi', "From: shop@example.com\r\nBcc: b@example.org\r\n"));
tp_show();
?>
--EXPECT--
bool(true)
-- spooled -t
To: a@example.com
Subject: Order 1

Thank you.
Bye
--
bool(true)
-- spooled -t
To: a@example.com
Subject: Order 2
From: shop@example.com
Bcc: b@example.org

Hi
--
