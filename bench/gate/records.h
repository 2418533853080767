/* SPDX-License-Identifier: BSD-2-Clause
 * What fastcnn-ab-time writes, read. */
#ifndef BENCH_GATE_RECORDS_H
#define BENCH_GATE_RECORDS_H

struct gate_case {
    char kernel[64], problem[192];
    long iterations; /* of a sample */
    double flops;    /* of an execution */
};

struct gate_remark { char kernel[64], why[160]; };

/* The kernels of one library. */
struct gate_list {
    char machine[256], cpu[128], library[4096];
    struct gate_case *cases;         /* also the reference's, where these were asked for: one after its kernel's */
    struct gate_remark *uncovered, *absent;
    int case_count, uncovered_count, absent_count;
};

/* 1, or 0: a line is not what it should be. To be freed in any case. */
int gate_list_parse(struct gate_list *list, const char *text);
void gate_list_free(struct gate_list *list);
const struct gate_case *gate_list_find(const struct gate_list *list, const char *kernel);
/* Whether the library has it at all: covered, uncovered or absent. */
int gate_list_has(const struct gate_list *list, const char *kernel);

/* One process that timed: a lower quartile and an FMA rate for each case, NAN where it failed. */
struct gate_record {
    char library[4096];
    double core; /* CPU time over time */
    double *seconds, *rates;
};

/* seconds[count] and rates[count] are the caller's. 1, or 0. */
int gate_record_parse(struct gate_record *record, int count, const char *text);

#endif
