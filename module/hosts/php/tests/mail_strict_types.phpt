--TEST--
strict_types holds for mail()
--FILE--
<?php
declare(strict_types=1);
require __DIR__ . '/spool.inc';
try {
    mail('a@example.com', 5, 'B');
} catch (TypeError $e) {
    echo $e->getMessage(), "\n";
}
tp_show();
?>
--EXPECT--
mail(): Argument #2 ($subject) must be of type string, int given
--
