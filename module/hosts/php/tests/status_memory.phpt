--TEST--
What the plugin shows is copied; PHP's memory is asked for afterwards
--INI--
tillpost.plugin={PWD}/odd_plugin.so
memory_limit=4M
--FILE--
<?php
$status = tillpost_status('01M8039AADERTNCDC0');
echo strlen($status['id']), ' ', $status['state'], ' ', $status['store'] === '' ? 'none' : 'some', "\n";
?>
--EXPECT--
plugin: open returns
tillpost: odd-call: open
plugin: queue_list returns
tillpost: odd-call: queue_list
31 queued none
