/* Where a client's calls go: the one thing in which Apache's client and Tally's differ. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "bench_echo.h"

/* (transfer full): a client on one connection, or for Tally on a channel in the mode that was asked
 * for. */
BenchEchoIf *bench_client_open (void);
/* Closes the connection and drops the client. */
void bench_client_close (BenchEchoIf *client);
/* Whether the channel itself makes a connection for each call. */
gboolean bench_client_has_channel (void);

#endif /* BENCH_CLIENT_H */
