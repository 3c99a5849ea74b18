#!/bin/sh
# magento2.sh - the Magento module, as far as that goes without Magento
#
# JOB     Syntax of every PHP file, well-formed XML and JSON, classes named in
#         XML that exist; then magento2_check.php, with and without functions
#         that play the PHP extension. Magento itself is not in Debian: that
#         Magento accepts the module is not shown here.
# SPDX-License-Identifier: MIT

set -u
root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
module=$root/packaging/magento2/Tillpost/Mail
work=$(mktemp -d "${TMPDIR:-/tmp}/tpm.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail()
{
	echo "FAILED: $*"
	exit 1
}

find "$module" -name '*.php' >"$work/php"
while read -r file; do
	php -n -l "$file" >"$work/out" 2>&1 || {
		cat "$work/out"
		fail "$file"
	}
done <"$work/php"

/usr/bin/python3 - "$module" <<'END' || fail "XML or JSON"
import json, pathlib, re, sys
import xml.dom.minidom
module = pathlib.Path(sys.argv[1])
json.loads((module / "composer.json").read_text())
named = set()
for file in module.rglob("*.xml"):
    xml.dom.minidom.parse(str(file))
    named |= set(re.findall(r"Tillpost\\Mail\\[\w\\]+", file.read_text()))
missing = [name for name in named if not (module / (
    name.removeprefix("Tillpost\\Mail\\").replace("\\", "/") + ".php")).exists()]
for template in re.findall(r'file="(.*?)"', (
        module / "etc/email_templates.xml").read_text()):
    if not (module / "view/adminhtml/email" / template).exists():
        missing.append(template)
# A website has several store views: what shows one is not in its scope.
shows = 0
for field in xml.dom.minidom.parse(str(
        module / "etc/adminhtml/system.xml")).getElementsByTagName("field"):
    if field.getElementsByTagName("frontend_model"):
        shows += 1
        scopes = [field.getAttribute("showIn" + scope)
                  for scope in ("Default", "Website", "Store")]
        if scopes != ["1", "0", "1"]:
            missing.append(f"{field.getAttribute('id')}: shown in {scopes}")
if shows != 3:
    missing.append(f"3 fields that show, not {shows}")
print(f"{len(named)} classes named in XML, missing: {missing or 'none'}")
sys.exit(bool(missing) or not named)
END

# Plays tillpost: shows how it was called as the text of an outcome.
cat >"$work/tillpost" <<'END'
#!/bin/sh
case "$*" in
*refuse)
	echo 'tillpost: secrets: Permission denied' >&2
	echo 'tillpost: eu: not yours: add users = ["www-data"]' >&2
	exit 77
	;;
*hang) exec sleep 30 ;;
status*) echo '{"spooled_count":3,"queued_count":0,"held_count":-1,"relays":[{"relay":"ses","state":"paused","reason":"421 <b>"}]}' ;;
log*)
	for number in 1 2; do
		echo '{"time":"2026-01-01T00:00:00Z","recipient":"a@example.org","verdict":"sent","queue_id":"id-'$number'","text":"'"$*"'"}'
	done
	;;
esac
END
chmod 755 "$work/tillpost"
# As with tillpost-mta
cp "$work/tillpost" "$work/tillpost-sendmail"
ln -s "$work/tillpost-sendmail" "$work/sendmail"

# check PART SENDMAIL_PATH WHOSE
check()
{
	env -u TILLPOST_STORE php -n -d error_reporting=-1 \
		-d display_errors=stderr -d variables_order=EGPCS \
		-d sendmail_path="$2" \
		"$root/tests/integration/magento2_check.php" "$module" \
		"$work/tillpost" "$1" "$3" || fail "magento2_check.php $*"
}
check none "$work/sendmail -t -i" ours
check none "/usr/bin/tillpost-sendmail -t -i" ours
check extension "$work/tillpost -t" other
