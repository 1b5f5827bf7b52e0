# Every task of the project by its name. CI runs the same targets: see .ci/run.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run cluster test lint deny sbom fmt types screenshot fuzz autobahn instructions bench bench-relay bench-redis \
	bench-watch bench-idle bench-play bench-storm bench-lobby bench-open bench-steps bench-growth compare chaos chaos-checked \
	mutants deps page

help: ## Lists the tasks
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 15

# Where cargo builds, from whatever folder.
target := $(abspath $(or $(CARGO_TARGET_DIR),target))

# The Python that has the chess library by which games are replayed.
replay := $(target)/python/bin/python

run: ## Builds and starts a server; ARGS="--listen 127.0.0.1:9000" sets flags
	cargo run --package zeitnot -- $(ARGS)

cluster: ## Builds and runs three nodes behind nginx on one Redis; ARGS="--nodes 5" sets flags
	deploy/test-deps.sh redis-server nginx
	cargo build --release --package zeitnot --package zeitnot-loadtest
	$(target)/release/zeitnot-loadtest cluster $(ARGS)

# Tests wait for servers far more than they work: with a thread for each core they take twice as long.
test: deps page $(replay) ## Runs every test; installs what they need, skips none
	cargo build --package zeitnot --features next-format
	mkdir -p $(target)/next && cp $(target)/debug/zeitnot $(target)/next/zeitnot
	RUST_TEST_THREADS=4 ZEITNOT_NEXT_BUILD=$(target)/next/zeitnot cargo test --workspace
	$(replay) loadtest/replay.py $(target)/tmp/chaos-*.jsonl
	$(MAKE) instructions
	cd web && npm test
	cd web && ZEITNOT_BIN=$(target)/debug/zeitnot CHROMIUM=$$(command -v chromium) npm run e2e

lint: page deny types ## Checks form, lints, documentation, licenses, and writes the page's types if they are out of date
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cd web && npm run lint

# cargo-deny takes four minutes to build, and only a change of Cargo.lock or deny.toml can change its answer. So it runs
# where it is installed, or where one of them changed; only then is it installed, into target/tools.
deny: ## Checks licenses, sources and double versions of dependencies
	@.ci/deny

sbom: page ## Writes what the binary and its page are made of (CycloneDX) into target/sbom
	@.ci/sbom

fmt: ## Formats the Rust code
	cargo fmt --all

types: ## Writes the page's types of the protocol; fails if they were out of date
	cargo test --package zeitnot-game --features ts export_bindings
	git diff --exit-code -- web/src/protocol/gen
	test -z "$$(git ls-files --others --exclude-standard -- web/src/protocol/gen)"

screenshot: page ## Takes the README's picture from the running page
	deploy/test-deps.sh chromium
	cargo build --package zeitnot
	cd web && ZEITNOT_BIN=$(target)/debug/zeitnot CHROMIUM=$$(command -v chromium) node scripts/screenshot.mjs screenshot.png

fuzz: ## Tries hostile bytes on all that is read, a minute each; SECONDS=600 ONLY="frame log" sets how long and what
	server/fuzz/run.sh $(or $(SECONDS),60) $(ONLY)

autobahn: ## Tries the sockets with the Autobahn cases
	deploy/test-deps.sh kosoku
	cargo test --package zeitnot --test it autobahn -- --nocapture

instructions: ## Counts the instructions of the pure core; fails if one is more than 3 % off; UPDATE=1 writes the file
	deploy/test-deps.sh valgrind
	UPDATE=$(UPDATE) cargo bench --package zeitnot-game --bench instructions

bench: ## Measures the game's hot paths
	cargo bench --package zeitnot-game --bench game

bench-relay: ## Measures moves from node to node, beside the same way without logic; ARGS="--rate 500" sets flags
	deploy/test-deps.sh redis-server
	cargo build --release --package zeitnot --package zeitnot-loadtest
	$(target)/release/zeitnot-loadtest relay --against floor $(ARGS)

bench-redis: ## Measures what Redis does for an append, for games at rest, and when there are none
	deploy/test-deps.sh redis-server
	cargo build --release --package zeitnot --package zeitnot-loadtest
	$(target)/release/zeitnot-loadtest redis-cost $(ARGS)

