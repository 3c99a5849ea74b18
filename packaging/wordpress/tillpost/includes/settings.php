<?php
/**
 * Settings > tillpost: the store of this site, the state of the connection,
 * the last outcomes, a test mail. And the test of Site Health.
 *
 * @package tillpost
 */

defined( 'ABSPATH' ) || exit;

/**
 * Who names the store. In a network a site must not choose another site's.
 *
 * @return string A capability.
 */
function tillpost_capability() {
	return is_multisite() ? 'manage_network_options' : 'manage_options';
}
add_filter( 'option_page_capability_tillpost', 'tillpost_capability' );

/**
 * The page in the menu.
 */
function tillpost_menu() {
	add_options_page( 'tillpost', 'tillpost', 'manage_options', 'tillpost', 'tillpost_page' );
}
add_action( 'admin_menu', 'tillpost_menu' );

/**
 * The one setting.
 */
function tillpost_register() {
	register_setting(
		'tillpost',
		'tillpost_store',
		array(
			'type'              => 'string',
			'default'           => '',
			'sanitize_callback' => 'tillpost_sanitize_store',
		)
	);
	add_settings_section( 'tillpost', '', '__return_null', 'tillpost' );
	add_settings_field(
		'tillpost_store',
		__( 'Store', 'tillpost' ),
		'tillpost_store_field',
		'tillpost',
		'tillpost',
		array( 'label_for' => 'tillpost_store' )
	);
}
add_action( 'admin_init', 'tillpost_register' );

/**
 * Keeps the old name if the new one cannot be one.
 *
 * @param mixed $value As sent.
 * @return string
 */
function tillpost_sanitize_store( $value ) {
	$value = is_string( $value ) ? trim( $value ) : '';
	if ( '' === $value || preg_match( TILLPOST_NAME, $value ) ) {
		return $value;
	}
	/* translators: %s: what was typed */
	add_settings_error( 'tillpost_store', 'tillpost_store', sprintf( __( '"%s" is not a store name: letters, digits, hyphens and underscores, a letter first.', 'tillpost' ), esc_html( $value ) ) );
	return (string) get_option( 'tillpost_store', '' );
}

/**
 * The field of the store.
 */
function tillpost_store_field() {
	$fixed = defined( 'TILLPOST_STORE' );
	printf(
		'<input type="text" class="regular-text code" id="tillpost_store" name="tillpost_store" value="%s" maxlength="63"%s>',
		esc_attr( tillpost_store() ),
		disabled( $fixed || ! current_user_can( tillpost_capability() ), true, false )
	);
	printf(
		'<p class="description">%s</p>',
		$fixed
			? esc_html__( 'Set in wp-config.php (TILLPOST_STORE).', 'tillpost' )
			: esc_html__( 'As in the configuration of tillpost. Empty: tillpost finds the store by the sender address, or takes the default one.', 'tillpost' )
	);
	$named = function_exists( 'tillpost_get_store' ) ? (string) tillpost_get_store() : '';
	if ( '' !== $named ) {
		printf(
			'<p class="description">%s</p>',
			/* translators: %s: name of a store */
			esc_html( sprintf( __( 'The settings of PHP name the store %s, which counts more.', 'tillpost' ), $named ) )
		);
	}
}

/**
 * Whether this user may see outcomes here: of a store that is named, or of
 * all that PHP's user may see.
 *
 * @return bool
 */
function tillpost_may_see_outcomes() {
	return '' !== tillpost_store() || current_user_can( tillpost_capability() );
}

/**
 * The page.
 */
function tillpost_page() {
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	echo '<div class="wrap"><h1>' . esc_html( get_admin_page_title() ) . '</h1>';
	echo '<form action="options.php" method="post">';
	settings_fields( 'tillpost' );
	do_settings_sections( 'tillpost' );
	if ( ! defined( 'TILLPOST_STORE' ) && current_user_can( tillpost_capability() ) ) {
		submit_button();
	}
	echo '</form><h2>' . esc_html__( 'Connection', 'tillpost' ) . '</h2>';
	echo '<table class="widefat striped" style="max-width:60em"><tbody>';
	foreach ( tillpost_state( tillpost_ask( 'status', '--json' ) ) as $name => $value ) {
		printf( '<tr><th scope="row">%s</th><td>%s</td></tr>', esc_html( $name ), nl2br( esc_html( $value ) ) );
	}
	echo '</tbody></table>';
	if ( tillpost_may_see_outcomes() ) {
		tillpost_outcomes();
	}
	tillpost_test_form();
	echo '</div>';
}

