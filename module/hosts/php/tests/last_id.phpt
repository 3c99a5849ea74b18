--TEST--
tillpost_last_id() and tillpost_status()
--FILE--
<?php
require __DIR__ . '/spool.inc';
var_dump(tillpost_last_id());
mail('a@example.com', 'S', 'B');
$first = tillpost_last_id();
mb_send_mail('a@example.com', 'S', 'B');
$second = tillpost_last_id();
mail('a@example.com', 'S', 'B', "X: a\n\nb");
var_dump($first !== $second, tillpost_last_id() === $second);
$status = tillpost_status($second);
echo implode(' ', array_keys($status)), "\n{$status['state']}\n";
var_dump($status['id'] === $second, abs($status['created_ms'] - microtime(true) * 1000) < 60000);
tp_take();
var_dump(tillpost_status($second));
try {
    tillpost_status("a\0");
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECTF--
NULL

Warning: mail(): Multiple or malformed newlines found in additional_header in %s on line %d
bool(true)
bool(true)
id store state reason attempts created_ms next_try_ms expires_ms size_bytes
spooled
bool(true)
bool(true)

Warning: tillpost_status(): %stillpostd does not run%s in %s on line %d
bool(false)
tillpost_status(): Argument #1 ($id) must not contain any null bytes
