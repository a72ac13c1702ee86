/* The stream: the one interface between Tally and the network. All that is sent to a peer and received from it goes through a stream. No other file makes a system call on a connected socket, but for the listener and dialing, which make one (tests/architecture/test-system-calls.c).
 *
 * There is one built-in kind, a plain descriptor, whose common functions are inlined here. Any other
 * kind is a layer over the descriptor (TallyStreamKind). What is true of all kinds:
 *
 *  - Sending and receiving never block. EAGAIN means that the descriptor will say when another try is
 *    worth it: watch it for tally_stream_get_watch (). No input is left inside a layer then.
 *  - Bytes come and go in any pieces. Bytes may wait inside a layer, where poll does not see them:
 *    tally_stream_has_input () does.
 *  - Being ready is a hint. After a wait the next try may still find nothing.
 *  - The peer's end of the stream, which receives as 0, is the end that it meant. A layer fails where it knows that the end came without notice.
 *  - One thread sends, looks, waits and receives at a time; but one may send while another receives,
 *    and any may shut the stream down. The thread that closes it has it alone.
 *
 * What ends a receive that blocks is stream-receive.c's. */
#ifndef TALLY_STREAM_INTERNAL_H
#define TALLY_STREAM_INTERNAL_H

#include <errno.h>

#include "deadline-internal.h"
#include "syscall-internal.h"

G_BEGIN_DECLS

typedef struct _TallyStream TallyStream;
typedef struct _TallyStreamKind TallyStreamKind;

/* What can be waited for. */
typedef enum
{
  TALLY_STREAM_READABLE = 1 << 0,
  TALLY_STREAM_WRITABLE = 1 << 1,
  TALLY_STREAM_HUNG_UP = 1 << 2 /* the peer has ended its half */
} TallyStreamEvents;

typedef enum
{
  TALLY_LOOK_NOTHING, /* nothing has arrived */
  TALLY_LOOK_INPUT,   /* bytes have */
  TALLY_LOOK_END,     /* the peer has ended its half, and no byte is left before that */
  TALLY_LOOK_FAILED   /* errno says why */
} TallyLook;

/* Where the descriptor is from. */
typedef enum
{
  TALLY_STREAM_DIALED,
  TALLY_STREAM_ACCEPTED,
  TALLY_STREAM_ADOPTED /* from the program */
} TallyStreamOrigin;

struct _TallyStream
{
  const TallyStreamKind *kind; /* NULL: a plain descriptor */
  gpointer layer;              /* the kind's own */
  gint fd;                     /* blocking, unless is_for_one_call; -1 once closed */
  /* It was dialed for one call: the descriptor does not block, and small messages behind others may be held back
   * (no TCP_NODELAY), as there are none. */
  gboolean is_for_one_call;

  gboolean holds_input; /* atomic: what has_input () of the layer last said; written by the thread that receives */

  /* stream-receive.c's */
  gboolean has_received; /* it serves more than one message */
  gboolean was_shut;     /* a deadline that passed has ended it */
  gint64 armed;          /* what SO_RCVTIMEO is set to, in microseconds; 0: not set */
  TallyDeadline watch;
};

/* A layer over a descriptor. Each function has the contract of the stream's of that name. */
struct _TallyStreamKind
{
  /* As send (2) and recv (2). @ends: the end of the sending half follows. */
  gssize (*send) (TallyStream *self, gconstpointer bytes, gsize length, gboolean ends);
  gssize (*receive) (TallyStream *self, gpointer bytes, gsize length);
  TallyLook (*look) (TallyStream *self);
  gboolean (*has_input) (const TallyStream *self); /* asked by the thread that receives */
  /* NULL: none */
  gsize (*count_committed) (const TallyStream *self);
  guint (*get_watch) (const TallyStream *self, guint events);
  /* Says goodbye as far as that does not block; the descriptor's half is ended after it. */
  void (*end_sending) (TallyStream *self);
  /* Says goodbye, unless it has. The descriptor is closed after it, unless the layer has done so,
   * or will, and has set it to -1. */
  void (*close) (TallyStream *self);
  /* What @number, an errno of one of these functions, means; NULL: what it always does. */
  const gchar *(*describe_error) (const TallyStream *self, gint number);
};

