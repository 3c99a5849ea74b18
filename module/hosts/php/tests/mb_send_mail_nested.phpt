--TEST--
An error handler that sends mail while mb_send_mail() works, and one that throws
--FILE--
<?php
require __DIR__ . '/spool.inc';
set_error_handler(function ($level, $text) {
    echo "$text\n";
    var_dump(mail('root', 'handed back', $text), mail('a@example.com', 'accepted', $text), mb_send_mail('root', 'back too', 'B'), ini_get('tillpost.enable'));
    return true;
});
var_dump(mb_send_mail('b@example.com', 'outer', 'B', 'Content-Type: text/plain; charset=nonsense'));
set_error_handler(function ($level, $text) {
    throw new ErrorException($text);
});
try {
    mb_send_mail('c@example.com', 'thrown', 'B', 'Content-Type: text/plain; charset=nonsense');
} catch (ErrorException $e) {
    echo $e->getMessage(), "\n";
}
foreach (tp_take() as $m) {
    preg_match('/^To: \S+\r\nSubject: .*\r$/m', $m['data'], $found);
    echo 'spooled ', json_encode($found[0]), "\n";
}
foreach (tp_recorded() as [$args, $text]) {
    preg_match('/^To: \S+\r\nSubject: .*\r$/m', $text, $found);
    echo 'recorded ', json_encode($found[0]), "\n";
}
?>
--EXPECTF--
mb_send_mail(): Unsupported charset "nonsense" - will be regarded as ascii
tillpost: mail(): message not accepted (%s); handed to PHP's own mail()
tillpost: mb_send_mail(): message not accepted (%s); handed to PHP's own mb_send_mail()
bool(true)
bool(true)
bool(true)
string(1) "1"
bool(true)
mb_send_mail(): Unsupported charset "nonsense" - will be regarded as ascii
spooled "To: a@example.com\r\nSubject: accepted\r"
spooled "To: b@example.com\r\nSubject: outer\r"
recorded "To: root\r\nSubject: handed back\r"
recorded "To: root\r\nSubject: back too\r"
