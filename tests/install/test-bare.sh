#!/bin/bash
# The README, word by word, on a bare Debian 12 that debootstrap makes: clone, installation, the greeter by
# meson and by gcc, script/demo and script/test, in this order and in the opposite one. Needs root, debootstrap
# and a Debian mirror; takes most of an hour. Argument: the sources' directory, whose last commit is tested.
set -u
sources=$1
# shellcheck source=tests/install/bare-system.sh
. "$(dirname "${BASH_SOURCE[0]}")/bare-system.sh"

makes_a_newcomers_system ()
{
  makes_a_bare_system || return
  git clone --quiet "$sources" "$scratch/bare/root/tally"
  mkdir "$scratch/bare/root/greeter"
  awk -v directory="$scratch/bare/root/greeter" -f "$sources/tests/install/readme.awk" "$sources/README.md"
}

installs ()
{
  inside /root/tally "$(cat "$system/root/greeter/install.sh")"
}

# greets HOW PREFIX: the greeter, built by the README's commands of that name.
greets ()
{
  inside /root/greeter "$(cat "$system/root/greeter/$1.sh")
    mkfifo said; $2/server >said & read -r line <said; rm said
    $2/client; kill -INT \$!; wait \$!"
}

demonstrates ()
{
  inside /root/tally script/demo
}

tests ()
{
  inside /root/tally script/test
}

echo 1..11
check makes_a_newcomers_system makes_a_newcomers_system
new_system first
check installs_first installs
check greets_by_meson greets meson build
check greets_by_gcc greets gcc .
check demonstrates_after_installation demonstrates
check tests_after_demonstration tests
new_system second
check tests_first tests
check demonstrates_after_tests demonstrates
check installs_last installs
check greets_by_meson_again greets meson build
check greets_by_gcc_again greets gcc .
