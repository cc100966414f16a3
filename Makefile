# make demo        the main job on a private Open vSwitch, to watch
# make test        what shows the most, of all tiers (11 minutes); make test-unit: seconds, no root;
#                  make test-fast: its tests that need no cluster and no kernel
# make test-rest   all other tests, on patched packages and on Debian 13 too (45 minutes);
#                  make test-all: both; make test-patched, test-releases (Debian 13, sid): parts of it
# make bench       attaching a tap, against stock Ganeti; bench-reconcile: a lost database;
#                  bench-hooks: the processor time of hooks;
#                  bench-qos: limits by several rules on the kernel datapath (40 minutes);
#                  bench-distribute: a vSwitch for 32 nodes, against 4 (4 minutes)
# make lint        ruff and mypy --strict
# make coverage    what unit and ovs reach in their own process; coverage-unit: unit, with a floor
# make install     DESTDIR= PREFIX=/usr SYSCONFDIR=/etc
# All but the last install what is missing: Debian packages by apt, test tools into .venv.

PREFIX = /usr
SYSCONFDIR = /etc
DESTDIR =
PYTHON = /usr/bin/python3

LIBDIR = $(PREFIX)/lib/ganeti-ovs
MANDIR = $(PREFIX)/share/man
UNITDIR = $(PREFIX)/lib/systemd/system
HOOKS = $(addsuffix .d,instance-add-pre instance-modify-pre instance-migrate-pre \
  instance-failover-pre network-connect-pre instance-add-post instance-modify-post \
  instance-migrate-post instance-failover-post instance-reboot-post instance-remove-post \
  instance-start-post instance-stop-post node-add-post node-modify-post cluster-verify-post) watcher
VENV = .venv
COVERAGE = $(VENV)/bin/coverage
# Another Python with pytest, hypothesis and scapy may run the tests in place of the one in VENV.
TEST_PYTHON = $(VENV)/bin/python
TOOLS = $(if $(filter $(VENV)/%,$(TEST_PYTHON)),$(VENV)/ready)
PYTEST = $(TEST_PYTHON) -m pytest
TIERS = $(TEST_PYTHON) -m tests.tiers
first = '$(PYTEST) -m "not rest" tests/$(1)'
rest = '$(PYTEST) -m rest tests/$(1)'
whole = '$(PYTEST) tests/$(1)'
# What depends most on Ganeti's version.
PATCHED_TOO = $(addprefix tests/cluster/,test_life.py test_accidents.py test_indices.py)
PATCHED = 'packages=$$(patches/build) && $(PYTEST) --packages="$$packages" tests/patched $(PATCHED_TOO)'
# The same tests with that release's Python, pytest and Open vSwitch.
release = 'scripts/in-release $(1) $(NEED_RELEASE) -- make test-fast TEST_PYTHON=/usr/bin/python3'
NEED_DEMO = python3 openvswitch-switch iproute2 util-linux procps python3-click \
  python3-openvswitch python3-pyroute2 python3-rich
NEED_LINT = python3 python3-venv
NEED_FAST = $(NEED_DEMO) $(NEED_LINT) ganeti qemu-system-x86 systemd faketime
NEED_TEST = $(NEED_FAST) linux-image-amd64 busybox-static cpio openssh-server \
  openssh-client socat iputils-arping fping kmod lvm2 iperf3 ethtool dpkg-dev patch python3-mock
NEED_REST = $(NEED_TEST) debootstrap
NEED_RELEASE = make $(NEED_FAST) python3-pytest python3-hypothesis python3-scapy

.PHONY: demo test test-unit test-fast test-rest test-all test-patched test-releases bench \
  bench-reconcile bench-hooks bench-qos bench-distribute lint coverage coverage-unit install \
  uninstall clean need-demo need-fast need-test need-rest

demo: need-demo
	@unshare --net --mount --propagation private $(PYTHON) -B -m tests.demo

# Others beside them would slow the kernel tier's measurements; the rest wait most of the time.
# Clusters have this machine's root below theirs: where patches/build goes beside them, they begin
# late enough for it to have installed what it needs.
test: need-test $(TOOLS)
	@$(TIERS) $(call first,unit) with $(call first,patches) next $(call first,ovs) \
	  $(call first,cluster) then $(call first,kernel)

test-unit: $(TOOLS)
	$(PYTEST) -rs tests/unit

test-fast: need-fast $(TOOLS)
	@$(TIERS) $(call first,unit) $(call first,ovs)

test-rest: need-rest $(TOOLS)
	@$(TIERS) $(call rest,kernel) then \
	  $(PATCHED) with $(call release,trixie) $(call rest,cluster) next \
	  $(call rest,ovs) $(call rest,patches)

test-all: need-rest $(TOOLS)
	@$(TIERS) $(call whole,unit) with $(call whole,patches) then $(call whole,kernel) then \
	  $(PATCHED) with $(call release,trixie) $(call whole,cluster) next $(call whole,ovs)

test-patched: need-test $(TOOLS)
	@$(TIERS) $(PATCHED)

test-releases: need-rest $(TOOLS)
	@$(TIERS) $(call release,trixie) $(call release,sid)

bench: need-fast $(VENV)/ready
	unshare --net --mount --propagation private $(VENV)/bin/python -m bench.attach

bench-reconcile: need-fast $(VENV)/ready
	unshare --net --mount --propagation private $(VENV)/bin/python -m bench.reconcile

bench-hooks: need-fast $(VENV)/ready
	unshare --net --mount --propagation private $(VENV)/bin/python -m bench.hooks

bench-qos: need-test $(VENV)/ready
	$(VENV)/bin/python -m bench.qos compare draw

bench-distribute: need-test $(VENV)/ready
	$(VENV)/bin/python -m bench.distribute

