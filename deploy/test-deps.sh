#!/usr/bin/env bash
# Makes sure that the programs which tests start are installed: with apt where that may be done, else it says what is
# missing and fails. Nothing is skipped. Arguments are the packages to look at: none means all.
set -euo pipefail

readonly REDIS_MAJOR=7 NODE_MAJOR=20

readonly wanted=" ${*:-redis-server nodejs npm nginx chromium openssl python3-venv} "

# Prints the Debian package of each program that is wanted, and missing or too old.
missing() {
  local package
  for package in $(lacking); do
    [[ $wanted != *" $package "* ]] || echo "$package"
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
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

# Runs a command as root, if we may.
as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi
}

mapfile -t packages < <(missing)
if ((${#packages[@]} == 0)); then
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
