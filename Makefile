# `make demo` and `make test` are all a newcomer needs; both install what is missing.
.PHONY: demo test fuzz fuzz-input verify bench bench-peers bench-check chaos format kafka-up kafka-down

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund

demo: node_modules/.package-lock.json
	bin/tripline demo

test: node_modules/.package-lock.json
	npm run --silent verify
	npm test --silent

# The properties of test/invariants with RUNS times as many random cases as in `make test`: some 40,000, in half an hour.
# A failure prints its seed and path: keep them in test/invariants/seeds.ts.
RUNS ?= 20
fuzz: node_modules/.package-lock.json
	FUZZ_RUNS=$(RUNS) npm test --silent -- test/invariants

# Files, YAML, CEL and templates as nobody would write them, MINUTES each: no crash, no stall, bounded memory. A find prints its
# seed and number: keep them in test/scripts/fuzz-input.test.ts.
fuzz-input: node_modules/.package-lock.json
	node_modules/.bin/node scripts/fuzz-input.ts --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

verify: node_modules/.package-lock.json
	npm run --silent verify

bench: node_modules/.package-lock.json
	npm run --silent bench

# Tripline beside Kafka Streams, Flink, Quix Streams and plain Node, on one broker on this machine: benchmarks/README.md.
# Smaller and shorter: make bench-peers PEERS="--scale 0.1 --rounds 1 --only tripline,streams".
bench-peers: node_modules/.package-lock.json
	npm run --silent bench-peers -- $(PEERS)

# Two minutes: ends with 1 when something became slower than benchmarks/check-baseline.json allows. ACCEPT=1 allows it.
bench-check: node_modules/.package-lock.json
	npm run --silent bench-check -- $(if $(ACCEPT),--accept)

# Workers, brokers and the network failing at once: SEED=… (or `kept`: those that once failed), MINUTES=…, both optional.
chaos: node_modules/.package-lock.json
	$(if $(SEED),CHAOS_SEED=$(SEED)) CHAOS_MINUTES=$(or $(MINUTES),5) npm test --silent -- test/chaos/chaos.test.ts

format: node_modules/.package-lock.json
	npm run --silent format

# A Kafka broker on 127.0.0.1:9092, run from Maven Central's jars: needs Java 17 and Maven, no containers.
kafka-up: node_modules/.package-lock.json
	npm run --silent kafka -- up

kafka-down: node_modules/.package-lock.json
	npm run --silent kafka -- down
