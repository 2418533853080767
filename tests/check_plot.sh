#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn plot: what it refuses; the page's parts, from histories alone, from a model alone, from both; the picture; and
# in headless Chromium: no message on the console, nothing fetched, nothing wider than a phone or a screen, in both
# colour schemes. Without Chromium 77, after the rest has passed. Run in the build folder.
set -u
place=${TMPDIR:-/tmp} # short: Chromium makes a socket below
. "${top_srcdir-.}/tests/program.sh"
unset FASTCNN_ISA
mkdir "$work/tmp"
TMPDIR=$work/tmp
export TMPDIR

# ---- what is refused ----

page=$work/page.html png=$work/page.png
printf '{"accuracy": [0.5, 0.75, 0.875], "loss": [1, 0.5, 0.25], "val_accuracy": [0.25, 0.5, null], "lr": [1, 2]}' \
    >"$work/a.json"
printf 'epoch,loss,val_loss,learning_rate\r\n0,2.5,3,1e-3\r\n1,1.5,NA,1e-3\r\n' >"$work/b <&>\".csv"
gives 64 plot "$work/a.json"; has "$err" 'expected --html FILE or --png FILE'
gives 64 plot --html "$page"; has "$err" 'expected histories of training'
gives 64 plot --html "$page" --image 3 "$work/a.json"; has "$err" '--image goes with --model'
gives 66 plot --html "$page" "$work/none.json"; has "$err" none.json
gives 74 plot --html "$work/none/x.html" "$work/a.json"; has "$err" 'none/x.html cannot be written'
gives 74 plot --png "$work/none/x.png" "$work/a.json"
gives 66 plot --html "$page" --model "$work/none.h5"; has "$err" none.h5
gives 65 plot --html "$page" --model "$work/a.json"; has "$err" a.json
bad() # text, what is said of it; a .csv where the third is csv
{
    printf '%b' "$1" >"$work/bad.${3-json}"
    gives 65 plot --html "$page" "$work/bad.${3-json}"
    has "$err" "$2"
}
bad '{"loss": [1, NaN]}' 'line 1, column'
bad '{"loss": 3}' '"loss" is not a list'
bad '{"loss": [1, "2"]}' '"loss" is not a list of one number for each epoch'
bad '{"loss": [1, 2], "accuracy": [1]}' 'not of one length'
bad '{"loss": []}' 'no epoch'
bad '{"lr": [1]}' 'no epoch'
bad '[1]' 'not a JSON object'
bad '{"receipt": 2, "loss": [1]}' 'it is a receipt'
bad '' 'line 1'
bad 'epoch,loss\n0,1\n1\n' 'line 3 does not have the fields' csv
bad 'epoch,loss\n0,1,2\n' 'line 2 does not have the fields' csv
bad 'epoch,loss\n0,fast\n' 'line 2 does not have the fields' csv
bad 'epoch,lr\n0,1\n' 'no epoch' csv
bad 'epoch,loss\n' 'no epoch' csv
checks=$((checks + 1)); [ ! -e "$page" ] || fail "a page of nothing"

gives 64 plot --html "$page" --png "$work/../${work##*/}/page.html" "$work/a.json"
has "$err" '--html and --png name one file'
cp "$work/a.json" "$work/kept.json"
gives 64 plot --html "$work/a.json" "$work/a.json"; has "$err" 'html would write over what --history reads'
cmp "$work/a.json" "$work/kept.json" || fail 'a history was written over'

# ---- what is drawn ----

