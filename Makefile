# The commands that a reader types. Each sets up first what is missing on this machine (scripts/setup).
#
#   make demo  ARGS=--keep         three writable regions under conflicting load
#              ARGS='--regions pg,mysql,mariadb' for other engines
#   make test  TESTFLAGS='-run X'  vet, format and all tests, against real servers
#   make bench ARGS=...            bridge beside the servers' own replication
#   make build                     bin/bridge

GO ?= $(shell command -v go || echo /usr/local/go/bin/go)
GOFMT = $(shell $(GO) env GOROOT)/bin/gofmt

# For one package's tests. The slowest take some minutes; a package that hangs is ended with all its goroutines' stacks.
TIMEOUT ?= 25m

.PHONY: build lint test demo bench

build:
	$(GO) build -o bin/ ./cmd/...

lint:
	$(GO) vet ./...
	@unformatted=$$($(GOFMT) -l .) && test -z "$$unformatted" || { echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; }

# How many packages run at once, and how many tests of each: one more than processors, for tests wait for servers at times.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# -count=1: Go's cache of test results knows nothing of the servers. -vet=off: lint has it.
test: lint
	scripts/setup
	$(GO) test -count=1 -vet=off -p $(JOBS) -parallel $(JOBS) -timeout $(TIMEOUT) $(TESTFLAGS) ./...

# The demo's engines as components of scripts/setup: what ARGS names after --regions, or PostgreSQL.
comma := ,
demo_words = $(subst $(comma), ,$(subst =, ,$(ARGS)))
demo_engines = $(sort $(filter mysql mariadb,$(demo_words)) $(if $(filter pg postgres postgresql,$(demo_words)),postgresql))

demo:
	scripts/setup $(or $(strip $(demo_engines)),postgresql)
	$(GO) build -o bin/ ./cmd/bridge
	@exec bin/bridge demo $(ARGS)

bench:
	scripts/setup
	$(GO) run ./bench $(ARGS)
