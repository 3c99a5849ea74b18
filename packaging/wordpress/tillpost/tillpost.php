<?php
/**
 * Plugin Name:       tillpost
 * Description:       Names this site's store for tillpost, and shows what became of its mail. Needs tillpost on the server.
 * Version:           0.1.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * Author:            tillpost
 * License:           MIT
 * License URI:       https://opensource.org/license/mit
 * Text Domain:       tillpost
 * Domain Path:       /languages
 *
 * Mail goes the way it always went: wp_mail() and PHP's mail(), which the
 * server's tillpost takes over. Only the name of the store is added here,
 * and removed by tillpost before a mail leaves. No credential is known here.
 *
 * wp-config.php may define
 *   TILLPOST_STORE    the store of every site; then no site chooses its own
 *   TILLPOST_COMMAND  the program; /usr/bin/tillpost if not defined
 *   TILLPOST_CONFIG   its configuration; the program's own if not defined
 *
 * @package tillpost
 */

defined( 'ABSPATH' ) || exit;

const TILLPOST_HEADER = 'X-Tillpost-Store';
const TILLPOST_NAME   = '/^[A-Za-z][A-Za-z0-9_-]{0,62}$/D';

/**
 * The store of the current site: also between switch_to_blog() and
 * restore_current_blog().
 *
 * @return string Empty: none is named, tillpost finds it by itself.
 */
function tillpost_store() {
	if ( defined( 'TILLPOST_STORE' ) ) {
		return (string) TILLPOST_STORE;
	}
	return (string) get_option( 'tillpost_store', '' );
}

/**
 * Names the store of a mail that goes through PHP's mail() or a sendmail
 * program. A name that the mail has already stays. Only this one mail is
 * named: what a program tells tillpost_set_store(), and what the server's
 * settings name, counts more, and is not touched.
 *
 * @param PHPMailer\PHPMailer\PHPMailer $phpmailer The mail.
 */
function tillpost_name_store( $phpmailer ) {
	if ( ! in_array( $phpmailer->Mailer, array( 'mail', 'sendmail' ), true ) ) {
		return; // Another plugin sends it: nobody would remove the header.
	}
	foreach ( $phpmailer->getCustomHeaders() as $header ) {
		if ( 0 === strcasecmp( TILLPOST_HEADER, $header[0] ) ) {
			return;
		}
	}
	$store = tillpost_store();
	if ( '' !== $store ) {
		$phpmailer->addCustomHeader( TILLPOST_HEADER, $store );
	}
}
add_action( 'phpmailer_init', 'tillpost_name_store', 1000 );

/**
 * Loads the translations.
 */
function tillpost_init() {
	load_plugin_textdomain( 'tillpost', false, dirname( plugin_basename( __FILE__ ) ) . '/languages' );
}
add_action( 'init', 'tillpost_init' );

if ( is_admin() ) {
	require_once __DIR__ . '/includes/command.php';
	require_once __DIR__ . '/includes/settings.php';
}
