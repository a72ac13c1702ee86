#!/bin/bash
# The page of an admin listener as a browser shows it, while the program is under load. Argument: the program of examples/admin.
# Where TALLY_PICTURES names a directory, the pictures go there.
set -u
shop=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
. "$here/../cli/said.sh"
pictures=${TALLY_PICTURES:-$scratch}
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || browser=
[ -n "$browser" ] || { echo '1..0 # SKIP there is no chromium'; exit; }

# browse OPTION… URI: what the browser prints. It gives a page that asks on and on so much time of its own clock.
browse ()
{
  timeout 500 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$scratch/profile" \
    --virtual-time-budget=5000 "$@" 2>/dev/null
}

echo 1..7
serves "$shop" --uri tcp://127.0.0.1:0 --admin http://127.0.0.1:0 --orders 1000 --customers 14
hears '^admin at '
admin=$(sed -n 's/^admin at //p' "$scratch/heard")
orders ()
{
  python3 -c '
import json, sys, urllib.request
def count ():
    methods = json.load (urllib.request.urlopen (sys.argv[1] + "/methods"))["methods"]
    return [method["calls"] for method in methods if method["method"] == "order"]
while count () != [1000, 1000]:
    pass' "$admin"
}
says orders_are_over 0 '^$' orders

# What the page shows otherwise than the JSON. On a busy machine there may be no call between two questions; then it is opened again.
figures ()
{
  local try wrong
  for try in {1..20}
  do
    browse --window-size=1280,1400 --dump-dom "$admin/" >"$scratch/page.dom"
    python3 -c 'import sys, urllib.request; sys.stdout.buffer.write (urllib.request.urlopen (sys.argv[1]).read ())' \
      "$admin/methods" >"$scratch/methods.json"
    wrong=$(python3 "$here/admin-page.py" figures "$scratch/page.dom" "$scratch/methods.json" 2>&1)
    [ "$wrong" = 'no method has calls per second' ] || break
  done
  echo "$wrong"
}
says the_figures_are_those_of_the_json 0 '^$' figures
says it_asks_nobody_else 1 '^$' grep -oE '(src|href)="?(https?:|//)[^ ]*' "$scratch/page.dom"

# looks: whether texts overlap or lie outside, at 1280 and at 400 pixels, of the page as it stood.
python3 "$here/admin-page.py" still "$scratch/page.dom" >"$scratch/still.html"
python3 "$here/../cli/report-page.py" frame "$scratch/still.html" >"$scratch/frame.html"
browse --window-size=1400,2000 --dump-dom "file://$scratch/frame.html" >"$scratch/frame.dom"
says nothing_overlaps 0 '^$' python3 "$here/../cli/report-page.py" overlaps "$scratch/frame.dom"

# takes NAME SIZE OPTION…: a picture.
takes ()
{
  browse --window-size="$2" --screenshot="$pictures/admin-$1.png" "${@:3}" "$admin/" >"$scratch/said"
  head -c 4 "$pictures/admin-$1.png" | tail -c 3
}
says a_picture_for_a_desk 0 '^PNG$' takes desk 1280,1400
says a_picture_in_the_dark 0 '^PNG$' takes dark 1280,1400 --blink-settings=preferredColorScheme=0
says a_picture_for_a_phone 0 '^PNG$' takes phone 500,1600
