--TEST--
An empty mail.force_extra_parameters counts too
--INI--
mail.force_extra_parameters=""
--FILE--
<?php
require __DIR__ . '/spool.inc';
mail('to@example.com', 'S', 'B', 'From: shop@example.com', '-fother@example.com');
echo isset(tp_take()[0]['sender']) ? 'sender' : 'no sender', "\n";
?>
--EXPECT--
no sender