/* Tests': puts a layer on each stream that is opened. NULL but there. */
extern void (*tally_stream_opened) (TallyStream *self, TallyStreamOrigin origin);

/* ---- life ---- */

#define TALLY_STREAM_CLOSED ((TallyStream){ .fd = -1 })

/* Takes @fd, a connected stream socket that is blocking and closed on exec. */
void tally_stream_open (TallyStream *self, gint fd, TallyStreamOrigin origin);
/* Takes @fd, a socket that a program made: it is made blocking and closed on exec, and small messages
 * leave at once. */
void tally_stream_adopt (TallyStream *self, gint fd);
/* From now on small messages do not wait for the acknowledgement of those before them. Does nothing on
 * Unix sockets. */
void tally_stream_set_nodelay (const TallyStream *self);
/* Does nothing when it is closed. */
void tally_stream_close (TallyStream *self);

static inline gboolean
tally_stream_is_open (const TallyStream *self)
{
  return self->fd >= 0;
}

/* ---- sending and receiving: neither blocks ---- */

/* What follows, on a layer. */
gboolean
tally_layer_send (TallyStream *self, const guint8 *bytes, gsize length, gboolean ends, gsize *sent);
gssize tally_layer_receive (TallyStream *self, gpointer bytes, gsize length);
TallyLook tally_layer_look (TallyStream *self);
/* The layer has got input, or failed, otherwise than by these two. */
void tally_layer_note_input (TallyStream *self);

/* Sends of the @length bytes, of which *@sent have gone, as many as can go at once, and adds them to
 * *@sent. @ends: the end of the sending half follows, and may leave in one segment with them. FALSE
 * with errno when the stream has failed, after what was added. No signal is raised. */
static inline gboolean
tally_stream_send (TallyStream *self, const guint8 *bytes, gsize length, gboolean ends, gsize *sent)
{
  const gint flags = MSG_DONTWAIT | MSG_NOSIGNAL | (ends ? MSG_MORE : 0);

  if (G_UNLIKELY (self->kind != NULL))
    return tally_layer_send (self, bytes, length, ends, sent);
  while (*sent < length)
    {
      gssize count = tally_send (self->fd, bytes + *sent, length - *sent, flags);

      if (count >= 0)
        *sent += count;
      else if (errno == EAGAIN)
        return TRUE;
      else if (errno != EINTR)
        return FALSE;
    }
  return TRUE;
}

/* How many bytes, at most @length; 0 at the peer's end; -1 with errno, EAGAIN while nothing has come. */
static inline gssize
tally_stream_receive (TallyStream *self, gpointer bytes, gsize length)
{
  gssize count;

  if (G_UNLIKELY (self->kind != NULL))
    return tally_layer_receive (self, bytes, length);
  do
    count = tally_recv (self->fd, bytes, length, MSG_DONTWAIT);
  while (G_UNLIKELY (count < 0 && errno == EINTR));
  return count;
}

/* Whether a receive of @count bytes where there was room for @room may have left some. */
static inline gboolean
tally_stream_may_have_more (const TallyStream *self, gsize count, gsize room)
{
  return count == room || self->kind != NULL;
}

/* tally_stream_receive_within () when the descriptor is not set to that, or there is a layer. */
gssize tally_stream_receive_within_slowly (TallyStream *self,
                                           gpointer bytes,
                                           gsize length,
                                           guint milliseconds);

/* tally_stream_receive () that waits for bytes for about so long. One that is as long as the last
 * costs least. */
static inline gssize
tally_stream_receive_within (TallyStream *self, gpointer bytes, gsize length, guint milliseconds)
{
  gssize count;

  if (G_UNLIKELY (self->kind != NULL || self->armed != milliseconds * G_TIME_SPAN_MILLISECOND))
    return tally_stream_receive_within_slowly (self, bytes, length, milliseconds);
  do
    count = tally_recv (self->fd, bytes, length, 0);
  while (G_UNLIKELY (count < 0 && errno == EINTR));
  return count;
}

/* ---- looking ---- */

