--TEST--
An error handler that throws, and one that sends mail itself
--FILE--
<?php
require __DIR__ . '/spool.inc';
set_error_handler(function ($level, $text) {
    throw new ErrorException($text);
});
try {
    mail('a@example.com', 'S', 'B', "X: a\n\nb");
} catch (ErrorException $e) {
    echo $e->getMessage(), "\n";
}
try {
    mb_send_mail('a@example.com', 'S', 'B', "X: a\n\nb");
} catch (ErrorException $e) {
    echo $e->getMessage(), "\n";
}
set_error_handler(function ($level, $text) {
    mail('admin@example.com', 'report', $text);
    return true;
});
var_dump(mail('a@example.com', 'S', 'B', "X: a\n\nb"));
tp_show();
?>
--EXPECT--
mail(): Multiple or malformed newlines found in additional_header
mb_send_mail(): Multiple or malformed newlines found in additional_header
bool(false)
-- spooled -t
To: admin@example.com
Subject: report

mail(): Multiple or malformed newlines found in additional_header
--
