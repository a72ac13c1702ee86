/* A desk: a peer on which requests pile up until the test answers them, in whatever order and way
 * it likes; and callers on threads of their own. Knows no test. */
#ifndef TESTS_RUNTIME_SHARED_FIXTURE_H
#define TESTS_RUNTIME_SHARED_FIXTURE_H

#include "echo-service.h"
#include "harness.h"

G_BEGIN_DECLS

typedef struct
{
  TallyPool *pool;
  EchoServer server;
  TallyChannel *channel;

  GMutex lock; /* protects what follows */
  GCond changed;
  GPtrArray *requests; /* EchoRequest, in the order of their arrival */
  gboolean paused;
} Desk;

/* @options: of the URI, beginning with "?" and ending so that more may follow. */
void desk_open (Desk *desk, const gchar *options);
void desk_close (Desk *desk);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Desk, desk_close)

/* Whether connections read nothing more after the request that is put on the desk next. */
void desk_pause (Desk *desk, gboolean paused);

/* Waits until @count requests have arrived in all. */
void desk_await (Desk *desk, guint count);
guint desk_count (Desk *desk);
/* The request that arrived as number @index. (transfer none) */
EchoRequest *desk_get (Desk *desk, guint index);
/* The one of the call whose text is @text, once it is there. */
EchoRequest *desk_find (Desk *desk, const gchar *text);
/* Answers honestly; records a failure when the bytes cannot be written. */
void desk_reply (EchoRequest *request);
/* Answers with another name, type or sequence id. */
void desk_reply_as (EchoRequest *request, const gchar *name, gint type, gint32 seqid);
/* Ends the connection that it came on, with FIN or with RST. */
void desk_hang_up (EchoRequest *request);
void desk_reset (EchoRequest *request);
guint desk_accepted (Desk *desk);
TallyPoolSnapshot desk_snapshot (Desk *desk);

typedef struct
{
  TallyChannel *channel;
  guint method;
  gchar *text;
  gint timeout; /* milliseconds; 0 = none */
  GCancellable *cancellable;
  GThread *thread;
  gint id; /* atomic: the kernel's of that thread; 0: it does not run yet */
  /* results */
  gboolean done;
  gchar *reply;
  GError *error;
} Caller;

/* Calls echo with @text; a negative @timeout: the channel's. */
void caller_start (Caller *caller, TallyChannel *channel, const gchar *text, gint timeout);
void caller_start_method (Caller *caller,
                          TallyChannel *channel,
                          guint method,
                          const gchar *text,
                          gint timeout,
                          GCancellable *cancellable);
/* Waits for it. */
void caller_join (Caller *caller);
/* It got its own text back. */
void caller_expect_reply (Caller *caller);
/* It ended: with a reply, or with an error. */
void caller_expect_end (Caller *caller);
/* It failed so, with @part (nullable) in the message. */
void caller_expect_error (Caller *caller, GQuark domain, gint code, const gchar *part);

/* On each of @count desks the call "slow" leaves without its reply when its @timeout_ms have passed. What the peer sends
 * in between proves that it lives. */
void desks_owe_a_reply (Desk *desks, guint count, gint timeout_ms);

G_END_DECLS

#endif /* TESTS_RUNTIME_SHARED_FIXTURE_H */