/* What has arrived; consumes nothing. One system call. */
static inline TallyLook
tally_stream_look (TallyStream *self)
{
  guint8 byte;
  gssize count;

  if (G_UNLIKELY (self->kind != NULL))
    return tally_layer_look (self);
  count = tally_recv (self->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (G_LIKELY (count < 0))
    return G_LIKELY (errno == EAGAIN) ? TALLY_LOOK_NOTHING : TALLY_LOOK_FAILED;
  return count > 0 ? TALLY_LOOK_INPUT : TALLY_LOOK_END;
}

/* Whether bytes have arrived inside, where the descriptor does not tell of them. Any thread may ask; while another one receives
 * the answer may be late. */
static inline gboolean
tally_stream_has_input (const TallyStream *self)
{
  return G_UNLIKELY (self->kind != NULL) && __atomic_load_n (&self->holds_input, __ATOMIC_RELAXED);
}

/* How many of the bytes that a send did not take can nevertheless have gone: the next send must begin with
 * them. Any thread may ask. */
static inline gsize
tally_stream_count_committed (const TallyStream *self)
{
  return G_LIKELY (self->kind == NULL) || self->kind->count_committed == NULL
             ? 0
             : self->kind->count_committed (self);
}

/* Whether the peer has announced its end, or the stream has failed, even if there is input before it. */
gboolean tally_stream_has_ended (TallyStream *self);
/* tally_stream_has_ended () as far as the descriptor tells: also while another thread receives. */
gboolean tally_stream_has_hung_up (const TallyStream *self);
/* Whether nothing can be sent to the peer any more, as far as the descriptor tells: not where only the peer's half has
 * ended. */
gboolean tally_stream_is_gone (const TallyStream *self);
/* One system call for all: sets @news for those of which a look may find anything. @streams may have
 * NULL and closed ones, of which there is none. */
void tally_streams_find_news (TallyStream *const *streams, guint count, gboolean *news);
/* Whether, as the kernel remembers, something was sent since @since (monotonic), at least @at_least_ms
 * ago, and nothing has come since. Any thread may ask. */
gboolean tally_stream_is_unanswered (const TallyStream *self, gint64 since, guint at_least_ms);
/* The peer's address without its port, which is another one each time, or its process. (transfer
 * full) */
gchar *tally_stream_dup_peer (const TallyStream *self);
/* The peer's address with its port, or its process and user. (transfer full) */
gchar *tally_stream_dup_peer_place (const TallyStream *self);
/* What all connections of one peer have in common: the user of a local one, else the address; of IPv6 the network, in which one host
 * has as many as it likes. (transfer full) */
gchar *tally_stream_dup_identity (const TallyStream *self);
/* Whether a connection to a free port of this host has met itself: TCP's simultaneous open, which happens where a
 * server is dialed while it is down. Such a peer returns every request as the reply to it. */
gboolean tally_stream_meets_itself (const TallyStream *self);
/* What errno @number means of this stream. */
const gchar *tally_stream_describe_error (const TallyStream *self, gint number);

/* ---- what epoll or a GSource watches ---- */

static inline gint
tally_stream_get_fd (const TallyStream *self)
{
  return self->fd;
}

/* Whether what to watch for may change with each try, and a try may find more than the descriptor told
 * of. */
static inline gboolean
tally_stream_is_layered (const TallyStream *self)
{
  return self->kind != NULL;
}

/* The poll (2) events, which are epoll's too, that tell of @events (TallyStreamEvents). Ask anew after
 * each try: a layer may have to send before it can receive. */
guint tally_stream_get_watch (const TallyStream *self, guint events);

/* ---- the end ---- */

/* Nothing more is sent; what was sent arrives. */
void tally_stream_end_sending (TallyStream *self);
/* Nothing more arrives, and a thread that blocks in a receive wakes. What has arrived can be received. */
void tally_stream_end_receiving (const TallyStream *self);
/* Both at once, without a goodbye. */
void tally_stream_shut_down (const TallyStream *self);

/* ---- others' descriptors ---- */

/* Copies what has arrived at @fd, a connected socket of somebody else's, without consuming it; with @wait
 * waits for it. As recv (2). */
gssize tally_foreign_peek (gint fd, gpointer bytes, gsize length, gboolean wait);

G_END_DECLS

#endif /* TALLY_STREAM_INTERNAL_H */
