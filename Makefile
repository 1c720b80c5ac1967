# Gatehouse: what a developer runs. `make help` lists it.

PREFIX = /usr/local
SYSCONFDIR = /etc
RELEASE = .build/release
UNITS = $(notdir $(wildcard systemd/*.service systemd/*.socket))
MAN_PAGES = $(wildcard docs/man/*.[1-8])

.DEFAULT_GOAL := help
.PHONY: help setup build demo lab lab-restart lab-down test test-asan test-tsan test-aws-lab bench lint install

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
	    printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## install what is needed: Debian packages, a Python environment in .venv
	@scripts/setup

build: setup ## build the programs, optimised, into .build/release
	swift build -c release --static-swift-stdlib

demo: build ## start the lab and walk through a session, explained
	@scripts/demo

lab: build ## start a gateway with two hosts and a small team; see .build/lab/env
	@Tests/Lab/lab up

lab-restart: ## start gatehoused again where it is gone; sessions live on
	@Tests/Lab/lab restart

lab-down: ## end the lab and leave nothing
	@Tests/Lab/lab down

test: setup lint ## run every test: units, the lab's AWS endpoint, then stock clients against the lab
	@scripts/test

test-asan: setup ## the same with AddressSanitizer in all programs, without the endpoint's own tests; takes an hour
	@scripts/test-sanitized address

test-tsan: setup ## likewise with ThreadSanitizer
	@scripts/test-sanitized thread

test-aws-lab: setup ## test the lab's AWS endpoint itself; needs neither root nor a lab
	.venv/bin/pytest Tests/Lab/aws

bench: build ## compare with direct ssh and OpenSSH bastions; takes up to 12 minutes
	@scripts/bench

lint: setup ## check the layout of the sources, the manual pages and the scripts
	swift format lint --strict -r Sources Tests Package.swift
	$(if $(MAN_PAGES),mandoc -T lint -W warning $(MAN_PAGES))
	@if command -v shellcheck >/dev/null; then \
	    shellcheck -x -P SCRIPTDIR scripts/* .ci/run Tests/Lab/lab Tests/Lab/lab-exec Tests/Lab/host/*; fi

install: build ## install below PREFIX (and DESTDIR); `gatehouse init` comes next
	install -D -s -m 755 $(RELEASE)/gatehoused $(DESTDIR)$(PREFIX)/sbin/gatehoused
	install -D -s -m 755 $(RELEASE)/gatehouse $(DESTDIR)$(PREFIX)/bin/gatehouse
	install -D -s -m 755 $(RELEASE)/gatehouse-front $(DESTDIR)$(PREFIX)/libexec/gatehouse/gatehouse-front
	install -D -s -m 711 $(RELEASE)/gatehouse-session $(DESTDIR)$(PREFIX)/libexec/gatehouse/gatehouse-session
	install -D -s -m 711 $(RELEASE)/gatehouse-record $(DESTDIR)$(PREFIX)/libexec/gatehouse/gatehouse-record
	install -D -s -m 700 $(RELEASE)/gatehouse-pam $(DESTDIR)$(PREFIX)/libexec/gatehouse/gatehouse-pam
	install -D -s -m 755 $(RELEASE)/gatehouse-ssm $(DESTDIR)$(PREFIX)/bin/gatehouse-ssm
	install -D -s -m 755 $(RELEASE)/gatehouse-watch $(DESTDIR)$(PREFIX)/libexec/gatehouse/gatehouse-watch
	install -D -m 644 etc/gatehouse.conf $(DESTDIR)$(SYSCONFDIR)/gatehouse/gatehouse.conf.example
	install -D -m 644 pam/gatehouse $(DESTDIR)$(SYSCONFDIR)/gatehouse/pam.example
	install -D -m 644 systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/gatehouse.conf
	install -D -m 644 systemd/tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/gatehouse.conf
	$(foreach unit,$(UNITS),sed -e 's|/usr/sbin/|$(PREFIX)/sbin/|' -e 's|/usr/libexec/|$(PREFIX)/libexec/|' \
	    systemd/$(unit) >$(RELEASE)/$(unit) && \
	    install -D -m 644 $(RELEASE)/$(unit) $(DESTDIR)$(PREFIX)/lib/systemd/system/$(unit) &&) true
	$(foreach page,$(MAN_PAGES),install -D -m 644 $(page) \
	    $(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page));)
	$(RELEASE)/gatehouse help --completion bash >$(RELEASE)/gatehouse.bash
	install -D -m 644 $(RELEASE)/gatehouse.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/gatehouse
