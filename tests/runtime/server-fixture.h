/* A running TallyServer and raw sockets to it. Knows no test. */
#ifndef TESTS_RUNTIME_SERVER_FIXTURE_H
#define TESTS_RUNTIME_SERVER_FIXTURE_H

#include "service-fixture.h"

G_BEGIN_DECLS

typedef struct
{
  TallyServer *server;
  TestHandler *handler;
  ThriftProcessor *processor;
  const Speech *speech;
  gchar *uri; /* the real one */
  pthread_t thread;
  gboolean served; /* what serve () returned */
} Running;

/* What the property `admission` is set to, as @options below have it. */
#define ADMISSION_CONCURRENCY "admission=1"
#define ADMISSION_DEADLINE "admission=2"
#define ADMISSION_CLIENT "admission=4"
G_STATIC_ASSERT (TALLY_ADMISSION_CONCURRENCY == 1 && TALLY_ADMISSION_DEADLINE == 2
                 && TALLY_ADMISSION_CLIENT == 4);

/* Starts a server at @address ("tcp://127.0.0.1:0", "unix:///…"; NULL for the first) with a Derived
 * processor. @options (nullable): properties that are numbers, "max-workers=1 idle-timeout=0". */
Running *running_start (const Speech *speech, const gchar *address, const gchar *options);
/* A fixture with any processor; (transfer full) of both. */
Running *running_start_with (ThriftProcessor *processor,
                             TestHandler *handler,
                             const Speech *speech,
                             const gchar *address,
                             const gchar *options);
/* As that, with the @query of a URI in place of a speech; peers' is framed binary. */
Running *running_start_at (ThriftProcessor *processor,
                           TestHandler *handler,
                           const gchar *address,
                           const gchar *query);
/* As that, of Derived, with the properties @options. */
Running *running_start_speaking (const gchar *query, const gchar *options);
/* (transfer full) (nullable): a server with a Base processor, which neither listens nor serves yet. */
TallyServer *server_new_idle (const gchar *uri, GError **error);
/* How a channel reaches it, with @query in place of the server's own. (transfer full) */
gchar *running_dup_client_uri (const Running *self, const gchar *query);
/* Waits for serve () to return; it must have been told to stop. */
void running_join (Running *self);
/* Stops, joins, frees. */
void running_stop (Running *self);
TallyServerSnapshot running_snapshot (const Running *self);
/* Returns once the server has @count connections. */
void running_await_connections (const Running *self, guint count);

/* A connected socket whose receives fail after a time that only a failing test needs. */
gint peer_connect (Running *self);
gint peer_connect_uri (const gchar *uri);
/* Has an answer, too: it needs no more turns before it receives. Over TLS, where a handshake whose peer takes long gives
 * way to others that wait, crowds connect so. */
gint peer_connect_and_greet (Running *self);
/* Sends the buffer's bytes and clears it. */
void peer_send (gint fd, TallyBuffer *buffer);
/* A thread's: sends as many oneway calls to the framed binary server behind @fd (a gint) as it takes, until the
 * connection ends. */
void *peer_send_calls (void *fd);
/* Reads one message; FALSE when the connection ended instead. Clear @answer in either case. */
gboolean peer_receive (gint fd, const Speech *speech, TallyKind kind, Answer *answer);
/* Whether the server ends the connection without another byte. */
gboolean peer_sees_end (gint fd);

/* Ends it with RST. */
void peer_reset (gint fd);

/* One echo on @fd; whether its answer was right. */
gboolean peer_echoes (gint fd, const Speech *speech, gint32 seqid, const gchar *text);
/* Sends a call of @name, which takes no arguments. */
void peer_call (gint fd, const Speech *speech, const gchar *name, gint32 seqid);
/* Waits until a handler holds a call in block (); FALSE: something came at @fd instead. */
gboolean peer_is_inside (Running *self, gint fd);
/* Waits until something comes at one of the @count descriptors that are not negative; which it is. */
guint peer_await_any (const gint *fds, guint count);
/* The next answer is the reply to call @seqid. */
void check_reply (gint fd, const Speech *speech, gint32 seqid);
/* The next answer is a refusal of call @seqid, and says @part. */
void check_refusal (gint fd, const Speech *speech, gint32 seqid, const gchar *part);
/* The next message is the last words of a server that stops, and the end follows. */
void check_goodbye (gint fd, const Speech *speech);
/* The server still answers a new client. */
void check_alive (Running *self);
/* So does the framed binary server at @uri. */
void check_alive_at (const gchar *uri);

G_END_DECLS

#endif /* TESTS_RUNTIME_SERVER_FIXTURE_H */