gives 0 plot --html "$page" --png "$png" "$work/a.json" --history "$work/b <&>\".csv"
has "$out" "$page"; has "$out" "$png"
has "$page" '<h2 id="curves">'; has "$page" 'b &lt;&amp;&gt;&quot;.csv'; lacks "$page" 'b <&>'
lacks "$page" 'id="confusion"'
cp "$work/a.json" "$work/$(printf 'e\033[1m\377.json')"
gives 0 plot --html "$page" "$work/$(printf 'e\033[1m\377.json')"; has "$page" 'e?[1m?.json'
gives 0 plot --html "$page" --png "$png" "$work/a.json" --history "$work/b <&>\".csv"
has "$page" 'aria-label="Accuracy by epoch"'; has "$page" 'aria-label="Loss by epoch"'
has "$page" '<title>epoch 2: 0.75</title>'; has "$page" '<title>epoch 2: 1.5</title>'
checks=$((checks + 1)) # accuracy: two curves; loss: one, one and one
[ "$(grep -c '<polyline' "$page")" = 5 ] || fail "$(grep -c '<polyline' "$page") curves"
gives 0 train --quiet --limit 60 --epochs 1 --save "$work/m.safetensors" --history "$work/h.json"
gives 0 plot --html "$page" --model "$work/m.safetensors" --image 7 --json
lacks "$page" 'id="curves"'; has "$page" '<h2 id="confusion">'
has "$page" 'What each layer makes of test image 7, a '
checks=$((checks + 1)) # 24 digits, the filters, seven layers
[ "$(grep -o '<img [^>]*src="data:image/png;base64,iVBORw0KGgo' "$page" | wc -l)" = 32 ] ||
    fail "$(grep -o 'src="data:image/png' "$page" | wc -l) pictures"
for text in 'conv2d: filters 3 x 3; white is 0' 'conv2d: 26 x 26 x 32' 'conv2d_2: 3 x 3 x 64' 'dense_1: 1 x 1 x 10'; do
    has "$page" "$text"
done
# The matrix holds each test image once; its diagonal are those that are right.
checks=$((checks + 1))
sed -n '/id="matrix"/,/<\/table>/p' "$page" | grep -o 'heat"[^>]*>[0-9]*' | sed 's/.*>//' | awk '
    { sum += $1; if ((NR - 1) % 11 == 0) right += $1 } END { print NR, sum, right " of" }' >"$work/sums"
right=$(sed -n 's/<p>\([0-9]*\) of 2000 test images are right.*/\1/p' "$page")
[ "$(cat "$work/sums")" = "100 2000 $right of" ] || fail "the matrix: $(cat "$work/sums"), $right are right"
gives 64 plot --html "$page" --model "$work/m.safetensors" --image 2000; has "$err" 'there are 2000 test images'
gives 0 plot --html "$page" --png "$png" --model "$work/m.safetensors" "$work/h.json" "$work/a.json"
last="$png"
checks=$((checks + 1)); [ "$(head -c 8 "$png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "no PNG"
checks=$((checks + 1)); [ "$(wc -c <"$png")" -gt 20000 ] || fail "hardly anything is on $png"
checks=$((checks + 1)); [ -z "$(ls -A "$work/tmp")" ] || fail "left over: $(ls -A "$work/tmp")"
checks=$((checks + 1)); ! grep -q '://' "$page" || fail "the page names other pages"

[ $failed -eq 0 ] || { echo "$failed of $checks checks failed"; exit 1; }
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$chromium" ]; then
    echo "SKIP: no Chromium (Debian: chromium): $checks checks passed, but the page was not looked at in a browser"
    exit 77
fi

# ---- in a browser: scripts are let in for the test alone; what the page says of itself goes to its frame's parent ----

cat >"$work/look.html" <<'END'
<script>
var troubles = [];
for (const kind of ["error", "warn"]) console[kind] = (...words) => troubles.push("console: " + words.join(" "));
addEventListener("error", (e) => troubles.push("error: " + e.message));
addEventListener("securitypolicyviolation", (e) => troubles.push("policy: " + e.violatedDirective));
addEventListener("load", () => {
  const root = document.documentElement, wrong = (text) => troubles.push(text);
  if (root.scrollWidth > innerWidth) wrong(`the page is ${root.scrollWidth} wide`);
  for (const one of document.querySelectorAll("body *"))
    if (!one.closest(".wide, svg, script") && one.getBoundingClientRect().right > innerWidth + 1)
      wrong(`${one.tagName} ${one.className} ends at ${one.getBoundingClientRect().right}`);
  if (performance.getEntriesByType("resource").some((one) => !one.name.startsWith("data:"))) wrong("fetched");
  for (const one of document.images) if (!one.naturalWidth || !one.alt) wrong(`the picture ${one.alt} is none`);
  for (const one of document.querySelectorAll("svg text"))
    if (one.getBoundingClientRect().height < 9) wrong(`${one.textContent} is too small`);
  for (const one of document.querySelectorAll("polyline"))
    if (getComputedStyle(one).stroke === "none") wrong("a curve without a colour");
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice) wrong(`two elements are ${twice}`);
  if (document.images.length < 30 || document.querySelectorAll("svg").length !== 2) wrong("hardly anything is there");
  parent.postMessage(`${innerWidth} px: ${troubles.join("; ") || "fine"}`, "*");
});
</script>
END
sed "s/default-src 'none'/default-src 'none'; script-src 'unsafe-inline'/" "$page" |
    awk -v look="$work/look.html" '{ print }
        /^<meta name="viewport"/ { while ((getline line < look) > 0) print line }' \
        >"$work/checked.html"
cat >"$work/driver.html" <<'END'
<!DOCTYPE html><title>driver</title><pre id="said"></pre>
<script>addEventListener("message", (e) => { document.getElementById("said").append(`said ${e.data}\n`); });</script>
<iframe src="checked.html" style="border:0;width:400px;height:800px"></iframe>
<iframe src="checked.html" style="border:0;width:1600px;height:900px"></iframe>
END
for dark in '' --force-dark-mode; do
    # shellcheck disable=SC2086
    timeout 300 "$chromium" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage $dark \
        --window-size=1700,1000 --user-data-dir="$work/profile" --virtual-time-budget=20000 --dump-dom \
        "file://$work/driver.html" >"$work/dom" 2>"$err"
    status=$?
    for width in 400 1600; do
        checks=$((checks + 1))
        grep -q "said $width px: fine" "$work/dom" ||
            fail "at $width px $dark: $(grep "said $width" "$work/dom" || echo "nothing was said, exit status $status")"
    done
done
conclude
