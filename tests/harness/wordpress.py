#!/usr/bin/python3
"""wordpress.py - the customer and the administrator of the test storefront

JOB     wordpress.py DIR COMMAND [ARGUMENT...]  DIR: of storefront.sh
        install                    WordPress's own installer
        front [PATH]               prints the page that a customer sees
        lost-password LOGIN        the form of wp-login.php
        register LOGIN MAIL        a customer makes himself an account
        add-user LOGIN MAIL        the administrator makes one, and has the
                                   user told
        comment NAME MAIL TEXT     under the first post
        allow-registration         setting of the administrator
        activate PLUGIN            PLUGIN: its main file below plugins/
        deactivate PLUGIN
        store NAME                 the store on the tillpost settings page
        settings                   prints the tillpost settings page, as text
        test-mail MAIL             its button; prints the page after it
        site-health                prints the result of the tillpost test
        make-network               one site becomes a network of sites
        add-site NAME MAIL         one more site of the network, and a user
                                   NAME with MAIL, if MAIL is nobody's yet
        set-password LOGIN PASS    of another user, in a network
        --site NAME before COMMAND talks to that site of the network
        --as LOGIN PASS            as that user, not as the administrator
        Everything goes over HTTP, as a browser does it: forms are fetched
        before they are sent, with their hidden fields.
BOUNDS  20 seconds for an answer, 10 redirections.
ERRORS  exit code 1 with what WordPress said.
SPDX-License-Identifier: MIT
"""

import html
import html.parser
import http.client
import json
import pathlib
import re
import sys
import urllib.parse

TIMEOUT_S = 20


def fail(text, page=""):
    print(f"wordpress.py: {text}", file=sys.stderr)
    if page:
        print(as_text(page)[:2000], file=sys.stderr)
    sys.exit(1)


