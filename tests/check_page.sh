#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The page of fastcnn-bench --report: whole with a gnuplot that fails or hangs; pictures where a good one is there; and
# in headless Chromium: no message on the console, nothing fetched, nothing wider than a phone or a screen, keyboard
# reaches everything, columns sort, rows are filtered.
# FASTCNN_BENCH names the program (default ./fastcnn-bench). Without Chromium 77, after the rest has passed.

. "${top_srcdir:-.}/tests/run_bench.sh"

page=$folder/page.html
# $short is several words
# shellcheck disable=SC2086
expect 0 --filter='mnist.conv3/*' --filter='mnist.dense2/*' --json="$folder/a.json" $short
# shellcheck disable=SC2086
expect 0 --scaling --filter='mnist.conv3/*' --no-peers --json="$folder/b.json" $short
# shellcheck disable=SC2086
expect 0 --batch=1,3 --choice --layers=mnist --filter='mnist.dense2@*' --json="$folder/batch.json" $short
expect 0 --model --budget=0.1 --json="$folder/model.json"
expect 0 --orders --problem='dense forward mb1ic9oc4' --no-peers --json="$folder/orders.json"
cat >"$folder/programs.json" <<'END'
{"results": [{"command": "1 thread", "mean": 2.0, "stddev": 0.1, "min": 1.9, "max": 2.2},
             {"command": "2 threads", "mean": 1.1, "stddev": 0.2, "min": 1, "max": 1.5}]}
END

expect 64 --report="$page"
expect 64 --report= "$folder/a.json"
expect 66 --report="$page" "$folder/none.json"
expect 64 --report="$page" "$folder/model.json"
expect 65 --report="$page" "$0"
expect 73 --report="$folder/a.json/page.html" "$folder/a.json"
[ -e "$page" ] && fail "a page of nothing"

# a gnuplot made of a shell's line
stub() {
    mkdir -p "$folder/bin"
    printf '#!/bin/sh\n%s\n' "$1" >"$folder/bin/gnuplot"
    chmod +x "$folder/bin/gnuplot"
}

check_tables() { # check_tables WHAT
    for part in '<h2>Tables</h2>' '</html>'; do grep -q "$part" "$page" || fail "$1: no whole page"; done
    grep -q 'Not drawn: this needs gnuplot' "$page" || fail "$1: the page does not say that there are no pictures"
    grep -q '<svg' "$page" && fail "$1: a picture"
    rm -f "$page"
}

before=$PATH
for line in 'exit 1' 'echo "<svg "' 'echo "<svg></svg>"; exit 3' 'sleep 1000'; do
    stub "$line"
    PATH=$folder/bin:$before
    start=$(date +%s)
    expect 0 --report="$page" "$folder/a.json"
    [ $(($(date +%s) - start)) -lt 120 ] || fail "gnuplot: $line: more than two minutes"
    PATH=$before
    check_tables "gnuplot: $line"
done

# Several results and programs.
expect 0 --report="$page" "$folder/a.json" "$folder/b.json" "$folder/programs.json" "$folder/batch.json" \
    "$folder/model.json" "$folder/orders.json"
for part in 'id="means0"' 'id="sides"' 'id="threads1"' 'id="training"' 'id="rows1"' 'id="raw2"' 'id="batches3"' \
    'id="batch-means3"' 'id="predictions"' 'id="orders5"'; do
    grep -qF "$part" "$page" || fail "the page has no $part"
done
grep '://' "$page" | grep -qv 'xmlns.*www\.w3\.org' && fail "the page names other pages"
if command -v gnuplot >/dev/null; then
    for chart in Roofline 'Batches, forward' 'One image' '10000 images'; do
        grep -q "<svg role=\"img\" aria-label=\"$chart" "$page" || fail "no chart $chart"
    done
    grep -q 'gnuplot_svg\|<?xml\|"black"' "$page" && fail "the pictures are as gnuplot made them"
else
    echo "note: no gnuplot: pictures were not tested"
fi

