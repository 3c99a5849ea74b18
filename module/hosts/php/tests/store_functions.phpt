--TEST--
tillpost_set_store() and tillpost_get_store()
--FILE--
<?php
require __DIR__ . '/spool.inc';
var_dump(tillpost_get_store(), tillpost_set_store('eu_1-a'), tillpost_get_store());
usleep(2000); mail('a@example.com', 'S', 'B');
var_dump(tillpost_set_store(null), tillpost_set_store('a'), tillpost_set_store('b'), tillpost_set_store(null));
var_dump(tillpost_get_store());
usleep(2000); mail('a@example.com', 'S', 'B');
foreach (['', 'a b', "a\0b", 'a/b', str_repeat('x', 64), "a\n"] as $name) {
    try {
        tillpost_set_store($name);
    } catch (ValueError $e) {
        echo $e->getMessage(), "\n";
    }
}
tillpost_set_store(str_repeat('x', 63));
echo strlen(tillpost_get_store()), "\n";
tp_show();
?>
--EXPECT--
NULL
NULL
string(6) "eu_1-a"
string(6) "eu_1-a"
NULL
string(1) "a"
string(1) "b"
NULL
tillpost_set_store(): Argument #1 ($store) must be the name of a store: 1 to 63 letters, digits, "_" and "-"
tillpost_set_store(): Argument #1 ($store) must be the name of a store: 1 to 63 letters, digits, "_" and "-"
tillpost_set_store(): Argument #1 ($store) must be the name of a store: 1 to 63 letters, digits, "_" and "-"
tillpost_set_store(): Argument #1 ($store) must be the name of a store: 1 to 63 letters, digits, "_" and "-"
tillpost_set_store(): Argument #1 ($store) must be the name of a store: 1 to 63 letters, digits, "_" and "-"
tillpost_set_store(): Argument #1 ($store) must be the name of a store: 1 to 63 letters, digits, "_" and "-"
63
-- spooled store=<eu_1-a> -t
To: a@example.com
Subject: S

B
-- spooled -t
To: a@example.com
Subject: S

B
--
