# install.mk - install, uninstall, clean, help
# SPDX-License-Identifier: MIT

.PHONY: install uninstall clean help

# "make" must have run with the same PREFIX: the command looks for the plugin
# in the place that was compiled in.
install: all $(B)/tillpost.pc ## install (DESTDIR=, PREFIX=/usr, LIBDIR=)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/tillpost \
		$(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/tillpost \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(DOCDIR)/example
	install -m 755 $(B)/bin/tillpost $(DESTDIR)$(BINDIR)/
	install -m 644 $(B)/tillpost.so $(DESTDIR)$(LIBDIR)/tillpost/
	install -m 644 $(B)/tillpost.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	install -m 644 include/tillpost/abi.h $(DESTDIR)$(INCLUDEDIR)/tillpost/
	install -m 644 $(wildcard packaging/man/*.1) $(DESTDIR)$(MANDIR)/man1/
	install -m 644 $(wildcard packaging/man/*.5) $(DESTDIR)$(MANDIR)/man5/
	install -m 644 $(wildcard module/hosts/example/*) \
		$(DESTDIR)$(DOCDIR)/example/
	install -m 644 config/tillpost.conf.example include/tillpost/abi_history.txt \
		$(DESTDIR)$(DOCDIR)/

uninstall: ## remove what install put there; configuration and data stay
	rm -f $(DESTDIR)$(BINDIR)/tillpost
	rm -rf $(DESTDIR)$(LIBDIR)/tillpost $(DESTDIR)$(DOCDIR)
	rm -f $(DESTDIR)$(LIBDIR)/pkgconfig/tillpost.pc
	rm -rf $(DESTDIR)$(INCLUDEDIR)/tillpost
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir \
		$(wildcard packaging/man/*.1)))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir \
		$(wildcard packaging/man/*.5)))

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
