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
 *   TILLPOST_HEADER   submit.header of its configuration; X-Tillpost-Store if
 *                     not defined
 *   TILLPOST_COMMAND  the program; /usr/bin/tillpost if not defined
 *   TILLPOST_CONFIG   its configuration; the program's own if not defined
 *
 * @package tillpost
 */

defined( 'ABSPATH' ) || exit;

defined( 'TILLPOST_HEADER' ) || define( 'TILLPOST_HEADER', 'X-Tillpost-Store' );
const TILLPOST_NAME = '/^[A-Za-z][A-Za-z0-9_-]{0,62}$/D';

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
 * Whether tillpost gets the mail of this site at all.
 *
 * @return bool
 */
function tillpost_is_the_way() {
	return ( extension_loaded( 'tillpost' ) && ini_get( 'tillpost.enable' ) )
		|| tillpost_is_its_program( (string) ini_get( 'sendmail_path' ) );
}

/**
 * Whether a command starts tillpost-sendmail, perhaps as /usr/sbin/sendmail.
 *
 * @param string $command A command line.
 * @return bool
 */
function tillpost_is_its_program( $command ) {
	if ( false !== strpos( $command, 'tillpost-sendmail' ) ) {
		return true;
	}
	$program = trim( (string) strtok( $command, ' ' ), '"\'' );
	// phpcs:ignore WordPress.PHP.NoSilencedErrors -- open_basedir may forbid to look.
	return '' !== $program && 'tillpost-sendmail' === basename( (string) @realpath( $program ) );
}

/**
 * Whether the mail of this site surely goes by another mail server, which
 * would show the header to the recipients. In doubt it does not: a wrapper or
 * a program behind open_basedir may be tillpost's, and a store's mail must not
 * go by another store's relay.
 *
 * @return bool
 */
function tillpost_is_another_server() {
	if ( tillpost_is_the_way() ) {
		return false;
	}
	$program = trim( (string) strtok( (string) ini_get( 'sendmail_path' ), ' ' ), '"\'' );
	// phpcs:ignore WordPress.PHP.NoSilencedErrors -- open_basedir may forbid to look.
	$name = basename( (string) @realpath( $program ) );
	return in_array( $name, array( 'sendmail', 'exim', 'exim4', 'msmtp', 'ssmtp', 'dma', 'esmtp', 'smtpctl' ), true );
}

/**
 * Names the store of a mail that goes through PHP's mail() or a sendmail
 * program. Only this one mail is named: what a program tells
 * tillpost_set_store(), and what the server's settings name, counts more, and
 * is not touched. A name that the mail has already stays, but not where a
 * site does not choose its store: forms let its people add headers.
 *
 * @param PHPMailer\PHPMailer\PHPMailer $phpmailer The mail.
 */
function tillpost_name_store( $phpmailer ) {
	if ( ! in_array( $phpmailer->Mailer, array( 'mail', 'sendmail' ), true ) ) {
		return; // Another plugin sends it: nobody would remove the header.
	}
	if ( is_multisite() || defined( 'TILLPOST_STORE' ) ) {
		tillpost_remove_names( $phpmailer );
	}
	foreach ( $phpmailer->getCustomHeaders() as $header ) {
		if ( tillpost_is_name( $header ) ) {
			return;
		}
	}
	$store = tillpost_store();
	if ( '' !== $store && ! tillpost_is_another_server() ) {
		$phpmailer->addCustomHeader( TILLPOST_HEADER, $store );
	}
}

/**
 * Whether a header names a store.
 *
 * @param string[] $header Name and value.
 * @return bool
 */
function tillpost_is_name( $header ) {
	return 0 === strcasecmp( TILLPOST_HEADER, trim( $header[0] ) );
}

/**
 * Takes the headers out of a mail that name a store.
 *
 * @param PHPMailer\PHPMailer\PHPMailer $phpmailer The mail.
 */
function tillpost_remove_names( $phpmailer ) {
	$headers = $phpmailer->getCustomHeaders();
	$phpmailer->clearCustomHeaders();
	foreach ( $headers as $header ) {
		if ( ! tillpost_is_name( $header ) ) {
			$phpmailer->addCustomHeader( $header[0], $header[1] );
		}
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

// Site Health looks once a week by itself.
if ( is_admin() || wp_doing_cron() ) {
	require_once __DIR__ . '/includes/command.php';
	require_once __DIR__ . '/includes/settings.php';
}
