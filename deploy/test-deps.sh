#!/usr/bin/env bash
# Makes sure that the programs which tests start are installed: with apt where that may be done, else it says what is
# missing and fails. Nothing is skipped. Arguments are the packages to look at: none means all. kosoku comes from PyPI, into
# an environment of its own in the build directory.
set -euo pipefail

readonly REDIS_MAJOR=7 NODE_MAJOR=20 KOSOKU=0.1.0

readonly wanted=" ${*:-redis-server nodejs npm nginx chromium openssl python3-venv valgrind kosoku} "
root=$(cd "$(dirname "$0")/.." && pwd)
readonly kosoku=${CARGO_TARGET_DIR:-$root/target}/tools/kosoku

# Prints the Debian package of each program that is wanted, and missing or too old.
missing() {
  local package
  for package in $(lacking); do
    [[ $wanted != *" $package "* && $package != python3-venv ]] || echo "$package"
  done
}

# The same of all programs that anything needs.
lacking() {
  local redis node
  redis=$(redis-server --version 2>/dev/null | sed -nE 's/.* v=([0-9]+).*/\1/p' || true)
  node=$(node --version 2>/dev/null | sed -nE 's/^v([0-9]+).*/\1/p' || true)
  ((${redis:-0} >= REDIS_MAJOR)) || echo redis-server
  ((${node:-0} >= NODE_MAJOR)) || echo nodejs
  command -v npm >/dev/null || echo npm
  PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || echo nginx
  command -v chromium >/dev/null || echo chromium
  command -v openssl >/dev/null || echo openssl
  command -v valgrind >/dev/null || echo valgrind
  [[ $wanted != *" kosoku "* && $wanted != *" python3-venv "* ]] ||
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

# Installs kosoku, which has the cases of the Autobahn test suite, if it is wanted and not there.
provide_kosoku() {
  [[ $wanted == *" kosoku "* ]] || return 0
  "$kosoku/bin/kosoku" --help &>/dev/null && return 0
  echo "installing: kosoku $KOSOKU with pip, into $kosoku"
  python3 -m venv --clear "$kosoku"
  "$kosoku/bin/pip" install --quiet --disable-pip-version-check "kosoku==$KOSOKU"
}

# Runs a command as root, if we may.
as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi
}

mapfile -t packages < <(missing)
if ((${#packages[@]} == 0)); then
  provide_kosoku
  exit 0
fi
if ! command -v apt-get >/dev/null || ! as_root true 2>/dev/null; then
  echo "missing: ${packages[*]} (redis-server $REDIS_MAJOR or newer, node $NODE_MAJOR or newer)" >&2
  exit 1
fi
echo "installing: ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -qq
as_root apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null

mapfile -t packages < <(missing)
if ((${#packages[@]} > 0)); then
  echo "still missing or too old: ${packages[*]} (redis-server $REDIS_MAJOR or newer, node $NODE_MAJOR or newer)" >&2
  exit 1
fi
provide_kosoku
