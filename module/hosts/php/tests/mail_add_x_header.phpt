--TEST--
mail.add_x_header
--INI--
mail.add_x_header=1
--FILE--
<?php
require __DIR__ . '/spool.inc';
usleep(2000); mail('to@example.com', 'S', 'B', 'From: shop@example.com');
usleep(2000); mail('to@example.com', 'S', 'B');
usleep(2000); eval('mail("to@example.com", "S", "B");');
tp_show();
?>
--EXPECTF--
-- spooled -t
To: to@example.com
Subject: S
X-PHP-Originating-Script: %d:mail_add_x_header.php
From: shop@example.com

B
-- spooled -t
To: to@example.com
Subject: S
X-PHP-Originating-Script: %d:mail_add_x_header.php

B
-- spooled -t
To: to@example.com
Subject: S
X-PHP-Originating-Script: %d:mail_add_x_header.php%A

B
--
