--TEST--
Commands that are objects with a string are converted once
--FILE--
<?php
require __DIR__ . '/spool.inc';
class Text
{
    public function __construct(private string $text)
    {
    }
    public function __toString(): string
    {
        echo '[to string]';
        if ($this->text === 'throw') {
            throw new Exception('thrown');
        }
        return $this->text;
    }
}
$mail = "To: a@example.com\n\nB\n";
$command = new Text(ini_get('sendmail_path') . ' -t');
$p = popen($command, 'w');
fwrite($p, $mail);
var_dump(pclose($p), $command instanceof Text);
$p = proc_open($command, [['pipe', 'r']], $pipes);
fwrite($pipes[0], $mail);
fclose($pipes[0]);
var_dump(proc_close($p));
var_dump(exec(new Text('echo x')));
foreach ([fn() => popen(new Text('throw'), 'w'), fn() => popen(new Text('x')), fn() => popen(new stdClass, 'w'), fn() => exec(new Text("a\0"))] as $call) {
    try {
        $call();
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
echo count(tp_take()), ' ', count(tp_recorded()), "\n";
?>
--EXPECT--
[to string]int(0)
bool(true)
[to string]int(0)
[to string]string(1) "x"
[to string]Exception: thrown
ArgumentCountError: popen() expects exactly 2 arguments, 1 given
TypeError: popen(): Argument #1 ($command) must be of type string, stdClass given
[to string]ValueError: exec(): Argument #1 ($command) must not contain any null bytes
2 0
