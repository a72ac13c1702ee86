/* A ThriftTransport over one message in memory: for processors that speak only ThriftProtocol. */
#ifndef TALLY_MEMORY_TRANSPORT_H
#define TALLY_MEMORY_TRANSPORT_H

#include <thrift/c_glib/transport/thrift_transport.h>

#include "buffer-internal.h"

G_BEGIN_DECLS

typedef struct _TallyMemoryTransport TallyMemoryTransport;

#define TALLY_TYPE_MEMORY_TRANSPORT (tally_memory_transport_get_type ())
GType tally_memory_transport_get_type (void);

/* Reads @length bytes at @bytes and writes behind what @output holds; both are borrowed. What was
 * written but not flushed is not part of @output's length when tally_memory_transport_finish ()
 * returns. */
TallyMemoryTransport *
tally_memory_transport_new (const guint8 *bytes, gsize length, TallyBuffer *output);
/* What is left to be read. */
const guint8 *tally_memory_transport_peek (TallyMemoryTransport *self, gsize *length);
void tally_memory_transport_consume (TallyMemoryTransport *self, gsize length);
/* Cuts @output back to what was flushed, and detaches from both. */
void tally_memory_transport_finish (TallyMemoryTransport *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyMemoryTransport, g_object_unref)

G_END_DECLS

#endif /* TALLY_MEMORY_TRANSPORT_H */
