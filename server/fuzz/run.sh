#!/usr/bin/env bash
# Fuzzes what a node reads: run.sh SECONDS [NAME...]. All are run if none is named, one after the other, each from the bytes in
# corpus/, which it does not change. What is new goes into the build directory, and what breaks, too: put that into corpus/
# under a name that says what it is, and the tests have it.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
readonly VERSION=0.13.2 target
export PATH="$target/tools/bin:$PATH"

seconds=${1:-60}
names=("${@:2}")
if ((${#names[@]} == 0)); then
  for file in server/fuzz/fuzz_targets/*.rs; do names+=("$(basename "$file" .rs)"); done
fi
if ! command -v cargo-fuzz >/dev/null; then
  echo "installing cargo-fuzz $VERSION into target/tools"
  cargo install cargo-fuzz --version "$VERSION" --locked --quiet --root "$target/tools"
fi

# The versions that are shipped.
cp Cargo.lock server/fuzz/Cargo.lock
# The page is not what is fuzzed.
export WEB_DIST=skip
# Without a sanitizer, which a stable compiler has not: our crates have no unsafe code for one to watch.
cargo fuzz build --sanitizer none --fuzz-dir server/fuzz --target-dir "$target/fuzz"
programs=$(echo "$target"/fuzz/*/release)
broken=()
for name in "${names[@]}"; do
  found=$target/fuzz-corpus/$name
  mkdir -p "$found"
  echo "$name: $seconds s"
  "$programs/$name" "$found" "server/fuzz/corpus/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$target/fuzz-$name-" 2>"$target/fuzz-$name.log" || broken+=("$name")
  tail -n 1 "$target/fuzz-$name.log"
done
if ((${#broken[@]} > 0)); then
  echo "broken: ${broken[*]}; see $target/fuzz-NAME.log and the files $target/fuzz-NAME-*" >&2
  exit 1
fi
