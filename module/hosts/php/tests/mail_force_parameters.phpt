--TEST--
mail.force_extra_parameters stands above the fifth argument
--INI--
mail.force_extra_parameters="-fforced@example.com"
--FILE--
<?php
require __DIR__ . '/spool.inc';
mail('to@example.com', 'S', 'B', 'From: shop@example.com', '-fother@example.com b@example.com');
tp_show();
?>
--EXPECT--
-- spooled sender=<forced@example.com> -t
To: to@example.com
Subject: S
From: shop@example.com

B
--
