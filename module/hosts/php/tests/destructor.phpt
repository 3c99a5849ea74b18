--TEST--
Mail from destructors and shutdown functions, after an exit
--FILE--
<?php
require __DIR__ . '/spool.inc';
class Order
{
    public function __destruct()
    {
        usleep(2000);
        mail('a@example.com', 'destructor', 'B');
        tp_show();
    }
}
$order = new Order;
tillpost_set_store('eu');
register_shutdown_function(fn() => mail('a@example.com', 'shutdown', 'B'));
exit("over\n");
?>
--EXPECT--
over
-- spooled store=<eu> -t
To: a@example.com
Subject: shutdown

B
-- spooled store=<eu> -t
To: a@example.com
Subject: destructor

B
--
