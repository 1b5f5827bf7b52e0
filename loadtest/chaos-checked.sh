#!/usr/bin/env bash
# Checks the chaos checker: each deliberate breakage must turn it red, by the promise that it breaks.
# Takes the tool, a server that was built with the feature `breakages`, and the names of what is to be checked: none means all.
#
# What each is (`server/src/breakage.rs` has those of the server):
#   everysec, embedded-normal   the store answers before it is on the disk, which is slow: a switch of the deployment
#   compare-nothing             an append fits whatever log there is
#   compare-by-length           histories that are equally long are the same, for the store and for a node
#   forget-own-tag              an append whose answer was lost is not recognized when it is sent again, nor what it did
#   ack-before-commit           a move is acknowledged although the store does not answer
#   tell-before-commit          everybody is told and answered before the embedded store commits
#   no-gap-read                 a node that is told of an entry and lacks the one before it does not read
#   snapshot-without-version    who comes with a version that this node has not is shown what it has
#   no-healing                  a log that lost its tail is not completed
#   refuse-without-reading      a refusal is answered from the node's memory
#   forget-to-resubscribe       dead subscriptions stay dead
#   charge-outages              play time does not stand still while the store is away
#   wall-deadlines              flags fall by the node's wall clock
set -euo pipefail
tool=$1 server=$2
shift 2
wanted=" $* "
failed=0

check() { # the breakages, the promise, or a pattern of several, then the tool's flags
  local breakage=$1 promise=$2
  shift 2
  [[ $wanted == "  " || $wanted == *" ${breakage%%,*} "* ]] || return 0
  local said
  if said=$(ZEITNOT_BREAKAGE=$breakage "$tool" chaos --binary "$server" "$@" 2>&1); then
    echo "not found: $breakage"
    failed=1
  elif grep -q "^$promise " <<<"$said"; then
    echo "found: $breakage, by $promise"
  else
    echo "$breakage: something else went wrong"
    tail -n 40 <<<"$said"
    failed=1
  fi
}

check everysec I1 --store redis --relaxed --faults slow-disk --seconds 5
# Few games: when its log is full, at 4 MB, the store waits for the disk all the same.
check embedded-normal I1 --store embedded --relaxed --faults power-cut --seconds 1 --games 6
# Two have to write at the same moment, so it takes many games.
check compare-nothing I5 --store redis --faults nginx-reload --seconds 25 --games 60
# Where the store loses for good what it acknowledged, and the node that has it wakes up later, histories differ. Nothing else
# is broken there: without the breakage this run is green.
check compare-by-length 'I[256]' --store replicated --faults tail-loss --seed 2 --seconds 5 --games 40
# Either alone is harmless: what an append did is also seen in the log.
check forget-own-tag,forget-what-was-done I7 --store redis --faults reply-swallow --seconds 10
check ack-before-commit I1 --store redis --faults redis-kill --seconds 8
check tell-before-commit 'I[13]' --store embedded --faults power-cut --seconds 5
check no-gap-read I14 --store redis --faults push-drop --seconds 8 --games 30 --abrupt
check snapshot-without-version I3 --store redis --faults push-drop --seconds 20 --games 40
check no-healing I1 --store replicated --faults failover --seconds 5
check refuse-without-reading I7 --store redis --faults push-drop --seconds 20
check forget-to-resubscribe I14 --store redis --faults pubsub-kill --seconds 5 --games 30
check charge-outages I10 --store redis --faults redis-kill --seconds 5
check charge-outages I10 --store embedded --faults node-stop --seconds 5
# Either alone is harmless: the store refuses a flag that is too early, and a node whose clock is right sends none.
check wall-deadlines,ignore-not-before I9 --store redis --faults node-skew --seconds 8
exit $failed
