--TEST--
A handle that was opened before a fork works in parent and child
--EXTENSIONS--
pcntl
--FILE--
<?php
require __DIR__ . '/spool.inc';
mail('a@example.com', 'parent', 'B');
for ($i = 0; $i < 4; $i++) {
    if (pcntl_fork() === 0) {
        $ok = mail('a@example.com', "child $i", 'B') && tillpost_last_id() !== null;
        exit($ok ? 0 : 1);
    }
}
mail('a@example.com', 'parent', 'B');
while (pcntl_wait($status) > 0) {
    echo pcntl_wexitstatus($status);
}
$ids = array_column(tp_take(), 'queue-id');
echo "\n", count($ids), ' ', count(array_unique($ids)), ' ', count(tp_recorded()), "\n";
?>
--EXPECT--
0000
6 6 0
