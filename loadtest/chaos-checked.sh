#!/usr/bin/env bash
# Checks the chaos checker: each deliberate fault of the server must turn it red, by the promise that it breaks.
# Takes the tool and a server that was built with the feature `breakages`.
set -euo pipefail
tool=$1 server=$2
failed=0

check() { # the fault, the promise, then the tool's flags
  local fault=$1 promise=$2
  shift 2
  local said
  if said=$(ZEITNOT_BREAKAGE=$fault "$tool" chaos --binary "$server" "$@" 2>&1); then
    echo "not found: $fault"
    failed=1
  elif grep -q "^$promise " <<<"$said"; then
    echo "found: $fault, by $promise"
  else
    echo "$fault: something else went wrong"
    tail -n 40 <<<"$said"
    failed=1
  fi
}

# Two have to write at the same moment, so it takes many games.
check compare-nothing I5 --store redis --faults nginx-reload --seconds 25 --games 60
check ack-before-commit I1 --store redis --faults redis-kill --seconds 8
check no-healing I1 --store replicated --faults failover --seconds 5
check refuse-without-reading I7 --store redis --faults push-drop --seconds 20
check forget-to-resubscribe I14 --store redis --faults pubsub-kill --seconds 5 --games 30
check charge-outages I10 --store redis --faults redis-kill --seconds 5
check charge-outages I10 --store embedded --faults node-stop --seconds 5
# Either alone is harmless: the store refuses a flag that is too early, and a node whose clock is right sends none.
check wall-deadlines,ignore-not-before I9 --store redis --faults node-skew --seconds 8
exit $failed
