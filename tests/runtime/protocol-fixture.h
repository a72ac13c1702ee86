/* Apache's protocols over every kind of transport, fed with bytes: exactly Apache's class, which the
 * engine serves, or a program's subclass, which is walked. Knows no test. */
#ifndef TESTS_RUNTIME_PROTOCOL_FIXTURE_H
#define TESTS_RUNTIME_PROTOCOL_FIXTURE_H

#include <thrift/c_glib/protocol/thrift_protocol.h>
#include <thrift/c_glib/transport/thrift_transport.h>

#include "fixture.h"

G_BEGIN_DECLS

/* A program's own transport: gives exactly what is asked for, and fails at the end as Apache's
 * socket does. */
typedef struct
{
  ThriftTransport parent;
  GByteArray *input;
  gsize position;
  GByteArray *output;
  guint32 largest_read;
  guint n_writes;
  guint n_flushes;
  void (*on_write) (void); /* (nullable): runs inside each write */
} Pipe;
GType pipe_get_type (void);

typedef enum
{
  WAY_OWN, /* a Pipe */
  WAY_MEMORY,
  WAY_FRAMED,   /* on a Pipe */
  WAY_BUFFERED, /* on a Pipe */
  WAY_SOCKET,
  WAY_BUFFERED_SOCKET,
  WAY_ZLIB,  /* on a memory buffer */
  WAY_TALLY, /* a TallySocket */
  N_WAYS
} WayKind;

typedef struct
{
  WayKind kind;
  gboolean compact;
  gboolean walked;          /* through a subclass */
  ThriftProtocol *protocol; /* owned, as is transport */
  ThriftTransport *transport;
  Pipe *pipe; /* (nullable), borrowed: where the bytes are */
  gint peer;  /* a socket's other end, or -1 */
} Way;

#define FOR_EACH_WAY(kind) for (WayKind kind = 0; kind < N_WAYS; kind++)
#define FOR_EACH_PROTOCOL(compact) for (gboolean compact = FALSE; compact <= TRUE; compact++)

const gchar *way_name (WayKind kind);
/* Tally's socket has errors of its own, and Apache's zlib transport none for an end. */
gboolean way_tells_the_end (WayKind kind);

/* Opens a way whose input is @bytes, and then its end. */
void way_open (
    Way *self, WayKind kind, gboolean compact, gboolean walked, gconstpointer bytes, gsize length);
void way_close (Way *self);
/* (transfer full): reads to the end what is left of the input. */
GByteArray *way_read_rest (Way *self);

/* How often a function of a subclass was called. */
extern guint n_walked_calls;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Way, way_close)

G_END_DECLS

#endif /* TESTS_RUNTIME_PROTOCOL_FIXTURE_H */
