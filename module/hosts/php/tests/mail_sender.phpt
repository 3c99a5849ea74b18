--TEST--
The sender and recipients come from the additional parameters
--FILE--
<?php
require __DIR__ . '/spool.inc';
$all = ['-fa@example.com', '-f a@example.com', "-f'a@example.com'", '-f"a@example.com"', '-oi -fa@example.com', '-tifa@example.com',
    '-r a@example.com', '-f<a@example.com>', '-f ""', '-f www-data', '-f a@example.com -- b@example.com',
    '-f a@example.com b@example.com', '-F "Full Name" -f a@example.com', '-f', '-fone@example.com -ftwo@example.com',
    '-N never -R full -fa@example.com'];
foreach ($all as $parameters) {
    mail('to@example.com', 'S', 'B', 'From: shop@example.com', $parameters);
    $got = tp_take()[0];
    echo "$parameters => ", isset($got['sender']) ? "<{$got['sender']}>" : 'none', ' ', implode(',', $got['recipient']), "\n";
}
var_dump(tp_recorded());
?>
--EXPECT--
-fa@example.com => <a@example.com> 
-f a@example.com => <a@example.com> 
-f'a@example.com' => <a@example.com> 
-f"a@example.com" => <a@example.com> 
-oi -fa@example.com => <a@example.com> 
-tifa@example.com => <a@example.com> 
-r a@example.com => <a@example.com> 
-f<a@example.com> => <a@example.com> 
-f "" => <> 
-f www-data => none 
-f a@example.com -- b@example.com => <a@example.com> b@example.com
-f a@example.com b@example.com => <a@example.com> b@example.com
-F "Full Name" -f a@example.com => <a@example.com> 
-f => none 
-fone@example.com -ftwo@example.com => <two@example.com> 
-N never -R full -fa@example.com => <a@example.com> 
array(0) {
}
