#!/bin/sh
# make_pot.sh - writes the plugin's list of translatable texts anew
#
# JOB     Needs xgettext. Run it after a text of the plugin has changed.
# SPDX-License-Identifier: MIT

set -eu
cd "$(dirname "$0")/tillpost"

# The date would change the file although no text has changed.
find . -name '*.php' | LC_ALL=C sort |
	xgettext --files-from=- --language=PHP --from-code=UTF-8 \
		--add-comments=translators --keyword=__:1 \
		--keyword=esc_html__:1 --sort-by-file --output=- |
	sed -e '1,/^$/{
		/^#/d
		/Date:/d
		s/PACKAGE VERSION/tillpost/
		s/CHARSET/UTF-8/
	}' >languages/tillpost.pot
