#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_kernels must not be green when it checked nothing, and must repeat a case on command. Run in the build folder.
set -u
failed=
unset FCNN_TEST_KERNEL FCNN_TEST_PROBLEM FCNN_TEST_SEED FCNN_TEST_RANDOM FCNN_TEST_MOST \
    FCNN_TEST_LISTS FCNN_TEST_JOBS CK_RUN_CASE

# expected exit status, words expected in the output, then VARIABLE=value ...
expect()
{
    status=$1 words=$2; shift 2
    output=$(env "$@" ${FCNN_RUN:-} tests/check_kernels 2>&1); got=$?
    [ $got -eq "$status" ] || { failed=1; echo "FAIL $*: want exit $status, got $got: $output"; }
    case $output in *"$words"*) ;; *) failed=1; echo "FAIL $*: no \"$words\" in: $output" ;; esac
}

expect 1 'nothing to check' FCNN_TEST_KERNEL=no_such_kernel
expect 1 'conv3d' FCNN_TEST_PROBLEM='conv3d forward mb1'
expect 1 'nothing to check' FCNN_TEST_KERNEL='dense_*' FCNN_TEST_PROBLEM='relu forward mb1ic9'
expect 1 'FCNN_TEST_SEED' FCNN_TEST_SEED=seven FCNN_TEST_KERNEL=relu_fwd_naive
expect 1 'FASTCNN_ISA' FASTCNN_ISA=avx9
expect 1 'selects no row' CK_RUN_CASE=no_such_kernel FCNN_TEST_KERNEL=relu_fwd_naive
expect 1 'serves none' FCNN_TEST_MOST=0.5 FCNN_TEST_RANDOM=0 FCNN_TEST_KERNEL=relu_fwd_naive
expect 1 'serves none' FCNN_TEST_LISTS=0 FCNN_TEST_RANDOM=0 FCNN_TEST_KERNEL=relu_fwd_naive
expect 1 'serves hardly any' FCNN_TEST_MOST=0.5 FCNN_TEST_RANDOM=1 FCNN_TEST_KERNEL=relu_fwd_naive
expect 0 ' 7 problems' FCNN_TEST_LISTS=0 FCNN_TEST_RANDOM=7 FCNN_TEST_KERNEL=relu_fwd_naive
for jobs in 1 2 3; do
    expect 0 '2 rows checked, 0 failed' FCNN_TEST_JOBS=$jobs FCNN_TEST_KERNEL='relu_*_naive'
done
expect 0 '1 rows checked, 0 failed' FCNN_TEST_KERNEL=relu_fwd_naive FCNN_TEST_PROBLEM='relu forward mb1ic9' \
    FCNN_TEST_SEED=7
expect 0 '1 problems' FCNN_TEST_KERNEL=relu_fwd_naive FCNN_TEST_PROBLEM='relu forward mb1ic9'
case " ${FCNN_ISAS:-} " in
*' avx2 '*) expect 77 'SKIP relu_fwd_vector_avx2: ' FASTCNN_ISA=scalar FCNN_TEST_KERNEL=relu_fwd_vector_avx2 ;;
esac
[ -z "$failed" ] || exit 1
