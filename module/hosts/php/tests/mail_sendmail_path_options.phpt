--TEST--
-f and --store in sendmail_path count, addresses there do not
--INI--
sendmail_path="/usr/bin/tillpost-sendmail --store=eu -t -a account -f pool@example.com | tee /dev/null"
--FILE--
<?php
require __DIR__ . '/spool.inc';
usleep(2000); mail('to@example.com', 'S', 'B', 'From: shop@example.com');
usleep(2000); mail('to@example.com', 'S', 'B', 'From: shop@example.com', '-fother@example.com');
tillpost_set_store('us');
usleep(2000); mail('to@example.com', 'S', 'B', 'From: shop@example.com');
tp_show();
?>
--EXPECT--
-- spooled sender=<pool@example.com> store=<eu> -t
To: to@example.com
Subject: S
From: shop@example.com

B
-- spooled sender=<other@example.com> store=<eu> -t
To: to@example.com
Subject: S
From: shop@example.com

B
-- spooled sender=<pool@example.com> store=<us> -t
To: to@example.com
Subject: S
From: shop@example.com

B
--
