--TEST--
mb_send_mail(): the errors of mbstring, and nothing sent
--FILE--
<?php
require __DIR__ . '/spool.inc';
foreach ([fn() => mb_send_mail('a', 'b'), fn() => mb_send_mail("a\0", 'b', 'c'), fn() => mb_send_mail('a', 'b', 'c', new stdClass),
    fn() => mb_send_mail('a@example.com', 'S', 'B', ['X-A' => 5])] as $call) {
    try {
        var_dump($call());
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
tp_show();
?>
--EXPECT--
ArgumentCountError: mb_send_mail() expects at least 3 arguments, 2 given
ValueError: mb_send_mail(): Argument #1 ($to) must not contain any null bytes
TypeError: mb_send_mail(): Argument #4 ($additional_headers) must be of type array|string, stdClass given
TypeError: Header "X-A" must be of type array|string, int given
--
