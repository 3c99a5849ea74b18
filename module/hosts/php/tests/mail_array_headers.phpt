--TEST--
mail() takes headers as an array
--FILE--
<?php
require __DIR__ . '/spool.inc';
usleep(2000); var_dump(mail('a@example.com', 'S', 'B', ['From' => 'shop@example.com', 'Received' => ['one', 'two'], 'X-Empty' => '']));
usleep(2000); var_dump(mail('a@example.com', 'S', 'B', []));
tp_show();
foreach ([['From' => ['a', 'b']], ['X-A' => 5], ['X A' => 'v'], ['X-A' => "a\nb"], [3 => 'x'], ['To' => 'b@example.com']] as $headers) {
    try {
        var_dump(mail('a@example.com', 'S', 'B', $headers));
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
tp_show();
?>
--EXPECTF--
bool(true)
bool(true)
-- spooled -t
To: a@example.com
Subject: S
From: shop@example.com
Received: one
Received: two
X-Empty: 

B
-- spooled -t
To: a@example.com
Subject: S

B
--
TypeError: Header "from" must be of type string, array given
TypeError: Header "X-A" must be of type array|string, int given
ValueError: Header name "X A" contains invalid characters
ValueError: Header "X-A" contains LF character that is not allowed in the header
TypeError: Header name cannot be numeric, 3 given
ValueError: The additional headers cannot contain the "To" header
--
