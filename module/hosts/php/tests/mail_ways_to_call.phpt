--TEST--
Every way to call mail() comes through the hook
--FILE--
<?php
namespace Shop;
require __DIR__ . '/spool.inc';
$args = ['to' => 'a@example.com', 'subject' => 'S', 'message' => 'B'];
var_dump(mail(...$args), \mail('a@example.com', 'S', 'B'), call_user_func('mail', 'a@example.com', 'S', 'B'),
    call_user_func_array('mail', $args), (mail(...))('a@example.com', 'S', 'B'),
    (new \ReflectionFunction('mail'))->invoke('a@example.com', 'S', 'B'),
    \Closure::fromCallable('mail')('a@example.com', 'S', 'B'),
    mail(additional_params: '-fx@example.com', to: 'a@example.com', message: 'B', subject: 'S'));
register_shutdown_function(function () {
    mail('a@example.com', 'S', 'B');
    echo count(\tp_take()), ' ', count(\tp_recorded()), "\n";
});
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
9 0
