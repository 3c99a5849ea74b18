--TEST--
An error handler that throws because of mail.log: nothing is sent
--INI--
mail.log=/nonexistent/mail.log
--FILE--
<?php
require __DIR__ . '/spool.inc';
set_error_handler(fn($level, $text) => throw new ErrorException($text));
foreach ([fn() => mail('a@example.com', 'S', 'B'), fn() => mail('a@example.com', 'S', 'B', "X\n\nY"), fn() => mb_send_mail('a@example.com', 'S', 'B'),
    fn() => error_log('x', 1, 'a@example.com')] as $call) {
    try {
        var_dump($call());
    } catch (ErrorException $e) {
        echo $e->getMessage(), "\n";
    }
}
tp_show();
?>
--EXPECT--
mail(/nonexistent/mail.log): Failed to open stream: No such file or directory
mail(/nonexistent/mail.log): Failed to open stream: No such file or directory
mb_send_mail(/nonexistent/mail.log): Failed to open stream: No such file or directory
error_log(/nonexistent/mail.log): Failed to open stream: No such file or directory
--
