# install.mk - install, uninstall, clean, help
# SPDX-License-Identifier: MIT

.PHONY: install uninstall clean help

UNITDIR = /lib/systemd/system
PHP_EXTDIR = $(if $(PHP),$(shell $(PHP_CONFIG) --extension-dir))
# Data for the administrator to copy: settings, glue for storefronts.
SHAREDIR = $(PREFIX)/share/tillpost

COMPLETIONDIR = $(PREFIX)/share/bash-completion/completions
COMMANDS = tillpost tillpostd tillpost-sendmail

MAN_SECTIONS = 1 3 5 8
man_pages = $(notdir $(wildcard packaging/man/*.$(1)))

# "make" must have run with the same PREFIX: the hosts look for the plugin in
# the place that was compiled in.
install: all $(B)/tillpost.pc ## install (DESTDIR=, PREFIX=/usr, LIBDIR=)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) \
		$(DESTDIR)$(LIBDIR)/tillpost $(DESTDIR)$(LIBDIR)/pkgconfig \
		$(DESTDIR)$(INCLUDEDIR)/tillpost $(DESTDIR)$(DOCDIR)/example \
		$(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/lib/sysusers.d \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d $(DESTDIR)$(SHAREDIR)
	install -m 755 $(CLI) $(SENDMAIL) $(DESTDIR)$(BINDIR)/
	install -m 755 $(DAEMON) $(DESTDIR)$(SBINDIR)/
	install -m 644 $(B)/tillpost.so $(DESTDIR)$(LIBDIR)/tillpost/
	install -m 644 $(B)/tillpost.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	install -m 644 include/tillpost/abi.h $(DESTDIR)$(INCLUDEDIR)/tillpost/
	$(foreach s,$(MAN_SECTIONS),install -d $(DESTDIR)$(MANDIR)/man$(s) && \
		install -m 644 $(addprefix packaging/man/,$(call man_pages,$(s))) \
			$(DESTDIR)$(MANDIR)/man$(s)/ &&) :
	install -m 644 packaging/systemd/tillpostd.service $(DESTDIR)$(UNITDIR)/
	install -m 644 packaging/systemd/tillpost.sysusers \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/tillpost.conf
	install -m 644 packaging/systemd/tillpost.tmpfiles \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/tillpost.conf
	install -d $(DESTDIR)$(COMPLETIONDIR)
	$(foreach c,$(COMMANDS),install -m 644 packaging/bash-completion/tillpost \
		$(DESTDIR)$(COMPLETIONDIR)/$(c) &&) :
	cp -R packaging/wordpress packaging/magento2 $(DESTDIR)$(SHAREDIR)/
ifneq ($(PHP),)
	install -d $(DESTDIR)$(PHP_EXTDIR)
	install -m 644 $(PHP) $(DESTDIR)$(PHP_EXTDIR)/
endif
	install -m 644 $(wildcard module/hosts/example/*) \
		$(DESTDIR)$(DOCDIR)/example/
	install -m 644 config/tillpost.conf.example include/tillpost/abi_history.txt \
		packaging/CONNECT.md packaging/OPERATIONS.md \
		$(DESTDIR)$(DOCDIR)/

uninstall: ## remove what install put there; configuration and data stay
	rm -f $(DESTDIR)$(BINDIR)/tillpost $(DESTDIR)$(BINDIR)/tillpost-sendmail
	rm -f $(DESTDIR)$(SBINDIR)/tillpostd
	rm -rf $(DESTDIR)$(LIBDIR)/tillpost $(DESTDIR)$(DOCDIR)
	rm -rf $(DESTDIR)$(INCLUDEDIR)/tillpost $(DESTDIR)$(SHAREDIR)
	rm -f $(DESTDIR)$(LIBDIR)/pkgconfig/tillpost.pc
	rm -f $(DESTDIR)$(UNITDIR)/tillpostd.service
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/tillpost.conf
	rm -f $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/tillpost.conf
	rm -f $(addprefix $(DESTDIR)$(COMPLETIONDIR)/,$(COMMANDS))
	$(if $(PHP),rm -f $(DESTDIR)$(PHP_EXTDIR)/tillpost.so)
	rm -f $(foreach s,$(MAN_SECTIONS),$(addprefix \
		$(DESTDIR)$(MANDIR)/man$(s)/,$(call man_pages,$(s))))

$(B)/tillpost.pc: packaging/lib/tillpost.pc.in $(B)/flags
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		$< >$@

# For scripts: where the plugin is installed
.PHONY: show-LIBDIR
show-LIBDIR:
	@echo $(LIBDIR)

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@echo "make [TARGET] [CC=clang-14 VARIANT=clang] [WERROR=1] [V=1]"
	@sed -n 's/^\([a-z][a-z -]*\):[^#]*## \(.*\)/  \1\t\2/p' \
		$(MAKEFILE_LIST) 2>/dev/null | expand -t 22
