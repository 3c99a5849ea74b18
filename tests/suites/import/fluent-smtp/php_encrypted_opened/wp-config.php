<?php
/** define('LOGGED_IN_KEY', 'of a comment'); */
// define('LOGGED_IN_KEY', 'of a line');
# define('LOGGED_IN_KEY', 'of another line');
$text = "define('LOGGED_IN_KEY', 'of a text');";
define('DB_PASSWORD', 'not of interest');
define( 'AUTH_KEY',         'canary-auth' );
define( 'LOGGED_IN_KEY',    'k\'x{Z}]$&0;"q\\w~ 2^#|8Hn=+_?a<b>,.:/%!@()*4567890123456789abcdef' );
Define ( "LOGGED_IN_SALT" , /* here */ "s@lt \"of\" the \$site, longer than a password: 0123456789abcdef" );
define('LOGGED_IN_KEY', 'the second one does not count');
define('FLUENTMAIL_SMTP_USERNAME', 'eu@example.net');
define('FLUENTMAIL_SMTP_PASSWORD', 'canary-constant');
define('WP_DEBUG', false);
