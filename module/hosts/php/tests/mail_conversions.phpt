--TEST--
Arguments are converted once, as stock PHP does
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
        echo "[{$this->text}]";
        if ($this->text === 'throw') {
            throw new Exception('thrown');
        }
        return $this->text;
    }
}
usleep(2000); var_dump(mail(new Text('a@example.com'), new Text('S'), 17));
try {
    mail(new Text('a@example.com'), new Text('throw'), 'B');
} catch (Exception $e) {
    echo $e->getMessage(), "\n";
}
try {
    mail(new Text('a@example.com'), [], 'B');
} catch (TypeError $e) {
    echo $e->getMessage(), "\n";
}
usleep(2000); var_dump(mail('a@example.com', null, 'B'));
tp_show();
?>
--EXPECTF--
[a@example.com][S]bool(true)
[a@example.com][throw]thrown
[a@example.com]mail(): Argument #2 ($subject) must be of type string, array given

Deprecated: mail(): Passing null to parameter #2 ($subject) of type string is deprecated in %s on line %d
bool(true)
-- spooled -t
To: a@example.com
Subject: S

17
-- spooled -t
To: a@example.com
Subject: 

B
--
