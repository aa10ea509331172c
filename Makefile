# make check is everything that CI runs; the rest are parts of it.

.PHONY: check quick test race e2e cluster bench lint fmt

check:
	bash .ci/run

# While you edit: formatting, vet, and the tests that need no database and no
# process of their own, with fewer rounds of the races. Under 30 s once compiled.
quick:
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l) && { [ -z "$$files" ] || { echo "run make fmt: $$files"; exit 1; }; }
	go vet ./...
	go test -short -vet=off $$(go list ./... | grep -vE '/(internal/dbtest|cmd/passport)$$')

# The whole suite on SQLite, PostgreSQL and MariaDB.
test:
	PASSPORT_TEST_REQUIRE=1 scripts/databases run -- go test ./...

race:
	PASSPORT_TEST_REQUIRE=1 scripts/databases run -- go test -race ./...

# The binary in a real browser, and with clients that others wrote.
e2e:
	go -C internal/e2e test -skip '^TestCluster' ./...

# Several nodes over each database, and what fails there.
cluster:
	PASSPORT_TEST_REQUIRE=1 scripts/databases run -- go -C internal/e2e test -run '^TestCluster' -timeout 20m -v ./...

# Passport beside a ceiling, over SQLite and a PostgreSQL that waits for its disk:
# tables of ratios, in some minutes. docs/performance.md says what they mean.
bench:
	PASSPORT_DURABLE=1 scripts/databases run -- go -C bench run .

lint:
	scripts/golangci-lint run ./...

fmt:
	gofmt -w $$(git ls-files '*.go')