# Without ARGS it takes an hour and a half. (By a name, since commas part what `or` chooses among.)
chaos-all := --store embedded,redis,replicated,sentinel,cluster --seeds 10 --seconds 40 --idle
chaos: $(replay) ## Hurts each deployment with ten seeds and proves that promises are kept; ARGS="--store redis --seed 7" sets flags
	deploy/test-deps.sh redis-server nginx
	cargo build --release --package zeitnot --package zeitnot-loadtest
	$(target)/release/zeitnot-loadtest chaos --sample $(target)/chaos.jsonl \
		$(or $(ARGS),$(chaos-all))
	$(replay) loadtest/replay.py $(target)/chaos.jsonl

chaos-checked: ## Breaks store and server on purpose: the chaos checker must find each; ARGS="no-healing" names some
	deploy/test-deps.sh redis-server nginx
	cargo build --package zeitnot --features breakages
	mkdir -p $(target)/breakages && cp $(target)/debug/zeitnot $(target)/breakages/zeitnot
	cargo build --package zeitnot --package zeitnot-loadtest
	loadtest/chaos-checked.sh $(target)/debug/zeitnot-loadtest $(target)/breakages/zeitnot $(ARGS)

mutants: page ## Breaks the server in one place after the other: a test must go red each time; ARGS="healing" chooses
	deploy/test-deps.sh redis-server
	server/tests/mutants.py $(ARGS)

bench-watch: ## Measures one game with 10,000 spectators, beside the same frames written without logic
	$(load-tool)
	$(target)/release/zeitnot-loadtest watch --against floor --node-threads 2 $(ARGS)

bench-idle: ## Measures what 15,000 sockets take while nothing happens; ARGS="--games 15000" has them follow games
	$(load-tool)
	$(target)/release/zeitnot-loadtest idle $(ARGS)

bench-play: ## Plays many games at once and replays each; ARGS="--url ws://… --html play.html" sets flags
	deploy/test-deps.sh redis-server
	$(load-tool)
	$(target)/release/zeitnot-loadtest play $(ARGS)

bench-storm: ## Cuts 10,000 connections at once, and measures how they come back
	$(load-tool)
	$(target)/release/zeitnot-loadtest storm $(ARGS)

bench-lobby: ## Measures how long it takes to find somebody to play
	$(load-tool)
	$(target)/release/zeitnot-loadtest lobby $(ARGS)

bench-open: ## Measures how soon a node shows a game of 100 plies that it has never seen
	deploy/test-deps.sh redis-server
	$(load-tool)
	$(target)/release/zeitnot-loadtest open $(ARGS)

bench-steps: ## Raises the load until moves come too late
	deploy/test-deps.sh redis-server
	$(load-tool)
	$(target)/release/zeitnot-loadtest steps $(ARGS)

compare: ## Measures what others made beside ours, at the same load; ARGS="--peers ws,zeitnot --rate 500" sets flags
	deploy/test-deps.sh redis-server nodejs npm
	$(load-tool)
	$(target)/release/zeitnot-loadtest compare $(ARGS)

bench-growth: ## Measures what grows with games, spectators, nodes, masters and the length of a log; ARGS="--html growth.html"
	deploy/test-deps.sh redis-server
	$(load-tool)
	$(target)/release/zeitnot-loadtest growth $(ARGS)

# The server and what drives it.
load-tool = cargo build --release --package zeitnot --package zeitnot-loadtest

deps: ## Installs the programs that tests start, with apt, or says which are missing
	deploy/test-deps.sh

# Made anew whenever the list is newer; its own date is that of the system's Python.
$(replay): $(target)/python/.installed
$(target)/python/.installed: loadtest/requirements.txt
	deploy/test-deps.sh python3-venv
	python3 -m venv --clear $(target)/python
	$(replay) -m pip install --quiet --disable-pip-version-check --requirement loadtest/requirements.txt
	touch $@

# What npm installs, again whenever the lock file is newer.
page: web/node_modules/.package-lock.json
web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund && touch node_modules/.package-lock.json