class Forms(html.parser.HTMLParser):
    """The forms of a page with the fields that they would send as they
    are."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.open_select = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        at = dict(attributes)
        if tag == "form":
            self.forms.append({"id": at.get("id", ""),
                               "action": at.get("action", ""), "fields": {}})
        if not self.forms:
            return
        fields = self.forms[-1]["fields"]
        if tag == "input" and at.get("name"):
            kind = at.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in at:
                return
            if kind != "submit":
                fields[at["name"]] = at.get("value", "")
        elif tag == "textarea" and at.get("name"):
            fields[at["name"]] = ""
        elif tag == "select":
            self.open_select = at.get("name")
        elif tag == "option" and self.open_select:
            if "selected" in at or self.open_select not in fields:
                fields[self.open_select] = at.get("value", "")

    def handle_endtag(self, tag):
        if tag == "select":
            self.open_select = None


def as_text(page):
    page = page.partition('id="wpbody-content"')[2] or page
    page = re.sub(r"(?s)<(script|style).*?</\1>", " ", page)
    page = re.sub(r"(?i)</(p|tr|li|h[1-6]|div|table|form)>", "\n", page)
    text = html.unescape(re.sub(r"(?s)<[^>]*>", " ", page))
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


class Browser:
    def __init__(self, directory, name):
        self.jar = directory / f"{name}.cookies"
        self.cookies = {}
        if self.jar.exists():
            self.cookies = json.loads(self.jar.read_text())
        env = dict(re.findall(r"^(\w+)='(.*)'$",
                              (directory / "storefront.env").read_text(),
                              re.M))
        self.env = env
        self.host = env["SHOP_HOST"]
        self.port = int(env["SHOP_PORT"])
        self.root = pathlib.Path(env["SHOP_ROOT"])
        self.base = "/"
        self.login = (env["SHOP_ADMIN"], env["SHOP_ADMIN_PASS"])

    def once(self, method, path, body, referer):
        link = http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=TIMEOUT_S)
        headers = {"Host": self.host, "User-Agent": "wordpress.py",
                   "Referer": f"http://{self.host}{referer}"}
        if self.cookies:
            headers["Cookie"] = "; ".join(
                f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        link.request(method, path, body, headers)
        answer = link.getresponse()
        page = answer.read().decode("utf-8", "replace")
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";")[0].partition("=")
            if value.strip() and "Max-Age=0" not in line:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        self.jar.write_text(json.dumps(self.cookies))
        return answer.status, answer.headers.get("Location"), page

    def ask(self, method, path, fields=None, referer=None):
        body = None if fields is None else urllib.parse.urlencode(fields)
        path = urllib.parse.urljoin(self.base, path)
        referer = referer or path
        for _ in range(10):
            status, location, page = self.once(method, path, body, referer)
            if status not in (301, 302, 303):
                break
            target = urllib.parse.urlsplit(
                urllib.parse.urljoin(f"http://{self.host}{path}", location))
            if target.hostname != self.host:
                fail(f"{path} leads to another host: {location}")
            path = target.path + ("?" + target.query if target.query else "")
            method, body = "GET", None
        self.path = path
        if status >= 400:
            fail(f"{path}: {status}", page)
        return page

    def get(self, path):
        return self.ask("GET", path)

    def send(self, path, which, **fields):
        """Fetches PATH and sends the form that has the field or the id
        WHICH, with FIELDS changed."""
        page = self.get(path)
        for form in Forms(page).forms:
            if which == form["id"] or which in form["fields"]:
                break
        else:
            fail(f"{path}: no form with {which}", page)
        action = urllib.parse.urlsplit(
            urllib.parse.urljoin(f"http://{self.host}{self.path}",
                                 form["action"]))
        target = action.path + ("?" + action.query if action.query else "")
        return self.ask("POST", target, {**form["fields"], **fields},
                        self.path)

    def log_in(self):
        self.cookies.setdefault("wordpress_test_cookie", "WP%20Cookie%20check")
        page = self.send("wp-login.php", "loginform",
                         log=self.login[0], pwd=self.login[1])
        if "wp-admin-bar" not in page and "adminmenu" not in page:
            fail("the administrator is not let in", page)


def expect(page, pattern, what):
    if not re.search(pattern, page):
        fail(what, page)
    return page


def install(browser):
    env = browser.env
    page = browser.ask("POST", "wp-admin/install.php?step=2", {
        "weblog_title": "Example Shop", "user_name": env["SHOP_ADMIN"],
        "admin_password": env["SHOP_ADMIN_PASS"],
        "admin_password2": env["SHOP_ADMIN_PASS"], "pw_weak": "1",
        "admin_email": env["SHOP_ADMIN_MAIL"], "blog_public": "0",
        "language": ""})
    expect(page, "Success!", "WordPress is not installed")


def front(browser, path=""):
    print(as_text(browser.get(path)))


def lost_password(browser, login):
    page = browser.send("wp-login.php?action=lostpassword",
                        "lostpasswordform", user_login=login)
    expect(page, "[Cc]heck your email", "no link was sent")


def register(browser, login, mail):
    page = browser.send("wp-login.php?action=register", "registerform",
                        user_login=login, user_email=mail)
    expect(page, "Registration complete", "not registered")


def add_user(browser, login, mail):
    page = browser.send("wp-admin/user-new.php", "createuser",
                        user_login=login, email=mail,
                        send_user_notification="1",
                        **{"pass1": "pw-" + login * 3,
                           "pass2": "pw-" + login * 3, "pw_weak": "on"})
    expect(page, "New user created", "no user was made")


def comment(browser, name, mail, text):
    browser.ask("POST", "wp-comments-post.php", {
        "comment_post_ID": "1", "comment_parent": "0", "author": name,
        "email": mail, "comment": text, "submit": "Post Comment"})


def allow_registration(browser):
    browser.send("wp-admin/options-general.php", "blogname",
                 users_can_register="1")


def switch_plugin(browser, plugin, action):
    page = browser.get("wp-admin/plugins.php")
    links = re.findall(rf'href="(plugins\.php\?action={action}[^"]*)"', page)
    for link in map(html.unescape, links):
        if urllib.parse.quote(plugin, safe="") in link:
            expect(browser.get("wp-admin/" + link), f"Plugin {action}d",
                   f"not {action}d")
            return
    fail(f"no plugin {plugin} to {action}", page)


def activate(browser, plugin):
    switch_plugin(browser, plugin, "activate")


def deactivate(browser, plugin):
    switch_plugin(browser, plugin, "deactivate")


SETTINGS = "wp-admin/options-general.php?page=tillpost"


def store(browser, name):
    page = browser.send(SETTINGS, "tillpost_store", tillpost_store=name)
    expect(page, "Settings saved|is not a store name", "not saved")
    print(as_text(page))


def settings(browser):
    print(as_text(browser.get(SETTINGS)))


def test_mail(browser, mail):
    print(as_text(browser.send(SETTINGS, "tillpost_to", tillpost_to=mail)))


def site_health(browser):
    page = browser.get("wp-admin/site-health.php")
    data = re.search(r"var SiteHealth = (\{.*?\});\n", page)
    if not data:
        fail("no site health", page)
    found = [item for item in
             json.loads(data[1])["site_status"]["direct"]
             if item.get("test") == "tillpost"]
    for item in found:
        print(item["status"], as_text(item["label"]))
    if not found:
        fail("no test of tillpost in site health")


def make_network(browser):
    """The two files that the administrator would edit by hand are one here;
    nginx has the rules already."""
    page = browser.send("wp-admin/network.php", "sitename",
                        subdomain_install="0")
    expect(page, "wp-config.php", "no network was made")
    (browser.root / "more-config-network.php").write_text(f"""<?php
