#!/bin/sh
# ovt-hook/2
# Made by `ovt hooks install --server`; `ovt hooks uninstall` removes it and puts back what was here before.
# It lets ovt judge what is pushed to the branches in ovt/branches, from the reports that come with it; no code of
# what is pushed is run. A hook that was here before runs first, as pre-receive.ovt-chained.

here=${0%/*}
git_dir=${GIT_DIR:-.}
input=$(cat; printf x)
input=${input%x}

chained=$here/pre-receive.ovt-chained
if [ -x "$chained" ]; then printf '%s' "$input" | "$chained" "$@" || exit $?; fi

judged=no # a here-document costs no process
while read -r _ _ name; do
    case $name in refs/ovt/runs/*) judged=yes ;; esac
    while read -r branch; do
        [ "$name" = "refs/heads/$branch" ] && judged=yes
    done <"$git_dir/ovt/branches"
done <<END
$input
END
[ "$judged" = yes ] || exit 0

python=
if [ -r "$git_dir/ovt/python" ]; then read -r python <"$git_dir/ovt/python"; fi
if [ ! -x "$python" ]; then
    echo "ovt: nothing can be judged here, ${python:-its Python} is gone: ask the person who keeps this server to run ovt hooks install --server" >&2
    exit 1
fi
printf '%s' "$input" | "$python" -P -c 'from ovt.cli.main import run; run()' hook-impl pre-receive