lint: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# What scripts do in processes of their own is not seen.
coverage: need-fast $(VENV)/ready
	$(COVERAGE) run -m pytest -q tests/unit
	$(COVERAGE) run --append -m pytest -q tests/ovs
	$(COVERAGE) report

# Floors: of everything, and of what is pure. Borders and services are for the other tiers.
coverage-unit: need-demo $(VENV)/ready
	$(COVERAGE) run -m pytest -q tests/unit
	$(COVERAGE) report --fail-under=50
	$(COVERAGE) report --fail-under=85 --include='ganeti_ovs/model/*,ganeti_ovs/plan/*'

need-demo:
	@scripts/need $(NEED_DEMO)

need-fast:
	@scripts/need $(NEED_FAST)

need-test:
	@scripts/need $(NEED_TEST)

need-rest:
	@scripts/need $(NEED_REST)

$(VENV)/ready: setup.cfg pyproject.toml
	@scripts/need $(NEED_LINT)
	@echo "installing test tools into $(VENV)"
	@$(PYTHON) -m venv --clear --system-site-packages $(VENV)
	@$(VENV)/bin/pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@

# A tap may appear at any time: the new modules are complete before they take the old ones' place.
install:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11"; exit 1; }
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)
	rm -rf $(DESTDIR)$(LIBDIR)/new $(DESTDIR)$(LIBDIR)/old
	install -d $(DESTDIR)$(LIBDIR)/new
	cp -r ganeti_ovs $(DESTDIR)$(LIBDIR)/new/
	find $(DESTDIR)$(LIBDIR)/new -name __pycache__ -prune -exec rm -r {} +
	$(PYTHON) -m compileall -q -s "$(DESTDIR)$(LIBDIR)/new" -p $(LIBDIR) \
	  $(DESTDIR)$(LIBDIR)/new/ganeti_ovs
	[ ! -e $(DESTDIR)$(LIBDIR)/ganeti_ovs ] || mv $(DESTDIR)$(LIBDIR)/ganeti_ovs $(DESTDIR)$(LIBDIR)/old
	mv $(DESTDIR)$(LIBDIR)/new/ganeti_ovs $(DESTDIR)$(LIBDIR)/
	rm -rf $(DESTDIR)$(LIBDIR)/new $(DESTDIR)$(LIBDIR)/old
	scripts/put-script scripts/gnt-ovs.in $(DESTDIR)$(PREFIX)/bin/gnt-ovs $(LIBDIR)
	scripts/put-script scripts/kvm-vif-bridge.in $(DESTDIR)$(SYSCONFDIR)/ganeti/kvm-vif-bridge $(LIBDIR)
	scripts/put-script scripts/network.in $(DESTDIR)$(SYSCONFDIR)/ganeti/network/openvswitch/up $(LIBDIR)
	scripts/put-script scripts/network.in $(DESTDIR)$(SYSCONFDIR)/ganeti/network/openvswitch/down $(LIBDIR)
	scripts/put-script scripts/vif-custom.in $(DESTDIR)$(SYSCONFDIR)/xen/scripts/vif-custom $(LIBDIR)
	scripts/put-script scripts/hook.in $(DESTDIR)$(LIBDIR)/hook $(LIBDIR)
	for event in $(HOOKS); do \
	  install -d $(DESTDIR)$(SYSCONFDIR)/ganeti/hooks/$$event && \
	  ln -sf $(LIBDIR)/hook $(DESTDIR)$(SYSCONFDIR)/ganeti/hooks/$$event/50-ovs || exit 1; \
	done
	sed "s|@BINDIR@|$(PREFIX)/bin|" scripts/ganeti-ovs.service.in >$(DESTDIR)$(LIBDIR)/ganeti-ovs.service
	install -D -m 644 $(DESTDIR)$(LIBDIR)/ganeti-ovs.service $(DESTDIR)$(UNITDIR)/ganeti-ovs.service
	rm $(DESTDIR)$(LIBDIR)/ganeti-ovs.service
	install -D -m 644 docs/gnt-ovs.8 $(DESTDIR)$(MANDIR)/man8/gnt-ovs.8
	install -d $(DESTDIR)$(LIBDIR)/patches
	install patches/apply-installed $(DESTDIR)$(LIBDIR)/patches/
	install -m 644 patches/diverted.py patches/nic-mode-shorthand.patch patches/switch-commands.patch \
	  $(DESTDIR)$(LIBDIR)/patches/

# The administrator's own scripts, kept as *.local, come back; so do Ganeti's files.
uninstall:
	[ -n "$(DESTDIR)" ] || [ ! -x $(LIBDIR)/patches/apply-installed ] || \
	  $(LIBDIR)/patches/apply-installed --revert
	[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl -q disable ganeti-ovs || true
	rm -f $(DESTDIR)$(SYSCONFDIR)/ganeti/hooks/*/50-ovs $(DESTDIR)$(UNITDIR)/ganeti-ovs.service
	rm -rf $(DESTDIR)$(LIBDIR) $(DESTDIR)$(PREFIX)/bin/gnt-ovs $(DESTDIR)$(MANDIR)/man8/gnt-ovs.8
	for file in ganeti/kvm-vif-bridge ganeti/network/openvswitch/up \
	    ganeti/network/openvswitch/down xen/scripts/vif-custom; do \
	  rm -f "$(DESTDIR)$(SYSCONFDIR)/$$file"; \
	  [ ! -e "$(DESTDIR)$(SYSCONFDIR)/$$file.local" ] || \
	    mv "$(DESTDIR)$(SYSCONFDIR)/$$file.local" "$(DESTDIR)$(SYSCONFDIR)/$$file"; \
	done

clean:
	rm -rf $(VENV) build *.egg-info
	find . -name __pycache__ -prune -exec rm -r {} +
