#!/bin/sh
# storefront.sh - a real storefront for tests: WordPress, as Debian packs it
#
# JOB     A private MariaDB without network, a private PHP-FPM, a private nginx
#         on a free port of 127.0.0.1, and a copy of Debian's WordPress,
#         installed over HTTP by its own installer. Everything is kept below
#         one directory; of the system's own services only the programs are
#         used. WordPress itself cannot reach any other host.
#
# USE     As a command:   tests/harness/storefront.sh COMMAND DIR ...
#         As a library:   HARNESS=tests/harness; . "$HARNESS/storefront.sh"
#
#   storefront_start DIR     start DIR    all of it; writes DIR/storefront.env
#   storefront_stop DIR      stop DIR     nothing of it stays running
#   storefront_php DIR INI [NAME=VALUE...]   php DIR INI ...
#                            PHP anew, with the settings of the file INI and
#                            this environment; before it, start uses none:
#                            mail() then hands mail to DIR/recorder
#
#         DIR must be reachable by other users when root starts it (it is made
#         mode 0711), and short: at most 70 bytes. Root runs MariaDB as mysql,
#         PHP and nginx as www-data; anybody else runs all as himself.
#
# RESULT  storefront.env (sh syntax) has SHOP_HOST, SHOP_PORT, SHOP_ROOT (the
#         files of WordPress), SHOP_ADMIN, SHOP_ADMIN_PASS, SHOP_ADMIN_MAIL.
#         wordpress.py is its customer and its administrator.
# ERRORS  0; 1 with a reason and the tails of the logs on stderr; 64 usage.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC1091,SC3043

case $0 in
storefront.sh | */storefront.sh) HARNESS=$(dirname -- "$0") ;;
esac
HARNESS=$(cd "${HARNESS:?is the directory of storefront.sh}" && pwd -P)
# shellcheck source=tests/harness/relays.sh
. "$HARNESS/relays.sh"

WORDPRESS_FILES=/usr/share/wordpress
PHP_EXTENSIONS="mysqlnd mysqli ctype dom fileinfo iconv mbstring posix
	tokenizer xml"

storefront_say()
{
	echo "storefront.sh: $*" >&2
}

# storefront_as USER COMMAND...: root acts as USER, others as themselves
storefront_as()
{
	local user="$1"

	shift
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid="$user" --regid="$user" --init-groups "$@"
	else
		"$@"
	fi
}

# storefront_hand_over USER FILE...
storefront_hand_over()
{
	local user="$1"

	shift
	[ "$(id -u)" -ne 0 ] || chown -R "$user:$user" "$@"
}

# storefront_open DIR: sets SHOP, and the variables of storefront.env
storefront_open()
{
	SHOP=$(cd "$1" && pwd -P) || return 1
	[ ! -e "$SHOP/storefront.env" ] || . "$SHOP/storefront.env"
}

storefront_fpm_program()
{
	find /usr/sbin -name 'php-fpm[78].*' | sort | tail -n 1
}

storefront_check_machine()
{
	local missing=

	[ -r $WORDPRESS_FILES/wp-load.php ] || missing="$missing wordpress"
	command -v mariadbd >/dev/null || missing="$missing mariadb-server"
	command -v nginx >/dev/null || missing="$missing nginx-light"
	[ -n "$(storefront_fpm_program)" ] || missing="$missing php-fpm"
	[ -z "$missing" ] && return 0
	storefront_say "missing packages:$missing (see packaging/deps.sh test)"
	return 1
}

# ---- database

database_prepare()
{
	mkdir -p "$SHOP/db"
	storefront_hand_over mysql "$SHOP/db"
	storefront_as mysql mariadb-install-db --no-defaults \
		--datadir="$SHOP/db/data" --skip-test-db \
		--auth-root-authentication-method=normal \
		>"$SHOP/database.log" 2>&1
}

database_ask()
{
	mariadb --no-defaults --socket="$SHOP/db/socket" --user=root "$@"
}

# Durability is the mail's matter here, not the shop's.
database_start()
{
	local waited=0

	storefront_as mysql mariadbd --no-defaults \
		--datadir="$SHOP/db/data" --socket="$SHOP/db/socket" \
		--pid-file="$SHOP/db/pid" --skip-networking --skip-log-bin \
		--innodb-buffer-pool-size=32M --innodb-log-file-size=16M \
		--innodb-flush-log-at-trx-commit=0 --performance-schema=OFF \
		</dev/null >>"$SHOP/database.log" 2>&1 &
	until database_ask -e 'SELECT 1' >/dev/null 2>&1; do
		[ $waited -lt 150 ] || return 1
		sleep 0.1
		waited=$((waited + 1))
	done
	database_ask -e "CREATE DATABASE IF NOT EXISTS shop;
		CREATE USER IF NOT EXISTS shop@localhost IDENTIFIED BY '$1';
		GRANT ALL ON shop.* TO shop@localhost"
}

# ---- PHP

