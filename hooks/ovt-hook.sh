#!/bin/sh
# ovt-hook/1
# Made by `ovt hooks install`; `ovt hooks uninstall` removes it and puts back what was here before.
# It asks Git whether a commit touches an input of ovt, and starts Python only then.
# OVT_SKIP=1 git … goes past it. A hook that was here before runs first, as NAME.ovt-chained.

python='@PYTHON@'
event=${0##*/}
here=${0%/*}

# What Git feeds to a hook can be read once, and two want it.
input=
case $event in
pre-push | post-rewrite)
    input=$(cat; printf x)
    input=${input%x}
    ;;
esac

chained=$here/$event.ovt-chained
if [ -x "$chained" ]; then
    case $event in
    pre-push | post-rewrite) printf '%s' "$input" | "$chained" "$@" || exit $? ;;
    *) "$chained" "$@" || exit $? ;;
    esac
fi

case ${OVT_SKIP:-0} in 0 | '') ;; *) exit 0 ;; esac
case ${CI:-0} in 0 | '' | false) ;; *) exit 0 ;; esac

if [ -d .git ]; then
    git_dir=.git
    common=.git
else # a linked worktree or a submodule
    git_dir=$(git rev-parse --git-dir) || exit 0
    common=$(git rev-parse --git-common-dir) || exit 0
fi

# In the middle of a rebase every pick is a commit; the end of it is told by post-rewrite.
case $event in
pre-commit | post-commit)
    if [ -d "$git_dir/rebase-merge" ] || [ -d "$git_dir/rebase-apply" ]; then exit 0; fi
    ;;
esac

answer_for() { # paths, one a line; a here-document costs no process
    answer=no
    if [ -z "$1" ]; then return; fi
    if [ ! -r "$common/ovt/inputs" ] || grep -qEf "$common/ovt/inputs" <<END; then answer=yes; fi
$1
END
}

flag=$git_dir/ovt-staged
case $event in
pre-commit)
    if names=$(git -c core.quotePath=off diff-index --cached --name-only --no-renames HEAD -- 2>/dev/null); then
        answer_for "$names"
    else
        answer=yes # the first commit
    fi
    # post-commit of the same `git commit` need not ask again: both are children of that process.
    echo "$PPID $answer" 2>/dev/null >"$flag"
    [ "$answer" = yes ] || exit 0
    ;;
post-commit)
    asker=
    answer=
    if [ -r "$flag" ]; then read -r asker answer <"$flag"; fi
    if [ "$asker" != "$PPID" ]; then # --no-verify, cherry-pick, revert: no pre-commit ran
        answer_for "$(git -c core.quotePath=off diff-tree -r -m --root --name-only --no-commit-id HEAD)"
    fi
    [ "$answer" = yes ] || exit 0
    ;;
post-rewrite)
    [ "$1" = rebase ] || exit 0 # an amend has had its post-commit
    ;;
esac

call() { printf '%s' "$input" | "$@"; }

if [ -x "$python" ]; then
    # -P: a module that lies in the repository is never taken for one of Python's.
    call "$python" -P -c 'from ovt.cli.main import run; run()' hook-impl "$event" "$@"
    exit $?
fi
if command -v ovt >/dev/null 2>&1; then
    call ovt hook-impl "$event" "$@"
    exit $?
fi
echo "ovt: $event not checked: $python is gone and no ovt is on PATH (reinstall ovt, or OVT_SKIP=1 git …)" >&2
case $event in pre-commit | pre-push) exit 1 ;; *) exit 0 ;; esac
