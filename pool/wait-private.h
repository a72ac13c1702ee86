/* Waiting for descriptors with a deadline and a cancellable: the only place where the network side
 * sleeps outside of recv(). And for conditions, by the monotonic clock. */
#ifndef TALLY_WAIT_PRIVATE_H
#define TALLY_WAIT_PRIVATE_H

#include <gio/gio.h>
#include <poll.h>
#include <pthread.h>

G_BEGIN_DECLS

typedef enum
{
  TALLY_WAIT_READY,
  TALLY_WAIT_TIMED_OUT,
  TALLY_WAIT_CANCELLED,
  TALLY_WAIT_FAILED /* errno says why */
} TallyWait;

/* Microseconds left until @deadline, not below 0; G_MAXINT64 for -1. */
gint64 tally_wait_remaining (gint64 deadline);

/* Waits until one of @fds is ready. @fds has room for one more entry after @n_fds. */
TallyWait tally_wait (struct pollfd *fds, guint n_fds, gint64 deadline, GCancellable *cancellable);

/* Waits for one descriptor; @revents (nullable) receives what poll said. */
TallyWait
tally_wait_fd (gint fd, gshort events, gint64 deadline, GCancellable *cancellable, gshort *revents);

/* For tally_cond_wait_until (). */
void tally_cond_init (pthread_cond_t *cond);
/* FALSE when @deadline (microseconds, monotonic; G_MAXINT64: none) has passed. */
gboolean tally_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, gint64 deadline);

G_END_DECLS

#endif /* TALLY_WAIT_PRIVATE_H */
