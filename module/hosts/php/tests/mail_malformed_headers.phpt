--TEST--
Malformed newlines in the headers: the warning of stock PHP, and nothing sent
--FILE--
<?php
require __DIR__ . '/spool.inc';
foreach (["\nX-A: b", "X-A: b\n\nbody", "X-A: b\r\n\r\nbody", "X-A: b\rX-B: c", "X-A: b\r\rX", ": x", "X-A: b\n\rX", ' X-A: b', "X-A: b\r\n"] as $headers) {
    echo json_encode($headers), ' ';
    var_dump(mail('a@example.com', 'S', 'B', $headers));
}
echo count(tp_take()), ' ', count(tp_recorded()), "\n";
?>
--EXPECTF--
"\nX-A: b" 
Warning: mail(): Multiple or malformed newlines found in additional_header in %s on line 5
bool(false)
"X-A: b\n\nbody" 
Warning: mail(): Multiple or malformed newlines found in additional_header in %s on line 5
bool(false)
"X-A: b\r\n\r\nbody" 
Warning: mail(): Multiple or malformed newlines found in additional_header in %s on line 5
bool(false)
"X-A: b\rX-B: c" tillpost: mail(): message not accepted (%s); handed to PHP's own mail()
bool(true)
"X-A: b\r\rX" 
Warning: mail(): Multiple or malformed newlines found in additional_header in %s on line 5
bool(false)
": x" 
Warning: mail(): Multiple or malformed newlines found in additional_header in %s on line 5
bool(false)
"X-A: b\n\rX" 
Warning: mail(): Multiple or malformed newlines found in additional_header in %s on line 5
bool(false)
" X-A: b" 
Warning: mail(): Multiple or malformed newlines found in additional_header in %s on line 5
bool(false)
"X-A: b\r\n" bool(true)
1 1
