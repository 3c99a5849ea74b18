dnl config.m4 - the PHP extension, built by phpize && ./configure && make
dnl
dnl Needs the whole source tree of tillpost around it: parts that all hosts
dnl share, and the public header. The plugin itself is not needed to build.
dnl SPDX-License-Identifier: MIT

PHP_ARG_ENABLE([tillpost],
  [whether mail() and its relatives go through tillpost],
  [AS_HELP_STRING([--enable-tillpost], [Let mail go through tillpost])],
  [yes])

PHP_ARG_WITH([tillpost-plugin],
  [for the place of tillpost.so, the plugin],
  [AS_HELP_STRING([--with-tillpost-plugin=FILE],
    [The plugin, unless tillpost.plugin names one])],
  [/usr/lib/tillpost/tillpost.so],
  [no])

PHP_ARG_WITH([tillpost-sendmail],
  [for the place of tillpost-sendmail],
  [AS_HELP_STRING([--with-tillpost-sendmail=FILE],
    [The program, unless tillpost.sendmail names one])],
  [/usr/bin/tillpost-sendmail],
  [no])

if test "$PHP_TILLPOST" != "no"; then
  tillpost_hosts=`cd "$abs_srcdir/.." && pwd`
  if test ! -f "$tillpost_hosts/common/loader.h"; then
    AC_MSG_ERROR([$tillpost_hosts/common is missing: build in the source tree])
  fi
  tillpost_version=`sed -n 's/^VERSION = //p' \
    "$tillpost_hosts/../../Makefile" 2>/dev/null`

  dnl Includes are written "php/x.h" and "common/x.h".
  PHP_ADD_INCLUDE([$tillpost_hosts])
  PHP_ADD_INCLUDE([$tillpost_hosts/../../include])

  dnl phpize builds in one folder, so what is shared is reached by small files
  dnl that only include it.
  mkdir -p shared
  for tillpost_part in address_list loader mail_catcher report \
      sendmail_options text; do
    echo "#include \"common/$tillpost_part.c\"" \
      >"shared/tillpost_$tillpost_part.c"
  done

  PHP_NEW_EXTENSION([tillpost],
    [envelope.c fall_back.c functions.c handle.c hook_mail.c \
     hook_mb.c hook_spawn.c hooks.c info.c lend.c mail_args.c mail_log.c \
     mail_text.c program.c say.c server.c spawn.c store.c submit.c text.c tillpost.c \
     words.c \
     shared/tillpost_address_list.c shared/tillpost_loader.c \
     shared/tillpost_mail_catcher.c shared/tillpost_report.c \
     shared/tillpost_sendmail_options.c shared/tillpost_text.c],
    [$ext_shared],,
    [-std=gnu11 -D_GNU_SOURCE -fvisibility=hidden \
     -DZEND_ENABLE_STATIC_TSRMLS_CACHE=1 \
     -DTILLPOST_VERSION='\"${tillpost_version:-0.1.0}\"' \
     -DTILLPOST_PLUGIN_PATH='\"$PHP_TILLPOST_PLUGIN\"' \
     -DTILLPOST_SENDMAIL_PATH='\"$PHP_TILLPOST_SENDMAIL\"'])
  PHP_ADD_BUILD_DIR([$ext_builddir/shared])
fi
