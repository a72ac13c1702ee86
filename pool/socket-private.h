/* A TallySocket's inside, for its own files, and what dialing may do with one beyond its public
 * interface. */
#ifndef TALLY_SOCKET_PRIVATE_H
#define TALLY_SOCKET_PRIVATE_H

#include "deadline-private.h"
#include "tally-socket.h"

G_BEGIN_DECLS

struct _TallySocket
{
  ThriftTransport parent;

  gint fd;                   /* -1 once closed */
  gint64 deadline;           /* -1 = never */
  GCancellable *cancellable; /* borrowed, nullable */
  gboolean is_final;         /* nobody uses the connection after the deadline */
  gboolean has_received;     /* it serves more than one call */
  gboolean has_answer;       /* something was received since it was last reset */
  gboolean was_shut;         /* a deadline that passed has ended it */
  gint64 armed;              /* what SO_RCVTIMEO is set to, in microseconds; 0 = not set */
  TallyDeadline watch;
  gsize consumed; /* of input */
  TallyBuffer input;
  TallyBuffer output;
  gsize sent; /* when tally_socket_send_counted () failed last, of so many: */
  gsize to_send;
  TallySocketKeeper *keeper; /* atomic, nullable; set once */
};

typedef struct
{
  ThriftTransportClass parent_class;
} TallySocketClass;

/* Bytes received and not yet consumed. */
static inline gsize
tally_socket_available (const TallySocket *self)
{
  return self->input.length - self->consumed;
}

/* As tally_socket_new_from_fd (), for a descriptor that is blocking and closed on exec already. */
TallySocket *tally_socket_new_prepared (gint fd);

/* dial.c. Whether this thread's last tally_socket_dial () failed for want of descriptors, memory, ports or an
 * address family here, and not for anything at the endpoint; says so once. */
gboolean tally_socket_take_failed_here (void);
void tally_socket_watch_peer (TallySocket *self, gint64 keepalive, gint64 user_timeout);

/* Sets the functions with which Apache's protocols use a socket. */
void tally_socket_install_transport (ThriftTransportClass *class);

G_END_DECLS

#endif /* TALLY_SOCKET_PRIVATE_H */
