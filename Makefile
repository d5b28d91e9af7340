# make            build ./tripline
# make demo       run the whole path on generated data
# make test       what must pass everywhere; needs Go and nothing else
# make check      what CI runs after it

GO       ?= go
FUZZTIME ?= 30s
LINES    ?= 5000000
ROUNDS   ?= 5
LOADTIME ?= 10s

# Programs in testdata are no part of "./..."; they are checked all the same.
programs := $(sort $(patsubst %/,./%,$(dir $(wildcard testdata/*/*.go))))
systems  := linux/amd64 linux/arm64 freebsd/amd64 freebsd/arm64

.PHONY: kernels bpf build demo test check vet lint vuln race long smoke fuzz cross repro clean-tree bench bench-go bench-fold bench-alert bench-sandbox load eval golden clean bench-pcap

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o tripline ./cmd/tripline

demo: build
	$(GO) run ./testdata/homelab -o demo
	testdata/demo.sh demo

test:
	$(GO) test -timeout 20m ./... $(programs)

check: build vet lint test race smoke cross repro demo clean-tree

vet:
	$(GO) vet ./... $(programs)
	GOOS=freebsd $(GO) vet ./...
	CGO_ENABLED=0 GOARCH=386 $(GO) vet ./...

# The first run builds the linter: a minute or two, then it is in Go's cache.
lint:
	$(GO) tool -modfile=.tools/golangci-lint.mod golangci-lint run ./... $(programs)

# The same tests with hundreds of processes and ten thousands of connections.
long:
	TRIPLINE_LONG=1 $(GO) test -count=1 ./learn/sandbox ./learn/source -run 'AtOnce|OfThousands'

# Needs the network: it asks for known vulnerabilities.
vuln:
	$(GO) tool -modfile=.tools/govulncheck.mod govulncheck ./...

race:
	CGO_ENABLED=1 $(GO) test -race -short -timeout 40m ./cmd/... ./store/... ./learn/source/... ./enforce/...

smoke:
	GO="$(GO)" .ci/fuzz 5s

fuzz:
	GO="$(GO)" .ci/fuzz $(FUZZTIME)

cross:
	@for s in $(systems); do echo "build for $$s"; \
		CGO_ENABLED=0 GOOS=$${s%/*} GOARCH=$${s#*/} $(GO) build -trimpath -ldflags "-s -w" -o /dev/null ./cmd/tripline || exit 1; done

repro:
	GO="$(GO)" .ci/repro

clean-tree:
	git diff --exit-code

bench: build
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
		$(GO) run ./testdata/lines -n $(LINES) > "$$dir/lines.log" && \
		$(GO) run ./testdata/bench -file "$$dir/lines.log" -rounds $(ROUNDS)
	@$(MAKE) --no-print-directory bench-go

# One line, one record, one check, one look-up; the store and the fold.
bench-go:
	$(GO) test -run '^$$' -bench . -benchmem -benchtime 0.5s ./...

# Folding on prefixes alone beside iprange, in time and in what it opens.
bench-fold:
	$(GO) run ./testdata/bench -fold -rounds $(ROUNDS)

# Packets a second of one core beside gopacket, softflowd and nfpcapd on the same
# file, eve and Zeek JSON, and as root a live capture of 300,000 packets a second.
bench-pcap:
	TRIPLINE_SPEED=1 $(GO) test -count=1 -v -run '^TestSpeed' ./learn/source

# Builds the programs that the kernel runs again; Debian's clang 14 gives the same bytes.
bpf:
	cd learn/source/internal/bpf && $(GO) run github.com/cilium/ebpf/cmd/bpf2go -target bpfel -tags linux -no-global-types \
		-cc clang -strip llvm-strip -cflags "-O2 -g -Wall -Werror -I/usr/include/$$(uname -m)-linux-gnu" -go-package bpf observe observe.c

# How soon alerts leave, how many flows a service stands, and what faults do to it.
bench-alert: build
	$(GO) run ./testdata/load -tripline ./tripline -trial alert

# What older kernels and settings do to a sandbox, under QEMU: minutes.
kernels:
	testdata/sandbox/kernels.sh

# What a sandbox costs, beside none, pasta and slirp4netns.
bench-sandbox:
	$(GO) run ./testdata/sandbox -rounds $(ROUNDS)

load: build
	$(GO) run ./testdata/load -tripline ./tripline -for $(LOADTIME)

eval:
	$(GO) run ./testdata/eval

# Rewrites the expected texts; read the difference before it is committed.
golden:
	TRIPLINE_UPDATE=1 $(GO) test ./... $(programs)

clean:
	rm -rf tripline demo dist
