#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Dependencies point one way: cli, bench, tests, examples -> lib -> kernels, and the naive kernels -> reference.
# Lists every #include "..." that points elsewhere, and every #include <...> of a library, or of the system, that has no
# place there. Paths are relative to the top of the sources. What check_install.sh makes meanwhile does not count.
set -u
cd "$top_srcdir" || exit 1

files=$(find reference kernels lib cli examples tests bench ! -path '*.tmp/*' \
    \( -name '*.[ch]' -o -name '*.def' -o -name '*.cc' \) | sort)
awk '
# Rules: files, what they may include by "...", by <...>, and what of that they may not; the first that matches counts.
function rule(files, quoted, angled, but)
{
    rules++
    who[rules] = "^(" files ")$"
    mine[rules] = quoted
    theirs[rules] = angled
    never[rules] = but
}
BEGIN {
    # Kernels and reference compute: no system, no threads, no printing.
    rule("reference/.*", "reference/ref[.]h", "(float|limits|math|stddef|stdint|string)[.]h")
    rule("kernels/.*", "kernels/.*", "(float|limits|math|stddef|stdint|string|immintrin|arm_neon)[.]h")
    # As they lie installed; and what a caller gets with them.
    rule("lib/fastcnn(_tuning)?[.]h|lib/net/fastcnn_(net|run)[.]h", "fastcnn(_problem|_tuning|_net|_run)?[.]h",
         "(stddef|stdint)[.]h")
    rule("lib/io/fastcnn_io[.]h", "fastcnn[.]h", "(stddef|stdint)[.]h")
    # The library is for any program: what only files and programs need stays out of it.
    any = "([a-z]+|hdf5|sys/[a-z]+|linux/[a-z]+|nettle/[a-z0-9]+|Random123/philox)[.]h"
    out = "zlib|jansson|nettle|check|dnnl|getopt|argp"
    rule("lib/net/.*", "lib/(error|fastcnn|fpmode|hyper|memory|pool|sized|team|threads)[.]h|lib/net/.*[.]h", any, out)
    rule("lib/io/.*", "lib/(fastcnn|sized)[.]h|lib/io/.*[.]h", any, "omp|sleef|check|dnnl|getopt|argp")
    rule("lib/naive[a-z_]*[.][ch]", "lib/[a-z_]*[.]h|kernels/kernel[.]h|reference/ref[.]h", any, out)
    rule("lib/(isas|peak)[.]c", "lib/[a-z_]*[.]h|kernels/peak/peak[.]h", any, out)
    rule("lib/(registry|isas)[.][ch]", "lib/[a-z_]*[.]h|kernels/kernel[.]h|kernels/kernels[.]def", any, out)
    rule("lib/.*", "lib/(tuning/)?[a-z_]*[.]h|kernels/(kernel|fastcnn_problem)[.]h", any, out)
    rule("cli/program[.][ch]", "lib/fastcnn[.]h|cli/program[.]h", any, "jansson|omp") # what the benchmark uses too
    rule("cli/.*", "lib/fastcnn[.]h|lib/io/.*[.]h|bench/(cases|layers|names|report/html)[.]h|cli/.*[.]h", any,
         "omp|sleef|zlib")
    rule("examples/.*", "", "(fastcnn(_io)?|[a-z]+)[.]h", "omp|sleef") # as users write them
    rule("tests/(check_program_files[.]c|complaint[.][ch]|fuzz/(history|filter_kernel)[.]c)",
         "(bench|cli|lib|tests)/.*", ".*") # what the program alone reads
    rule("tests/.*", "(lib|kernels|reference|bench|tests)/.*", ".*")
    rule("bench/json_read[.]c", "lib/io/json_text[.]h|bench/.*", ".*") # files of strangers
    rule("bench/(bounds|suite)[.]c", "lib/internal[.]h|kernels/peak/peak[.]h|bench/.*", ".*") # what users do not have
    # Runs with libraries of other versions, which share only the public interface.
    rule("bench/(ab_time[.]c|tensors[.][ch]|gate/.*)", "lib/fastcnn[.]h|bench/.*", ".*")
    rule("bench/.*", "lib/fastcnn[.]h|reference/ref[.]h|bench/.*|cli/program[.]h", ".*")
    rule(".*", "", "")
}
FNR == 1 { for (r = 1; FILENAME !~ who[r]; r++); }
/^ *# *include *["<]/ {
    name = $0
    sub(/^ *# *include *["<]/, "", name)
    sub(/[">].*/, "", name)
    own = /include *"/
    if (name !~ "^(" (own ? mine[r] : theirs[r]) ")$" || (!own && never[r] != "" && name ~ "^(" never[r] ")([.]h|/)")) {
        print FILENAME ":" FNR ": " $0
        failed = 1
    }
    count++
}
END {
    if (count < 100) { print "FAIL: found only " count " includes"; exit 1 }
    if (failed) { print "FAIL: the includes above point the wrong way (docs/architecture.md)"; exit 1 }
    print count " includes"
}' $files
