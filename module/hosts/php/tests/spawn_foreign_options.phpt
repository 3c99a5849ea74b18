--TEST--
Commands with options that tillpost-sendmail does not have are left alone
--INI--
tillpost.sendmail=/bin/echo
--FILE--
<?php
require __DIR__ . '/spool.inc';
$own = ini_get('sendmail_path');
$swapped = ['-t', '-ti', '-t -i -fa@example.com', '-f a@example.com -- b@example.com', '-oi -F "A B" -t', '-bs', '-bp', '-t -R never -N "" -V x', '-q', '--store=eu -t', '--store eu -t', '-i b@example.com', '-tq5'];
$left = ['-C /etc/x -t', '-C/etc/x -t', '-adefault -t', '-a default -t', '-d -t', '-bS', '-bv b@example.com', '-bd', '-t -X f', '-Xf -t', '-tX', '-bs -t', '-I b@example.com', '-bp -bs', '-t --account=x', '--account=x -t',
    '-t --store=eu', '--storex -t', '-t -f', '-t -b', '--store', '-i b@example.com -t', '-t -- -f', '-x', '-tié'];
foreach ([...$swapped, ...$left] as $i => $options) {
    $said = shell_exec("$own $options </dev/null 2>&1");
    $count = count(tp_recorded());
    $p = proc_open([$own, ...array_map(fn($w) => trim($w, '"'), preg_match_all('/"[^"]*"|\S+/', $options, $m) ? $m[0] : [])], [['pipe', 'r'], ['pipe', 'w']], $pipes);
    fclose($pipes[0]);
    stream_get_contents($pipes[1]);
    proc_close($p);
    if ([$count, count(tp_recorded())] !== ($i < count($swapped) ? [0, 0] : [1, 1])) {
        echo "$options: $count $said\n";
    }
}
echo "end\n";
?>
--EXPECTF--
tillpost: %ssendmail-recorder is started with options that tillpost-sendmail does not have; such commands are left as they are
end
