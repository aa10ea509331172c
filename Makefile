# make check runs everything that CI runs. The other targets are parts of it.

.PHONY: check quick test race fuzz e2e clients cluster screenshots bench bigimport lint fmt

check:
	bash .ci/run

# For use while you edit: formatting, vet, and the tests that need no database
# server and no separate process, with fewer rounds of concurrency tests. Takes less
# than 30 s after compilation.
quick:
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l) && { [ -z "$$files" ] || { echo "run make fmt: $$files"; exit 1; }; }
	go vet ./...
	go test -short -vet=off $$(go list ./... | grep -vE '/(internal/dbtest|cmd/passport)$$')

# The whole suite on SQLite, PostgreSQL and MariaDB.
test:
	PASSPORT_TEST_REQUIRE=1 scripts/databases run -- go test ./...

race:
	bash .ci/run race

# The binary in a real browser and with third-party clients.
e2e:
	go -C internal/e2e test -skip '^Test(Cluster|Further)' ./...

# Every OpenID Connect client that was written by others. CI runs the most common ones,
# without TestFurther.
clients:
	scripts/install-ci
	bin=$$(scripts/install-clients) && PATH="$$bin:$$PATH" PASSPORT_TEST_REQUIRE=1 go -C internal/e2e test -count=1 -run '^Test(Clients|Further)' -v ./...

# Each fuzz target for a minute; CI gives each five seconds.
fuzz:
	FUZZTIME=1m bash .ci/run fuzz

# Several nodes over each database, with faults.
cluster:
	PASSPORT_TEST_REQUIRE=1 scripts/databases run -- go -C internal/e2e test -run '^TestCluster' -timeout 20m -v ./...

# The pictures in docs/images, taken by the test of the tour in Chromium. For another
# page, call screenshot in its test, name the test here, and show the picture in docs/.
screenshots:
	PASSPORT_TEST_REQUIRE=1 PASSPORT_SCREENSHOTS=$(CURDIR)/docs/images go -C internal/e2e test -count=1 -run '^TestE2E_(DemoInBrowser|PA_.*|PG_04.*)$$' .

# Passport compared to a ceiling, over SQLite and a durable PostgreSQL. Prints
# tables of ratios after a few minutes. docs/performance.md explains them.
bench:
	PASSPORT_DURABLE=1 scripts/databases run -- go -C bench run .

# The import of 5 million tokens of Laravel Passport into SQLite and PostgreSQL: at most
# 10 minutes and 200 MB for each, on two cores; and 200 thousand from each kind of database.
# CI imports 20 thousand, and 5 thousand. It takes about half an hour and 15 GB of disk.
BIGIMPORT ?= 5000000
bigimport:
	PASSPORT_TEST_REQUIRE=1 PASSPORT_BIGIMPORT=$(BIGIMPORT) scripts/databases run -- go test ./internal/dbtest -run '^TestLaravelImport_Big' -count=1 -timeout 2h -v

lint:
	scripts/golangci-lint run ./...

fmt:
	gofmt -w $$(git ls-files '*.go')
