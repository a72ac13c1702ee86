#!/bin/bash
# The pages that `tally bench --report` and `tally report` write, and what a browser makes of them. Arguments: tally, the server, the
# directory with its IDL. Where TALLY_PICTURES names a directory, the pictures go there.
set -u
tally=$(realpath "$1")
server=$(realpath "$2")
python="python3 $(dirname "$(realpath "$0")")/report-page.py"
. "$(dirname "$0")/said.sh"
cd "$3" || exit 1
pictures=${TALLY_PICTURES:-$scratch}
number=0

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || browser=

# browse OPTION… FILE: what the browser prints.
browse ()
{
  timeout 500 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$scratch/profile" "${@:1:$# - 1}" \
    "file://${!#}" 2>/dev/null
}

# looks NAME: a test of the browser, or skipped.
looks ()
{
  if [ -n "$browser" ]
  then
    says "$@"
  else
    number=$((number + 1))
    echo "ok $number - $1 # SKIP there is no chromium"
  fi
}

# opens PAGE DOM: the page's frame (see report-page.py) as the browser has it once it is loaded.
opens ()
{
  [ -n "$browser" ] || return
  $python frame "$1" >"$scratch/frame.html"
  browse --window-size=1400,2000 --dump-dom "$scratch/frame.html" >"$2"
}

echo 1..14
serves "$server" tcp://localhost:0
add='{"left": "${counter}", "right": 2}'
bench="$tally bench -q -c 2 -n 300 -r 3"
says bench_writes_a_page 0 'calls/s' $bench -j "$scratch/a.json" --report "$scratch/a.html" "$uri" calculator.thrift add "$add"
says the_page_stands_alone 1 '^$' grep -E '(src|href) *=|url *\(|@import|<script' "$scratch/a.html"
says another_run 0 'calls/s' $bench -j "$scratch/b.json" --name 'with <five>' --connections 1 -M unpooled,pooled,async-shared "$uri" calculator.thrift add "$add"
says several_runs 0 "^$scratch/two.html\$" "$tally" report -o "$scratch/two.html" "$scratch/a.json" "$scratch/b.json"
says names_are_escaped 0 'unpooled: with &lt;five&gt;' grep -o 'unpooled: with [^<]*' "$scratch/two.html"
says no_run 2 'there is a word or several' "$tally" report
says no_json 2 'nothing.json: ' "$tally" report "$scratch/nothing.json"
echo '{"modes": [{"mode": 1}]}' >"$scratch/wrong.json"
says other_json 2 'wrong.json is not what|wrong is not what' "$tally" report "$scratch/wrong.json"

opens "$scratch/a.html" "$scratch/a.dom"
looks nothing_overlaps 0 '^$' $python overlaps "$scratch/a.dom"
looks the_figures_are_those_of_the_json 0 '^$' $python figures "$scratch/a.dom" "$scratch/a.json"
opens "$scratch/two.html" "$scratch/two.dom"
looks nothing_overlaps_with_several_runs 0 '^$' $python overlaps "$scratch/two.dom"

# takes NAME WIDTH OPTION…: a picture of the first page.
takes ()
{
  browse --window-size="$2,1600" --screenshot="$pictures/report-$2.png" "${@:3}" "$scratch/a.html" >"$scratch/said"
  head -c 4 "$pictures/report-$2.png" | tail -c 3
}
looks a_picture_for_a_desk 0 '^PNG$' takes desk 1280
looks a_picture_for_a_phone 0 '^PNG$' takes phone 500
looks a_page_to_print 0 '^%PDF$' bash -c '"$@" >/dev/null 2>&1; head -c 4 "$0"' "$scratch/a.pdf" \
  timeout 500 "${browser:-true}" --headless --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" \
  --print-to-pdf="$scratch/a.pdf" "file://$scratch/a.html"
