/* The service that echoes. */
#ifndef BENCH_HANDLER_H
#define BENCH_HANDLER_H

#include "bench_echo.h"

/* (transfer full) */
BenchEchoHandler *bench_handler_new (void);

#endif /* BENCH_HANDLER_H */