[ $failures -eq 0 ] || exit 1
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$chromium" ]; then
    echo "SKIP: no Chromium (Debian: chromium): all else passed, but the page was not looked at in a browser"
    exit 77
fi

# What the page says about itself goes to the frame's parent, which prints it. The first part comes before all scripts.
cat >"$folder/first.html" <<'END'
<script>
var troubles = [];
for (const kind of ["error", "warn"]) console[kind] = (...words) => troubles.push("console: " + words.join(" "));
addEventListener("error", (e) => troubles.push("error: " + e.message));
addEventListener("securitypolicyviolation", (e) => troubles.push("policy: " + e.violatedDirective));
</script>
END
cat >"$folder/last.html" <<'END'
<script>
addEventListener("load", () => {
  const root = document.documentElement, wrong = (text) => troubles.push(text);
  if (root.scrollWidth > innerWidth) wrong(`the page is ${root.scrollWidth} wide`);
  for (const one of document.querySelectorAll("body *"))
    if (!one.closest(".wide, .skip, svg, script") && one.getBoundingClientRect().right > innerWidth + 1)
      wrong(`${one.tagName} ${one.className} ends at ${one.getBoundingClientRect().right}`);
  if (performance.getEntriesByType("resource").length) wrong("something was fetched");
  const reached = document.querySelectorAll("a[href], button, input, .wide");
  for (const one of reached) {
    one.focus();
    if (document.activeElement !== one) wrong(`${one.tagName} ${one.textContent} cannot be focused`);
  }
  for (const head of document.querySelectorAll("thead th"))
    if (!head.querySelector("button")) wrong("a column without a button");
  const table = document.getElementById("rows0"), head = table.tHead.rows[0].cells;
  const column = [...head].findIndex((cell) => cell.textContent === "median");
  const values = () => [...table.tBodies[0].rows].map((row) => parseFloat(row.cells[column].dataset.value))
    .filter((value) => !isNaN(value));
  const sorted = (sign) => values().every((value, i, all) => !i || sign * (value - all[i - 1]) >= 0);
  head[column].querySelector("button").click();
  if (!sorted(-1) || head[column].ariaSort !== "descending") wrong("not sorted, most first");
  head[column].querySelector("button").click();
  if (!sorted(1) || head[column].ariaSort !== "ascending") wrong("not sorted, least first");
  const input = document.querySelector("[data-for=rows0] input[type=search]");
  input.value = "CONV3 naive";
  input.dispatchEvent(new Event("input"));
  const shown = [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.textContent);
  if (shown.length !== 3 || !shown.every((text) => text.includes("naive"))) wrong(`the filter shows ${shown.length}`);
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice) wrong(`two elements are ${twice}`);
  if (values().length < 10 || reached.length < 30) wrong("hardly anything is there");
  parent.postMessage(`${innerWidth} px: ${troubles.join("; ") || "fine"}`, "*");
});
</script>
END
awk -v first="$folder/first.html" -v last="$folder/last.html" '
    function put(file, line) { while ((getline line < file) > 0) print line }
    /^<meta name="viewport"/ { put(first) }
    /^<\/body>/ { put(last) }
    { print }' "$page" >"$folder/checked.html"
cat >"$folder/driver.html" <<'END'
<!DOCTYPE html><title>driver</title><pre id="said"></pre>
<script>addEventListener("message", (e) => { document.getElementById("said").append(`said ${e.data}\n`); });</script>
<iframe src="checked.html" style="border:0;width:400px;height:800px"></iframe>
<iframe src="checked.html" style="border:0;width:1600px;height:900px"></iframe>
END
timeout 300 "$chromium" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --window-size=1700,1000 \
    --user-data-dir="$folder/profile" --virtual-time-budget=20000 --dump-dom "file://$folder/driver.html" \
    >"$folder/dom" 2>"$folder/err"
status=$?
for width in 400 1600; do
    grep -q "said $width px: fine" "$folder/dom" ||
        fail "at $width px: $(grep "said $width" "$folder/dom" || echo "nothing was said, exit status $status")"
done
[ $failures -eq 0 ] && echo "all checks passed"
[ $failures -eq 0 ]
