#!/bin/sh
# The day in the life of an ovt engineer, in one folder: `make demo` calls it.
# Usage: demo.sh FOLDER (made anew each time)
set -eu

folder=$1
run() { printf '\n$ %s\n' "$*"; "$@"; }

rm -rf "$folder"
git init --quiet --initial-branch=main "$folder" # a repository of its own, also inside another one
git -C "$folder" config user.name >/dev/null || git -C "$folder" config user.name "ovt demo"
git -C "$folder" config user.email >/dev/null || git -C "$folder" config user.email demo@example.org

run ovt init "$folder" --template factoid
cd "$folder"
run ovt commit -m "Start from heuristics, a crowd, a tagger and a linker"
run cp labelers_to_try/answer_unit.py labelers/
run ovt commit -m "Label what people ask about food"
run ovt diff HEAD~1 HEAD
run ovt check HEAD~1
run cp labelers_to_try/telling_word.py labelers/
run ovt commit -m "Label questions by one telling word"
run ovt diff HEAD~1 HEAD
code=0
run ovt check HEAD~1 || code=$?
printf '\nThe check ended with exit code %s: that is what stops the pull request.\n' "$code"
program=ovt
if [ -x ../.venv/bin/ovt ]; then program=../.venv/bin/ovt; fi # what `make demo` installed is on nobody's PATH yet
printf 'next: cd %s && %s tui HEAD~1 HEAD\n' "$folder" "$program"
