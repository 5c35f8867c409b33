# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

tiers = .venv/bin/python -m tests.tooling.run_tiers

.PHONY: help setup demo demo-release test test-quick bench faults lint format sanity package-check mutants clean

help:
	@echo 'make demo           the whole life of a release on eight sandbox hosts, in a minute'
	@echo 'make demo-release   plans, approvals, waves, back-outs, an emergency, a train, close and evidence, in three minutes'
	@echo 'make test           everything, in less than half an hour (as root: on real SSH hosts and containers too)'
	@echo 'make test-quick     what needs no root and no network, in 3 minutes at most'
	@echo 'make lint | sanity | package-check | mutants   one part of make test'
	@echo 'make faults         kills, failures and power cuts at every system call, attackers, races, rare cases: some 40 minutes'
	@echo 'make bench          how long each operation takes on ten SSH hosts'
	@echo 'make setup          only the virtual environment .venv'
	@echo 'make format         the code as ruff would write it'
	@echo 'make clean          back to a fresh clone'

setup:
	@tests/tooling/setup

demo: setup
	@.venv/bin/python examples/shop/demo.py

demo-release: setup
	@.venv/bin/python examples/shop/demo_release.py

test: setup
	@$(tiers) all

test-quick: setup
	@$(tiers) quick

lint sanity package-check mutants: setup
	@$(tiers) $@

bench: setup
	@.venv/bin/python -m tests.tooling.packages
	@.venv/bin/python tests/bench/bench.py $(BENCH)

faults: setup
	@.venv/bin/python -m tests.tooling.packages
	@.venv/bin/pytest -q -n 2 --dist worksteal tests/faults --every-point
	@.venv/bin/pytest -q -n 3 --dist worksteal tests/unit tests/behaviour tests/integration --every-point -m every_point

format: setup
	@.venv/bin/ruff check --fix --select I .
	@.venv/bin/ruff format .

clean:
	rm -rf itops-release-*.tar.gz .venv .cache .sandbox .ansible .pytest_cache .ruff_cache .hypothesis tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
