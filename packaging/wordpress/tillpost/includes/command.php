<?php
/**
 * Asks the tillpost command, as the user that PHP runs as.
 *
 * What that user may see is decided by tillpost, not here.
 *
 * @package tillpost
 */

defined( 'ABSPATH' ) || exit;

const TILLPOST_DEADLINE_S   = 5;
const TILLPOST_OUTPUT_BYTES = 262144;

/**
 * Runs the command without a shell, within TILLPOST_DEADLINE_S.
 *
 * @param string ...$arguments Its arguments.
 * @return array|WP_Error One array per line of its JSON output, or what it said.
 */
function tillpost_ask( ...$arguments ) {
	$command = defined( 'TILLPOST_COMMAND' ) ? TILLPOST_COMMAND : '/usr/bin/tillpost';
	if ( defined( 'TILLPOST_CONFIG' ) ) {
		array_push( $arguments, '--config', TILLPOST_CONFIG );
	}
	if ( ! function_exists( 'proc_open' ) ) {
		return new WP_Error( 'tillpost', __( 'PHP may not start programs here (disable_functions has proc_open).', 'tillpost' ) );
	}
	$pipes   = array();
	$process = @proc_open( // phpcs:ignore WordPress.PHP.NoSilencedErrors -- told below.
		array_merge( array( $command ), $arguments ),
		array(
			0 => array( 'file', '/dev/null', 'r' ),
			1 => array( 'pipe', 'w' ),
			2 => array( 'pipe', 'w' ),
		),
		$pipes,
		'/'
	);
	$status  = 127;
	if ( is_resource( $process ) ) {
		$output = tillpost_read( $pipes );
		if ( null === $output ) {
			proc_terminate( $process, 9 );
		}
		array_map( 'fclose', $pipes );
		$status = proc_close( $process );
	}
	if ( 127 === $status ) {
		/* translators: %s: path of a program */
		return new WP_Error( 'tillpost', sprintf( __( '%s cannot be started.', 'tillpost' ), $command ) );
	}
	if ( null === $output ) {
		/* translators: %d: seconds */
		return new WP_Error( 'tillpost', sprintf( __( 'tillpost did not answer within %d seconds.', 'tillpost' ), TILLPOST_DEADLINE_S ) );
	}
	if ( 0 !== $status ) {
		// The last line is the reason; before it stands what was tried.
		$lines = explode( "\n", trim( $output[2] ) );
		return new WP_Error( 'tillpost', '' !== end( $lines ) ? end( $lines ) : sprintf( '%s: %d', $command, $status ) );
	}
	$rows = array_map(
		function ( $line ) {
			return json_decode( $line, true );
		},
		explode( "\n", trim( $output[1] ) )
	);
	return array_values( array_filter( $rows, 'is_array' ) );
}

/**
 * Reads both outputs to their end.
 *
 * @param resource[] $pipes Descriptors 1 and 2.
 * @return string[]|null Null: too slow or too much.
 */
function tillpost_read( $pipes ) {
	$output = array(
		1 => '',
		2 => '',
	);
	$end    = microtime( true ) + TILLPOST_DEADLINE_S;
	foreach ( $pipes as $pipe ) {
		stream_set_blocking( $pipe, false );
	}
	while ( $pipes ) {
		$ready = $pipes;
		$none  = null;
		$left  = $end - microtime( true );
		if ( $left <= 0 || false === stream_select( $ready, $none, $none, (int) $left, 100000 ) ) {
			return null;
		}
		foreach ( $ready as $number => $pipe ) {
			$output[ $number ] .= (string) fread( $pipe, 65536 ); // phpcs:ignore WordPress.WP.AlternativeFunctions -- a pipe.
			if ( feof( $pipe ) ) {
				unset( $pipes[ $number ] );
			}
			if ( strlen( $output[ $number ] ) > TILLPOST_OUTPUT_BYTES ) {
				return null;
			}
		}
	}
	return $output;
}
