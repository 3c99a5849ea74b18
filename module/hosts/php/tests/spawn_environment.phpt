--TEST--
What the caller of proc_open() puts into the environment goes first
--ENV--
TILLPOST_STORE=process
--FILE--
<?php
require __DIR__ . '/spool.inc';
$_SERVER['HTTP_HOST'] = 'request.example.com';
$_SERVER['MAGE_RUN_CODE'] = 'request';
function send($command, ?array $env): void
{
    $p = proc_open($command, [['pipe', 'r']], $pipes, null, $env);
    fwrite($pipes[0], "To: a@example.com\n\nB\n");
    fclose($pipes[0]);
    proc_close($p);
    foreach (tp_take() as $m) {
        echo $m['store'] ?? '-', ' ', $m['run-code'] ?? '-', ' ', $m['http-host'] ?? '-', "\n";
    }
    echo count(tp_recorded()) ? "recorded\n" : '';
}
$own = ini_get('sendmail_path');
foreach (["$own -t", [$own, '-t']] as $command) {
    send($command, null);
    send($command, []);
    send($command, ['A' => 'b']);
    send($command, ['TILLPOST_STORE' => 'caller', 'HTTP_HOST' => 'caller.example.com']);
    send($command, ['TILLPOST_STORE=caller', 'MAGE_RUN_CODE=caller']);
    tillpost_set_store('eu');
    send($command, ['TILLPOST_STORE' => 'caller']);
    tillpost_set_store(null);
}
// A spool of its own: nothing arrives in this one.
mkdir($other = getenv('TP_SPOOL') . '/../other/incoming', 0700, true);
chmod($other, 03733);
send("$own -t", ['TILLPOST_SPOOL' => dirname($other)]);
echo count($files = glob("$other/*")), " elsewhere\n";
array_map('unlink', $files);
rmdir($other);
rmdir(dirname($other));
?>
--EXPECT--
process request request.example.com
process request request.example.com
process request request.example.com
caller request caller.example.com
caller caller request.example.com
eu - -
process request request.example.com
process request request.example.com
process request request.example.com
caller request caller.example.com
caller caller request.example.com
eu - -
1 elsewhere
