--TEST--
TILLPOST_STORE in the process's environment is the last to name the store
--ENV--
TILLPOST_STORE=env
--FILE--
<?php
require __DIR__ . '/spool.inc';
$_SERVER['TILLPOST_STORE'] = $_ENV['TILLPOST_STORE'] = 'array';
var_dump(tillpost_get_store());
usleep(2000); mail('a@example.com', 'S', 'B');
usleep(2000); mb_send_mail('a@example.com', 'S', 'B');
usleep(2000); pclose(popen('echo To: a@example.com | ' . ini_get('sendmail_path') . ' -t', 'w'));
ini_set('sendmail_path', ini_get('sendmail_path'));
tillpost_set_store('eu');
usleep(2000); mail('a@example.com', 'S', 'B');
tillpost_set_store(null);
putenv('TILLPOST_STORE=' . str_repeat('x', 70));
var_dump(strlen(tillpost_get_store()));
putenv('TILLPOST_STORE=');
var_dump(tillpost_get_store());
usleep(2000); mail('a@example.com', 'S', 'B');
foreach (tp_take() as $m) {
    echo $m['store'] ?? 'none', "\n";
}
tp_recorded();
?>
--EXPECT--
string(3) "env"
int(64)
NULL
env
env
eu
none
