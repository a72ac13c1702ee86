/* A TallySocket and the other end of it, which is the test's. */
#ifndef TESTS_POOL_SOCKET_PAIR_H
#define TESTS_POOL_SOCKET_PAIR_H

#include "harness.h"
#include "peer.h"
#include "socket-internal.h"

/* A deadline so far away that only what happens at once comes before it. */
#define AT_ONCE (60 * G_TIME_SPAN_SECOND)

/* (transfer full): @other gets the other end's descriptor. */
TallySocket *socket_pair_make (gint *other);
/* Appends @text to what @socket will send. */
void socket_pair_put (TallySocket *socket, const gchar *text);
void socket_pair_assert_input (TallySocket *socket, const gchar *expected);

/* A thread that runs a step while the test blocks. */
typedef struct
{
  gint fd;
  gsize length;
  GCancellable *cancellable;
  TallySocket *socket;
} Step;

#endif /* TESTS_POOL_SOCKET_PAIR_H */
