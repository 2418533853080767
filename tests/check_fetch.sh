#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# scripts/fetch-mnist without a network: from a folder, with checksums of its own; right, wrong, missing and half
# fetched files.
set -u
work=$(mktemp -d "$PWD/check_fetch.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
script=$top_srcdir/scripts/fetch-mnist from=$work/from to=$work/to
out=$work/out failed=0 checks=0
command -v sha256sum >/dev/null || { echo 'SKIP: there is no sha256sum'; exit 77; }

gives() # status, then arguments
{
    want=$1; shift
    last="fetch-mnist $*"
    sh "$script" "$@" >"$out" 2>&1
    got=$?
    checks=$((checks + 1))
    [ $got -eq "$want" ] ||
        { echo "FAIL: $last: exit status $got instead of $want"; cat "$out"; failed=$((failed + 1)); }
}
has()
{
    checks=$((checks + 1))
    grep -qF -- "$1" "$out" || { echo "FAIL: $last: no \"$1\""; cat "$out"; failed=$((failed + 1)); }
}

mkdir "$from"
for name in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
    echo "contents of $name" >"$from/$name"
    (cd "$from" && sha256sum "$name") >>"$work/sums"
    gzip "$from/$name"
done

gives 0 --help; has 'Usage: scripts/fetch-mnist'; has 'file:///FOLDER'
gives 64 --fast; has "unknown option '--fast'"; has "--help'"
gives 64 --sums=; has "'--sums='"
gives 64 a b; has "one folder, not 'a' and 'b'"
gives 1 --check "$to"; has "$to/t10k-labels-idx1-ubyte.gz is missing"; has '4 of 4 files are missing or wrong'
gives 1 --from="file://$from" "$to"; has 'contents are others than published'; has 'ba891046e6505d7a'
checks=$((checks + 1)); [ -z "$(ls "$to")" ] || { echo 'FAIL: wrong files are left'; failed=$((failed + 1)); }
gives 0 --from="file://$from" --sums="$work/sums" "$to"; has 'all four files are in'; has 'verified'
gives 0 --check --sums="$work/sums" "$to"; has 'train-images-idx3-ubyte.gz is there and right'
gives 0 --from=file:///nowhere --sums="$work/sums" "$to"; has 'is there and right' # nothing is fetched again
gives 1 --check "$to"; has 'SHA-256'

head -c 30 "$from/train-labels-idx1-ubyte.gz" >"$to/train-labels-idx1-ubyte.gz"
gives 1 --check --sums="$work/sums" "$to"; has 'not gzip data, or not all of them'; has '1 of 4 files'
gives 0 --from="file://$from" --sums="$work/sums" "$to"
mv "$to/t10k-images-idx3-ubyte.gz" "$to/t10k-images-idx3-ubyte.gz.part" # all there, but not verified yet
gives 0 --from=file:///nowhere --sums="$work/sums" "$to"; has 't10k-images-idx3-ubyte.gz verified'
gunzip "$to/train-images-idx3-ubyte.gz"
gives 0 --check --sums="$work/sums" "$to"; has "$to/train-images-idx3-ubyte is there and right"
rm "$to/train-images-idx3-ubyte"
gives 1 --from=file:///nowhere --sums="$work/sums" "$to"; has 'train-images-idx3-ubyte.gz could not be fetched'
grep -v t10k "$work/sums" >"$work/fewer"
gives 1 --check --sums="$work/fewer" "$to"; has 'there is no checksum for t10k-labels-idx1-ubyte'

[ $failed -eq 0 ] || { echo "$failed of $checks checks failed"; exit 1; }
echo "$checks checks"
