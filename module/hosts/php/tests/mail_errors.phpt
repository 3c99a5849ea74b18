--TEST--
Wrong arguments: the errors of stock PHP, word for word
--FILE--
<?php
require __DIR__ . '/spool.inc';
$calls = [
    fn() => mail('a@example.com', 'S'),
    fn() => mail('a@example.com', 'S', 'B', '', '', ''),
    fn() => mail("a\0@example.com", 'S', 'B'),
    fn() => mail('a@example.com', "S\0", 'B'),
    fn() => mail('a@example.com', 'S', "B\0"),
    fn() => mail('a@example.com', 'S', 'B', "X: \0"),
    fn() => mail('a@example.com', 'S', 'B', '', "-f\0"),
    fn() => mail([], 'S', 'B'),
    fn() => mail('a@example.com', 'S', 'B', 7.5, []),
    fn() => mail('a@example.com', 'S', 'B', new stdClass),
    fn() => mail(to: 'a@example.com', subject: 'S'),
    fn() => mail('a@example.com', 'S', 'B', nonsense: 1),
];
foreach ($calls as $call) {
    try {
        var_dump($call());
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
tp_show();
?>
--EXPECT--
ArgumentCountError: mail() expects at least 3 arguments, 2 given
ArgumentCountError: mail() expects at most 5 arguments, 6 given
ValueError: mail(): Argument #1 ($to) must not contain any null bytes
ValueError: mail(): Argument #2 ($subject) must not contain any null bytes
ValueError: mail(): Argument #3 ($message) must not contain any null bytes
ValueError: mail(): Argument #4 ($additional_headers) must not contain any null bytes
ValueError: mail(): Argument #5 ($additional_params) must not contain any null bytes
TypeError: mail(): Argument #1 ($to) must be of type string, array given
TypeError: mail(): Argument #5 ($additional_params) must be of type string, array given
TypeError: mail(): Argument #4 ($additional_headers) must be of type array|string, stdClass given
ArgumentCountError: mail() expects at least 3 arguments, 2 given
Error: Unknown named parameter $nonsense
--