/**
 * How mail leaves PHP here, in words.
 *
 * @return string
 */
function tillpost_way() {
	if ( extension_loaded( 'tillpost' ) && ini_get( 'tillpost.enable' ) ) {
		/* translators: %s: version number */
		return sprintf( __( 'the tillpost extension of PHP, version %s', 'tillpost' ), phpversion( 'tillpost' ) );
	}
	/* translators: %s: a command line */
	return sprintf( __( 'sendmail_path = %s', 'tillpost' ), ini_get( 'sendmail_path' ) );
}

/**
 * The rows of the table of the connection.
 *
 * @param array|WP_Error $status What the command said.
 * @return string[] Name => value.
 */
function tillpost_state( $status ) {
	$state = array(
		__( 'Mail leaves by', 'tillpost' ) => tillpost_way() . ( tillpost_is_the_way() ? '' : "\n" . __( 'tillpost does not get this mail.', 'tillpost' ) ),
	);
	if ( is_wp_error( $status ) ) {
		$state['tillpost'] = $status->get_error_message();
		return $state;
	}
	$state['tillpost'] = __( 'answers', 'tillpost' );

	$counts = array(
		'spooled_count' => __( 'In the spool', 'tillpost' ),
		'queued_count'  => __( 'Waiting', 'tillpost' ),
		'held_count'    => __( 'Held', 'tillpost' ),
	);
	foreach ( $counts as $key => $name ) {
		// Less than 0: not for this user's eyes.
		if ( isset( $status[0][ $key ] ) && $status[0][ $key ] >= 0 ) {
			$state[ $name ] = number_format_i18n( $status[0][ $key ] );
		}
	}
	foreach ( isset( $status[0]['relays'] ) ? $status[0]['relays'] : array() as $relay ) {
		/* translators: %s: name of a relay */
		$state[ sprintf( __( 'Relay %s', 'tillpost' ), $relay['relay'] ) ] = trim( $relay['state'] . ' ' . $relay['reason'] );
	}
	return $state;
}

/**
 * The last outcomes, the newest first.
 */
function tillpost_outcomes() {
	$arguments = array( 'log', '--json', '--limit', '20' );
	if ( '' !== tillpost_store() ) {
		array_push( $arguments, '--store', tillpost_store() );
	}
	echo '<h2>' . esc_html__( 'Last outcomes', 'tillpost' ) . '</h2>';
	$rows = tillpost_ask( ...$arguments );
	if ( is_wp_error( $rows ) ) {
		echo '<p>' . nl2br( esc_html( $rows->get_error_message() ) ) . '</p>';
		return;
	}
	if ( ! $rows ) {
		echo '<p>' . esc_html__( 'None yet.', 'tillpost' ) . '</p>';
		return;
	}
	printf(
		'<table class="widefat striped"><thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr></thead><tbody>',
		esc_html__( 'Time', 'tillpost' ),
		esc_html__( 'Recipient', 'tillpost' ),
		esc_html__( 'Outcome', 'tillpost' ),
		esc_html__( 'Answer', 'tillpost' ),
		esc_html__( 'Number', 'tillpost' )
	);
	foreach ( array_reverse( $rows ) as $row ) {
		printf(
			'<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td><code>%s</code></td></tr>',
			esc_html( wp_date( 'Y-m-d H:i:s', strtotime( $row['time'] ) ) ),
			esc_html( $row['recipient'] ),
			esc_html( $row['verdict'] ),
			esc_html( $row['text'] ),
			esc_html( $row['queue_id'] )
		);
	}
	echo '</tbody></table>';
}

/**
 * The button for a test mail.
 */
