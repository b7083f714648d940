# `make demo` and `make test` are all a newcomer needs; both install what is missing.
.PHONY: demo test verify bench format

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund

demo: node_modules/.package-lock.json
	bin/tripline demo

test: node_modules/.package-lock.json
	npm run --silent verify
	npm test --silent

verify: node_modules/.package-lock.json
	npm run --silent verify

bench: node_modules/.package-lock.json
	npm run --silent bench

format: node_modules/.package-lock.json
	npm run --silent format