# php_write INI [NAME=VALUE...]
php_write()
{
	local extension setting

	{
		for extension in $PHP_EXTENSIONS; do
			# Some are compiled in, depending on who packed PHP.
			[ ! -e "$(php-config --extension-dir)/$extension.so" ] ||
				echo "extension=$extension.so"
		done
		echo "zend_extension=opcache.so"
		echo "mysqli.default_socket=$SHOP/db/socket"
		echo "error_log=$SHOP/www-data/php.log"
		echo "display_errors=0"
		echo "log_errors=1"
		echo "error_reporting=-1"
		cat "$1"
	} >"$SHOP/php.ini"
	shift
	{
		printf '[global]\npid = %s\nerror_log = %s\n' \
			"$SHOP/fpm.pid" "$SHOP/fpm.log"
		printf '[shop]\nlisten = %s\nlisten.mode = 0666\n' \
			"$SHOP/php.sock"
		printf 'pm = static\npm.max_children = 3\n'
		printf 'catch_workers_output = yes\n'
		[ "$(id -u)" -ne 0 ] ||
			printf 'user = www-data\ngroup = www-data\n'
		for setting in "$@"; do
			printf 'env[%s] = "%s"\n' "${setting%%=*}" \
				"${setting#*=}"
		done
	} >"$SHOP/fpm.conf"
}

# FPM writes its number without the newline that read needs.
php_stop()
{
	[ ! -s "$SHOP/fpm.pid" ] || echo >>"$SHOP/fpm.pid"
	relays_end_process "$SHOP/fpm.pid" php-fpm
}

php_start()
{
	PHP_INI_SCAN_DIR='' "$(storefront_fpm_program)" --daemonize \
		--php-ini "$SHOP/php.ini" --fpm-config "$SHOP/fpm.conf" \
		</dev/null >>"$SHOP/fpm.out" 2>&1
}

storefront_php()
{
	storefront_open "$1" || return 1
	shift
	php_stop && php_write "$@" && php_start && return 0
	storefront_say "PHP does not start"
	storefront_show_logs
	return 1
}

# A sendmail program that only keeps what it is given.
recorder_write()
{
	mkdir -p "$SHOP/recorder"
	storefront_hand_over www-data "$SHOP/recorder"
	cat >"$SHOP/record" <<-END
	#!/bin/sh
	file=\$(mktemp $SHOP/recorder/XXXXXX) && cat >"\$file"
	END
	chmod 755 "$SHOP/record"
	echo "sendmail_path = $SHOP/record" >"$SHOP/recorder.ini"
}

# ---- web server

web_write()
{
	mkdir -p "$SHOP/nginx"
	{
		[ "$(id -u)" -ne 0 ] || echo "user www-data;"
		cat <<-END
		worker_processes 1;
		pid $SHOP/nginx.pid;
		error_log $SHOP/nginx.log;
		events { worker_connections 64; }
		http {
		    include /etc/nginx/mime.types;
		    access_log $SHOP/access.log;
		    client_body_temp_path $SHOP/nginx/body;
		    proxy_temp_path $SHOP/nginx/proxy;
		    fastcgi_temp_path $SHOP/nginx/fastcgi;
		    uwsgi_temp_path $SHOP/nginx/uwsgi;
		    scgi_temp_path $SHOP/nginx/scgi;
		    server {
		        listen 127.0.0.1:$SHOP_PORT;
		        root $SHOP/www;
		        index index.php;
		        # The other sites of a network are below /NAME/.
		        if (!-e \$request_filename) {
		            rewrite ^/[_0-9a-z-]+(/wp-.*) \$1 last;
		            rewrite ^/[_0-9a-z-]+(/.*\\.php)\$ \$1 last;
		        }
		        location / { try_files \$uri \$uri/ /index.php?\$args; }
		        location ~ \\.php\$ {
		            include /etc/nginx/fastcgi_params;
		            fastcgi_param SCRIPT_FILENAME
		                \$document_root\$fastcgi_script_name;
		            fastcgi_pass unix:$SHOP/php.sock;
		        }
		    }
		}
		END
	} >"$SHOP/nginx.conf"
}

web_start()
{
	nginx -e "$SHOP/nginx.log" -p "$SHOP/nginx" -c "$SHOP/nginx.conf" \
		</dev/null >>"$SHOP/nginx.out" 2>&1
}

# ---- WordPress

