# package.mk - Debian packages, archives of the glue, and their tests
# SPDX-License-Identifier: MIT

.PHONY: deb zips compilers check-package check-next-debian

deb: ## Debian packages in build/deb
	packaging/deps.sh package
	@packaging/deb.sh build/deb

zips: ## WordPress plugin and Magento module as archives in build/zips
	@/usr/bin/python3 -B packaging/zips.py build/zips

# Everything, tests too
compilers: ## gcc 12 and clang 14, where a warning is an error
	@$(MAKE) --no-print-directory VARIANT=gcc-12 CC=gcc-12 WERROR=1 \
		tests-built
	@$(MAKE) --no-print-directory VARIANT=clang-14 CC=clang-14 WERROR=1 \
		tests-built

# Each boots or fills a root of its own, and they would take it from each other.
check-package: TIMEOUT_S = 1800
check-package: JOBS = 1
check-package: ## the packages: reproducible, installed, upgraded, purged
	packaging/deps.sh build test package
	@$(MAKE) --no-print-directory $(T)/bench/sink
	@$(RUN) tests/package/build_test.sh \
		$(filter-out %/build_test.sh,$(wildcard tests/package/*_test.sh))

check-next-debian: ## build and test in a bare root of Debian 13
	packaging/deps.sh build package
	@tests/package/next_debian.sh
