--TEST--
Addresses in parameters: lists, names, comments, brackets; options end at the first
--FILE--
<?php
require __DIR__ . '/spool.inc';
foreach (['b@example.com,c@example.com', '<b@example.com>,c@example.com', 'Bert<b@example.com>(x),c@example.com(Carla)', "'Bert B, c@example.com'",
    '-f Shop<s@example.com> b@example.com', '-q30m b@example.com', '-d0.1 b@example.com', '-tq -fs@example.com', ', ,', '-f ,'] as $parameters) {
    mail('a@example.com', 'S', 'B', '', $parameters);
    $got = tp_take()[0] ?? ['recipient' => ['handed back']];
    echo "$parameters => ", isset($got['sender']) ? "<{$got['sender']}>" : 'none', ' ', implode(' ', $got['recipient']), "\n";
}
echo count(tp_recorded()), "\n";
foreach (['"<b@example.com"', '"b@example.com)" "(c"', 'b@example.com -fs@example.com', '-- -fs@example.com', '-f "s@example.com, t@example.com"'] as $parameters) {
    mail('a@example.com', 'S', 'B', '', $parameters);
}
echo count(tp_take()), ' ', count(tp_recorded()), "\n";
?>
--EXPECTF--
b@example.com,c@example.com => none b@example.com c@example.com
<b@example.com>,c@example.com => none b@example.com c@example.com
Bert<b@example.com>(x),c@example.com(Carla) => none b@example.com c@example.com
tillpost: mail(): message not accepted (recipient 1: %s); handed to PHP's own mail()
'Bert B, c@example.com' => none handed back
-f Shop<s@example.com> b@example.com => <s@example.com> b@example.com
-q30m b@example.com => none b@example.com
-d0.1 b@example.com => none b@example.com
-tq -fs@example.com => <s@example.com> 
, , => none 
-f , => <> 
1
tillpost: mail(): message not accepted (a recipient is no address); handed to PHP's own mail()
tillpost: mail(): message not accepted (a recipient is no address); handed to PHP's own mail()
tillpost: mail(): message not accepted (a recipient is no address); handed to PHP's own mail()
tillpost: mail(): message not accepted (a recipient is no address); handed to PHP's own mail()
tillpost: mail(): message not accepted (the sender is not one address); handed to PHP's own mail()
0 5