function tillpost_test_form() {
	echo '<h2>' . esc_html__( 'Test mail', 'tillpost' ) . '</h2>';
	echo '<form action="' . esc_url( admin_url( 'admin-post.php' ) ) . '" method="post">';
	echo '<input type="hidden" name="action" value="tillpost_test">';
	wp_nonce_field( 'tillpost_test' );
	printf(
		'<p><label>%s <input type="email" class="regular-text" name="tillpost_to" value="%s" required></label> %s</p></form>',
		esc_html__( 'To', 'tillpost' ),
		esc_attr( wp_get_current_user()->user_email ),
		get_submit_button( __( 'Send a test mail', 'tillpost' ), 'secondary', 'submit', false ) // phpcs:ignore WordPress.Security.EscapeOutput -- HTML.
	);
}

/**
 * Sends the test mail as the site sends all its mail.
 */
function tillpost_test() {
	if ( ! current_user_can( 'manage_options' ) ) {
		wp_die( esc_html__( 'You may not do that.', 'tillpost' ), 403 );
	}
	check_admin_referer( 'tillpost_test' );
	$to = isset( $_POST['tillpost_to'] ) ? sanitize_email( wp_unslash( $_POST['tillpost_to'] ) ) : '';
	if ( is_email( $to ) && tillpost_send_test( $to ) ) {
		$id = function_exists( 'tillpost_last_id' ) ? (string) tillpost_last_id() : '';
		/* translators: 1: address, 2: queue id, may be empty */
		add_settings_error( 'tillpost_store', 'tillpost_test', sprintf( __( 'A test mail to %1$s was accepted. %2$s', 'tillpost' ), esc_html( $to ), esc_html( $id ) ), 'success' );
	} else {
		add_settings_error( 'tillpost_store', 'tillpost_test', __( 'The test mail was not accepted.', 'tillpost' ) );
	}
	set_transient( 'settings_errors', get_settings_errors(), 30 );
	wp_safe_redirect( admin_url( 'options-general.php?page=tillpost&settings-updated=true' ) );
	exit;
}
add_action( 'admin_post_tillpost_test', 'tillpost_test' );

/**
 * One test mail.
 *
 * @param string $to Address.
 * @return bool Whether it was accepted.
 */
function tillpost_send_test( $to ) {
	/* translators: %s: name of the site */
	$subject = sprintf( __( '[%s] Test mail', 'tillpost' ), wp_specialchars_decode( get_option( 'blogname' ), ENT_QUOTES ) );
	/* translators: %s: address of the site */
	return wp_mail( $to, $subject, sprintf( __( 'This test mail came from %s through tillpost.', 'tillpost' ), home_url() ) );
}

/**
 * Adds the test to Site Health.
 *
 * @param array $tests All tests.
 * @return array
 */
function tillpost_health_tests( $tests ) {
	$tests['direct']['tillpost'] = array(
		'label' => 'tillpost',
		'test'  => 'tillpost_health',
	);
	return $tests;
}
add_filter( 'site_status_tests', 'tillpost_health_tests' );

/**
 * The test of Site Health: tillpost gets the mail, and its daemon answers.
 *
 * @return array
 */
function tillpost_health() {
	$status = tillpost_ask( 'status', '--json' );
	$good   = tillpost_is_the_way() && ! is_wp_error( $status );
	$text   = '';
	foreach ( tillpost_state( $status ) as $name => $value ) {
		$text .= sprintf( '<p>%s: %s</p>', esc_html( $name ), nl2br( esc_html( $value ) ) );
	}
	return array(
		'label'       => $good ? __( 'Mail is sent by tillpost', 'tillpost' ) : __( 'Mail is not sent by tillpost', 'tillpost' ),
		'status'      => $good ? 'good' : 'critical',
		'badge'       => array(
			'label' => 'tillpost',
			'color' => 'blue',
		),
		'description' => $text,
		'actions'     => sprintf( '<p><a href="%s">%s</a></p>', esc_url( admin_url( 'options-general.php?page=tillpost' ) ), esc_html__( 'Settings', 'tillpost' ) ),
		'test'        => 'tillpost',
	);
}