define( 'MULTISITE', true );
define( 'SUBDOMAIN_INSTALL', false );
define( 'DOMAIN_CURRENT_SITE', '{browser.host}' );
define( 'PATH_CURRENT_SITE', '/' );
define( 'SITE_ID_CURRENT_SITE', 1 );
define( 'BLOG_ID_CURRENT_SITE', 1 );
""")
    browser.jar.unlink()


def add_site(browser, name, mail):
    page = browser.send("wp-admin/network/site-new.php", "blog[domain]",
                        **{"blog[domain]": name, "blog[title]": name,
                           "blog[email]": mail})
    expect(page, "Site added", "no site was added")


def set_password(browser, login, password):
    page = browser.get("wp-admin/network/users.php?s=" + login)
    link = re.search(r'/wp-admin/(network/user-edit\.php\?user_id=\d+)', page)
    if not link:
        fail(f"no user {login}", page)
    page = browser.send("wp-admin/" + link[1], "your-profile",
                        pass1=password, pass2=password, pw_weak="on")
    expect(page, "User updated", "the password is as it was")


KEEPER = {"add-user": add_user, "allow-registration": allow_registration,
          "activate": activate, "deactivate": deactivate, "store": store, "settings": settings,
          "test-mail": test_mail, "site-health": site_health,
          "make-network": make_network, "add-site": add_site,
          "set-password": set_password}
CUSTOMER = {"install": install, "front": front, "register": register,
            "lost-password": lost_password, "comment": comment}


def main(arguments):
    directory = pathlib.Path(arguments.pop(0))
    site, login = None, None
    while arguments[0] in ("--site", "--as"):
        if arguments.pop(0) == "--site":
            site = arguments.pop(0)
        else:
            login = arguments.pop(0), arguments.pop(0)
    command = arguments.pop(0)
    name = login[0] if login else "keeper"
    browser = Browser(directory, name if command in KEEPER else "guest")
    browser.login = login or browser.login
    browser.base = f"/{site}/" if site else "/"
    if command in KEEPER and not any("logged_in" in name
                                     for name in browser.cookies):
        browser.log_in()
    {**KEEPER, **CUSTOMER}[command](browser, *arguments)


try:
    main(sys.argv[1:])
except (IndexError, KeyError, TypeError) as error:
    sys.exit(f"wordpress.py: wrong usage, see its head: {error!r}")
