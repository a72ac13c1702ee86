/* What libFuzzer calls, and fuzz-main.c in its place. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <glib.h>
#include <stddef.h>

/* One input; 0. A mistake aborts. */
int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

#endif /* TESTS_FUZZ_H */
