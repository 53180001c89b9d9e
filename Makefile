# `make` says what there is.
.PHONY: help build test demo bench generate format lint clean cluster-up cluster-down
.DEFAULT_GOAL := help

CPP = git ls-files -co --exclude-standard -- '*.h' '*.cpp' '*.c'

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the programs and their tests, into build/release
	@tests/install-packages
	cmake --preset release
	cmake --build --preset release

test: ## the whole test suite; `tests/run --help` for parts of it
	@tests/run

demo: ## a cluster, the operator in it, and the story with its table (needs root, or KUBECONFIG and REPRISE_REGISTRY)
	tests/cluster/up
	tests/story/install
	tests/story/run --out build/story

bench: ## the benchmarks
	@tests/install-packages bench
	@set -e; for run in tests/bench/*/run; do echo "$$run"; "$$run"; done

generate: ## crds/, the chart's copy of it and docs/reference, from the fields in operator/api
	cmake --preset release
	cmake --build --preset release --target reprise-crdgen
	build/release/operator/api/reprise-crdgen crds docs/reference
	rm -f charts/reprise/crds/*.yaml
	cp crds/*.yaml charts/reprise/crds/

format: ## every C++ file, in place
	$(CPP) | xargs clang-format-19 -i

lint: ## clang-tidy over the sources (minutes)
	cmake --preset release
	cmake --build --preset release
	git ls-files -co --exclude-standard -- 'operator/*.cpp' | grep -v '_test\.cpp$$' | xargs -P "$$(nproc)" -n 4 clang-tidy-19 --quiet --warnings-as-errors='*' -p build/release

clean: ## what was built; the test cluster's programs stay in ~/.cache/reprise
	rm -rf build

cluster-up: ## the single-node test cluster
	tests/cluster/up

cluster-down: ## ends it
	tests/cluster/down