wordpress_write_config()
{
	cat >"$SHOP/www/wp-config.php" <<-END
	<?php
	define( 'DB_NAME', 'shop' );
	define( 'DB_USER', 'shop' );
	define( 'DB_PASSWORD', '$1' );
	define( 'DB_HOST', 'localhost:$SHOP/db/socket' );
	define( 'DB_CHARSET', 'utf8mb4' );
	define( 'AUTH_KEY', '$(relays_random)' );
	define( 'SECURE_AUTH_KEY', '$(relays_random)' );
	define( 'LOGGED_IN_KEY', '$(relays_random)' );
	define( 'NONCE_KEY', '$(relays_random)' );
	define( 'AUTH_SALT', '$(relays_random)' );
	define( 'NONCE_SALT', '$(relays_random)' );
	define( 'DISABLE_WP_CRON', true );
	define( 'AUTOMATIC_UPDATER_DISABLED', true );
	define( 'WP_ALLOW_MULTISITE', true );
	define( 'WP_DEFAULT_THEME', 'plain' );
	\$table_prefix = 'wp_';
	foreach ( glob( __DIR__ . '/more-config*.php' ) as \$file ) {
	    require \$file;
	}
	if ( ! defined( 'ABSPATH' ) ) {
	    define( 'ABSPATH', __DIR__ . '/' );
	}
	require_once ABSPATH . 'wp-settings.php';
	END
}

# A theme that shows the posts, and no way to other hosts.
wordpress_write_content()
{
	local content="$SHOP/www/wp-content"

	mkdir -p "$content/themes/plain" "$content/mu-plugins" \
		"$content/uploads"
	printf '/*\nTheme Name: Plain\n*/\n' >"$content/themes/plain/style.css"
	cat >"$content/themes/plain/index.php" <<-'END'
	<!DOCTYPE html><title><?php bloginfo( 'name' ); ?></title>
	<?php wp_head(); while ( have_posts() ) : the_post(); ?>
	<h1><?php the_title(); ?></h1><?php the_content(); endwhile; wp_footer();
	END
	cat >"$content/mu-plugins/closed.php" <<-'END'
	<?php
	add_filter( 'pre_http_request', function () {
	    return new WP_Error( 'closed', 'this shop reaches no other host' );
	} );
	// The tests post comments faster than people do.
	add_filter( 'comment_flood_filter', '__return_false', 99 );
	END
}

wordpress_copy()
{
	cp -rL --no-preserve=ownership $WORDPRESS_FILES "$SHOP/www" || return 1
	rm -f "$SHOP/www/.htaccess"
	wordpress_write_content
	wordpress_write_config "$1"
	storefront_hand_over www-data "$SHOP/www/wp-content" \
		"$SHOP/www/wp-config.php"
	chmod 640 "$SHOP/www/wp-config.php"
}

# ---- all of it

storefront_show_logs()
{
	local log

	for log in "$SHOP"/*.log "$SHOP"/*.out "$SHOP/www-data"/*.log; do
		[ -s "$log" ] || continue
		echo "--- $log" >&2
		tail -n 8 "$log" >&2
	done
}

storefront_write_env()
{
	cat >"$SHOP/storefront.env" <<-END
	SHOP_HOST='shop.example.com'
	SHOP_PORT='$SHOP_PORT'
	SHOP_ROOT='$SHOP/www'
	SHOP_ADMIN='keeper'
	SHOP_ADMIN_PASS='$(relays_random)'
	SHOP_ADMIN_MAIL='keeper@example.com'
	END
	. "$SHOP/storefront.env"
}

storefront_prepare()
{
	local password

	password=$(relays_random)
	[ ${#SHOP} -le 70 ] || {
		storefront_say "$SHOP: too long for socket names (70 bytes)"
		return 1
	}
	[ "$(id -u)" -ne 0 ] || chmod 711 "$SHOP"
	SHOP_PORT=$("$PYTHON" "$HARNESS/ports.py" choose 1) || return 1
	storefront_write_env
	mkdir -p "$SHOP/www-data"
	storefront_hand_over www-data "$SHOP/www-data"
	recorder_write
	wordpress_copy "$password" && web_write &&
		database_prepare && database_start "$password" &&
		php_write "$SHOP/recorder.ini" && php_start && web_start
}

storefront_start()
{
	mkdir -p "$1" && SHOP=$(cd "$1" && pwd -P) || return 1
	storefront_check_machine || return 1
	if (umask 022 && storefront_prepare) &&
		"$PYTHON" "$HARNESS/wordpress.py" "$SHOP" install; then
		return 0
	fi
	storefront_say "the storefront does not start"
	storefront_show_logs
	storefront_stop "$SHOP"
	return 1
}

storefront_stop()
{
	local result=0

	storefront_open "$1" || return 1
	relays_end_process "$SHOP/nginx.pid" nginx || result=1
	php_stop || result=1
	relays_end_process "$SHOP/db/pid" mariadbd || result=1
	[ $result -eq 0 ] || storefront_say "something does not stop"
	return $result
}

storefront_main()
{
	local command="${1:-}"

	[ $# -ge 2 ] || command=usage
	shift
	case $command in
	start) storefront_start "$1" ;;
	stop) storefront_stop "$1" ;;
	php) storefront_php "$@" ;;
	*)
		echo "usage: storefront.sh start|stop DIR" >&2
		echo "       storefront.sh php DIR INI [NAME=VALUE...]" >&2
		exit 64
		;;
	esac
}

case $0 in
storefront.sh | */storefront.sh) storefront_main "$@" ;;
esac
