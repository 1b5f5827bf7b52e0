#!/usr/bin/env python3
"""Breaks the server in one place after the other, in a copy, and sees that a test goes red each time.

Each mutant below is a promise: what is broken, where, how, and the test that must not let it through. `make mutants`
runs all of them, `make mutants ARGS="healing lengths"` those whose names contain one of these words. It is no part of
the tests, since each mutant is a build of its own: about a minute.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
COPY = TARGET / "mutants"
# Not the build directory itself: cargo would take the copy's crates for ours.
BUILT = TARGET / "mutants-built"

REDIS = "server/src/store/redis"
EMBEDDED = "server/src/store/embedded"

# How long a test may take, and how `timeout` ends for one that took longer.
PATIENCE_SECS = 180
TIMED_OUT = 124

# The name; the file; what stands there; what stands there instead; the package and the test that must fail.
MUTANTS = [
    ("skip-the-tag-compare", f"{REDIS}/append.lua",
     "if not head or head:sub(-5) ~= before then", "if not head then",
     ("zeitnot", "store::logs::on_redis::an_append_after_a_fork_of_equal_length_is_refused")),
    ("skip-the-tag-compare-embedded", f"{EMBEDDED}/log.rs",
     "if after.version > Version(0) && has_tag(last, after.tag) =>", "if after.version > Version(0) =>",
     ("zeitnot", "store::logs::on_embedded::an_append_after_a_fork_of_equal_length_is_refused")),
    ("append-what-was-appended", f"{REDIS}/append.lua",
     "if newer:sub(-5) == tag then", "if false then",
     ("zeitnot", "store::logs::on_redis::a_repeated_append_is_answered_as_at_first")),
    ("publish-before-commit", f"{EMBEDDED}/writer.rs",
     "    transaction.commit().await?;\n", "",
     ("zeitnot", "store::embedded::what_was_acknowledged_survives_a_kill")),
    ("acknowledge-before-commit", "server/src/play/log.rs",
     "                Err(_) if asked.at < give_up => {\n                    sleep(STORE_RETRY_PAUSE).await;\n",
     "                Err(_) if asked.at < give_up => {\n"
     "                    return Ok(Written::Committed(step.append.after.version.next()));\n",
     ("zeitnot", "limits::rooms::a_store_that_stays_silent_is_told_of_and_the_same_again_is_done_once")),
    ("charge-outages", f"{REDIS}/tick.lua",
     "(gap > outage and counted or math.max(now - math.max(wall, healed), 0))", "gap",
     ("zeitnot", "store::outage::on_redis::an_outage_counts_a_second_at_most")),
    ("charge-outages-embedded", f"{EMBEDDED}/clock.rs",
     "if gap > MAX_TICK_AGE {", "if false {",
     ("zeitnot", "store::outage::on_embedded::an_outage_counts_a_second_at_most")),
    ("refuse-without-reading", "server/src/play.rs",
     "if self.lock().is_confirmed_since(arrived) =>", "if true =>",
     ("zeitnot", "requests::a_move_is_one_append_and_a_refusal_one_read")),
    ("ignore-not-before", f"{REDIS}/append.lua",
     "if not_before >= 0 and", "if false and",
     ("zeitnot", "store::logs::on_redis::an_append_before_its_moment_is_early")),
    ("leave-what-is-noted-too-late", f"{REDIS}/append.lua",
     "at + due < noted", "false",
     ("zeitnot", "store::noted::what_makes_a_game_due_later_leaves_the_note_as_it_is")),
    ("leave-what-is-noted-for-soon", f"{REDIS}/append.lua",
     "at + origin + LEAD > noted", "false",
     ("zeitnot", "store::noted::a_note_for_soon_is_not_left_since_the_game_may_be_handed_out_by_it")),
    ("put-off-what-is-counted-on", f"{REDIS}/schedule.lua",
     "noted and noted > play + LEAD", "false",
     ("zeitnot", "store::noted::who_was_handed_a_game_long_ago_puts_off_nothing")),
    ("write-what-was-stuck", f"{REDIS}/append.lua",
     "if now < earliest or now > latest then", "if false then",
     ("zeitnot", "store::outage::on_redis::an_append_that_was_stuck_for_long_is_not_written_late")),
    ("forget-to-resubscribe", f"{REDIS}/subscriptions.rs",
     "mut topics: Vec<Topic>) {\n", "mut topics: Vec<Topic>) {\n        topics.clear();\n",
     ("zeitnot", "store::redis::after_a_lost_connection_followers_are_told_to_read_and_hear_again")),
    ("forget-the-lengths", f"{REDIS}/ticker.rs",
     "let asked = if wants_lengths { games } else { &[] };", "let asked: &[GameId] = &[];",
     ("zeitnot", "store::redis::an_append_whose_message_was_lost_is_found_by_the_length_of_the_log")),
    ("forget-the-probes", f"{REDIS}/pulse.rs",
     "let is_deaf = self.pulse.is_deaf();", "let is_deaf = false;",
     ("zeitnot", "store::redis::a_node_that_hears_nothing_knows_it_and_subscribes_again")),
    ("no-healing-window", f"{REDIS}/tick.lua",
     "    if play or known then\n      healed = now + healing\n    end\n", "",
     ("zeitnot", "healing::nodes_of_different_lengths_complete_each_other")),
    ("believe-what-heals", "server/src/room/opening.rs",
     "if log.heals_for.is_zero() {", "if true {",
     ("zeitnot", "healing::who_comes_while_the_store_heals_sees_what_it_had_lost")),
    ("believe-what-heals-again", "server/src/play/log.rs",
     "None if tail.heals_for.is_zero() => return Ok(()),", "None if true => return Ok(()),",
     ("zeitnot", "healing::who_comes_while_the_store_heals_sees_what_it_had_lost")),
    ("no-reset", "server/src/replica/log.rs",
     "                    self.send_reset(now);\n", "",
     ("zeitnot", "healing::who_comes_after_the_healing_is_told_that_the_log_counts")),
    ("no-bound-of-what-waits-to-be-written", "server/src/ws.rs",
     "        .max_write_buffer_size(SOCKET_WRITE_BUFFER_MAX.max(max_frame))\n", "",
     ("zeitnot", "limits::slow::a_client_that_floods_and_never_reads_costs_little_and_is_left")),
    ("trust-every-proxy", "server/src/address.rs",
     "trusted.iter().any(|network| network.contains(address))", "trusted.iter().all(|network| network.contains(address))",
     ("zeitnot", "limits::addresses::a_thousand_forged_addresses_are_one")),
    ("let-each-node-count-alone", "server/src/quota.rs",
     "Ok(Ok(Some(retry_after))) => Err(TooMuch { retry_after }),", "Ok(Ok(Some(_))) => Ok(()),",
     ("zeitnot", "limits::quotas::two_nodes_share_what_an_address_and_a_user_may_do")),
    ("keep-no-places-for-players", "server/src/sockets.rs",
     "Self::User => IDLE_PERCENT,", "Self::User => 100,",
     ("zeitnot", "limits::places::where_little_room_is_left_players_are_let_in_last_of_all")),
    ("charge-beyond-the-stamp", "server/game/src/clock.rs",
     "let elapsed = self.elapsed.min(limit);", "let elapsed = self.elapsed;",
     ("zeitnot-game", "")),
    ("lag-without-a-quota", "server/game/src/clock.rs",
     "lost.min(self.quota[color]).min(elapsed)", "lost.min(elapsed)",
     ("zeitnot-game", "")),
]


def copy_tree():
    """What git knows, as it lies in the work tree. The page comes as it was built and installed."""
    shutil.rmtree(COPY, ignore_errors=True)
    files = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    (COPY / "web/node_modules").symlink_to(ROOT / "web/node_modules")


def run(package, test):
    """How the test ends: its exit code, what it said, and how many tests ran."""
    command = ["cargo", "test", "--quiet", "--package", package, "--test", "it"]
    env = dict(os.environ, CARGO_TARGET_DIR=str(BUILT), RUST_BACKTRACE="0")
    subprocess.run([*command, "--no-run"], cwd=COPY, env=env, capture_output=True)
    # A test that waits for what never comes has found it too. What it started ends with it, by its group.
    command = ["timeout", "--kill-after=5", str(PATIENCE_SECS), *command, "--"]
    command += ["--exact", test] if test else []
    ended = subprocess.run(command, cwd=COPY, env=env, capture_output=True, text=True)
    if ended.returncode == TIMED_OUT:
        return ended, 1
    counts = re.findall(r"(\d+) passed; (\d+) failed", ended.stdout)
    return ended, sum(int(passed) + int(failed) for passed, failed in counts)


def stale(mutant):
    """What is wrong with a mutant whose text does not stand in its file, or stands there twice."""
    name, file, old, *_ = mutant
    count = (ROOT / file).read_text().count(old)
    return f"{name}: {file} has not once, but {count} times: {old!r}" if count != 1 else None


def try_one(mutant):
    name, file, old, new, (package, test) = mutant
    path = COPY / file
    text = path.read_text()
    path.write_text(text.replace(old, new))
    try:
        ended, count = run(package, test)
    finally:
        path.write_text(text)
    if count == 0:
        return f"{name}: no test ran\n{ended.stderr[-2000:]}"
    if ended.returncode == 0:
        return f"{name}: nothing went red"
    failed = sorted(set(re.findall(r"^test (\S+) \.\.\. FAILED|^    (\S+)$", ended.stdout, re.M)))
    names = sorted({one or other for one, other in failed})
    hung = ", which waited in vain" if ended.returncode == TIMED_OUT else ""
    print(f"red: {name}, by {', '.join(names) or test}{hung}", flush=True)
    return None


def main():
    # All of them, whichever are chosen: one that breaks nothing is to be seen before the first build.
    problems = list(filter(None, map(stale, MUTANTS)))
    if problems:
        sys.exit("\n".join(problems))
    words = sys.argv[1:]
    chosen = [one for one in MUTANTS if not words or any(word in one[0] for word in words)]
    copy_tree()
    survivors = [survivor for survivor in map(try_one, chosen) if survivor]
    shutil.rmtree(COPY, ignore_errors=True)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants were found")
    for survivor in survivors:
        print(survivor)
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
