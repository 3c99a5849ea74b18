<?php
/**
 * Removes the one setting of the plugin, from every site.
 *
 * @package tillpost
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

if ( ! is_multisite() ) {
	delete_option( 'tillpost_store' );
	return;
}
foreach ( get_sites(
	array(
		'fields' => 'ids',
		'number' => 0,
	)
) as $tillpost_site ) {
	delete_blog_option( $tillpost_site, 'tillpost_store' );
}
