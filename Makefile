# Targets: build (default), install, release, test, test-openhands, projects, unit, vet, soak, fuzz, demo, frontend, bench, bench-openhands, lint, clean. See docs/contributing.md.
PREFIX ?= /usr/local
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS = -ldflags '-s -w -X main.version=$(VERSION)'
BUILDKIT = github.com/moby/buildkit

# One set of flags for builds and tests, so that the build cache serves both.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath

.PHONY: build install release test test-openhands projects unit vet soak fuzz demo frontend bench bench-openhands lint clean

build:
	go build $(LDFLAGS) -o bin/rtbuild-client ./cmd/client
	go build -C hack/tools/buildkit -ldflags "-s -w -X $(BUILDKIT)/version.Version=$$(go list -m -f '{{.Version}}' $(BUILDKIT))" \
		-o '$(CURDIR)/bin/' $(BUILDKIT)/cmd/buildkitd $(BUILDKIT)/cmd/buildctl

# The client looks for buildkitd in libexec first. There, it does not shadow another one in PATH.
install: build
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/libexec/rtbuild'
	install -m 0755 bin/rtbuild-client '$(DESTDIR)$(PREFIX)/bin/rtbuild-client'
	install -m 0755 bin/buildkitd bin/buildctl '$(DESTDIR)$(PREFIX)/libexec/rtbuild/'

# All tests; needs root. make test PKG=./internal/e2e runs the tests of one package.
test: $(if $(PKG),,vet)
	hack/test $(PKG)

# A published OpenHands with its real dependencies and a real browser: 5 minutes, 1 GB from the networks. It needs root.
test-openhands:
	hack/deps
	go test -v -count 1 -tags openhands -timeout 30m -run '^TestReal' ./internal/e2e

# Published projects of others as they are, and those of examples/matrix beside their Dockerfiles: each is built, started, and asked as its
# users would. It needs root. make projects RUN='^TestMatrix$$/^pnpm$$' runs a part.
projects:
	hack/deps
	go test -v -count 1 -tags projects -timeout 60m -run '$(or $(RUN),^Test(Projects|Matrix)$$)' ./internal/e2e

# Packages whose tests run a real builder. They need the programs that hack/deps installs.
REAL = cmd/client internal/embedded internal/e2e internal/testmirror

# Tests that need nothing but Go.
unit: vet
	go test $$(go list ./... | grep -v $(REAL:%=-e '/%$$'))

vet:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -d $$(git ls-files '*.go'); exit 1; }
	go vet ./... && go vet -tags soak,openhands,projects ./internal/e2e

demo: build
	hack/demo

# The frontend image for "# syntax=" lines: make frontend REGISTRY=host/path
frontend: build
	VERSION='$(VERSION)' hack/frontend '$(REGISTRY)' '$(or $(TAG),dev)'

# What a release consists of, in dist/: make release VERSION=1.0.0. Equal commits and versions give equal bytes.
release: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
release: build
	rm -rf dist
	go run ./hack/release '$(VERSION)' "$$SOURCE_DATE_EPOCH" dist
	VERSION='$(VERSION)' OCI='dist/rtbuild-frontend_$(VERSION).oci.tar' hack/frontend '' '$(VERSION)'
	cd dist && LC_ALL=C sha256sum * >SHA256SUMS.tmp && mv SHA256SUMS.tmp SHA256SUMS

bench:
	hack/bench

# The published OpenHands, by rtbuild and by the original's own steps, while it changes: a quarter of an hour a run.
bench-openhands:
	hack/bench -only release -n '$(or $(RUNS),1)'

# Long tests: changes and kills at random moments, and more versions of BuildKit. RTBUILD_SOAK=N repeats each kind N times.
soak:
	hack/deps
	go test -v -count 1 -tags soak -timeout 10h -run Soak ./internal/e2e

# Every fuzz target, for FUZZTIME each: make fuzz FUZZTIME=10m
fuzz:
	hack/fuzz '$(or $(FUZZTIME),10m)'

LINT = go tool -modfile=hack/tools/golangci-lint/go.mod

# Code, spelling, workflows, every go.mod, and the root package's tests of file lengths and links.
lint:
	$(LINT) golangci-lint run
	$(LINT) misspell -error $$(git ls-files '*.md' '*.yaml' '*.yml' '*.hcl' Makefile hack cmd/frontend/Dockerfile | grep -v -e 'go\.mod$$' -e 'go\.sum$$')
	go tool -modfile=hack/tools/actionlint/go.mod actionlint
	for module in $$(git ls-files '*go.mod'); do go -C "$$(dirname "$$module")" mod tidy -diff || exit 1; done
	go test .

clean:
	rm -rf bin .demo || rootlesskit rm -rf .demo # an unprivileged builder leaves files with other user IDs
