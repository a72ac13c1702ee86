/* The rich struct: made, and compared with what came back. Compiled once with Apache's generated
 * types and once with Tally's. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include "bench_bench_types.h"

/* (transfer full): 100 structs, a map of 50, a list of 1,000 i32, 4 KiB of binary: 15.7 kB. With
 * --payload list 262,144 i32. */
BenchPayload *bench_payload_make (void);
/* Exits with a message where @actual differs from @expected. */
void bench_payload_check (const BenchPayload *actual, const BenchPayload *expected);

#endif /* BENCH_PAYLOAD_H */
