/* Values and messages over any ThriftProtocol.
 *
 * Over Apache's binary and compact protocols the engine does the work: what is written is encoded in
 * one piece and handed to the transport in one write; what is read is decoded from what the
 * transport holds, or else in pieces that cannot reach beyond the message. It must be exactly those
 * classes: a program's subclass may do something else in any of its functions. It and every other
 * protocol are walked. The bytes, the errors and the protocol's own state are the same either
 * way. */
#ifndef TALLY_PROTOCOL_PRIVATE_H
#define TALLY_PROTOCOL_PRIVATE_H

#include <thrift/c_glib/protocol/thrift_protocol.h>

#include "codec-private.h"

G_BEGIN_DECLS

/* ---- what of Apache's is known (protocol-classes.c) ---- */

/* A ThriftTransport class of which more is known than its interface says. */
typedef struct
{
  /* Blocks until it holds something; FALSE with what the transport raises. (nullable) */
  gboolean (*wait) (ThriftTransport *transport, GError **error);
  /* (nullable): what it holds in memory, until it is used again. */
  const guint8 *(*look) (ThriftTransport *transport, gsize *length);
  /* (nullable): copies up to @room bytes that have arrived, without taking them; with @wait it
   * blocks for the first. 0 when none will come, -1 with errno. */
  gssize (*peek) (ThriftTransport *transport, guint8 *bytes, gsize room, gboolean wait);
  /* (nullable): takes @length of the bytes that it holds in memory. */
  void (*drop) (ThriftTransport *transport, gsize length);
  /* What it holds is all that there is; its own read () does not say so. */
  gboolean is_endless;
} TallyTransportKind;

/* Never NULL: of a class that is not known nothing is known. */
const TallyTransportKind *tally_transport_find_kind (ThriftTransport *transport);

/* (nullable): the codec that stands for @protocol. @concrete: what it decorates, or itself. */
const TallyCodec *tally_protocol_find_codec (ThriftProtocol *protocol, ThriftProtocol **concrete);
/* (transfer full) (nullable): how a decorating @protocol changes the name of a message. */
gchar *
tally_protocol_dup_name (ThriftProtocol *protocol, const gchar *name, ThriftMessageType type);
/* Whether the header was read already and is kept in @protocol (by Apache's multiplexed processor). */
gboolean tally_protocol_stores_header (ThriftProtocol *protocol);
/* (transfer full): by the property: a decorating protocol has no field. */
gpointer tally_protocol_dup_transport (ThriftProtocol *protocol);

static inline gboolean
tally_protocol_is_readable (const TallyCodec *codec, const ThriftProtocol *concrete)
{
  return codec->apache.is_readable == NULL || codec->apache.is_readable (concrete);
}

static inline gboolean
tally_protocol_is_writable (const TallyCodec *codec, const ThriftProtocol *concrete)
{
  return codec->apache.is_writable == NULL || codec->apache.is_writable (concrete);
}

/* A buffer of the thread's, empty, for one message at a time; to be given back. */
TallyBuffer *tally_scratch_take (void);
void tally_scratch_give_back (TallyBuffer *buffer);

/* ---- writing (protocol-output.c) ---- */

gboolean tally_protocol_write_struct (ThriftProtocol *protocol,
                                      const TallyStructInfo *info,
                                      gconstpointer instance,
                                      gint32 *written,
                                      GError **error);

/* A message on its way out. */
typedef struct
{
  ThriftProtocol *protocol;
  /*< private >*/
  ThriftTransport *transport; /* (nullable): known where the engine encoded */
  TallyBuffer *bytes;         /* (nullable): the same */
  const gchar *name;
  ThriftMessageType type;
  gint32 seqid;
  const TallyStructInfo *info;
  gconstpointer instance;
} TallyOutgoing;

/* Encodes the message, or makes sure that it can be written, before the first byte is. All that is
 * passed must outlive @self. After %FALSE, with what cannot be encoded, nothing is to be cleared. */
gboolean tally_outgoing_prepare (TallyOutgoing *self,
                                 ThriftProtocol *protocol,
                                 const gchar *name,
                                 ThriftMessageType type,
                                 gint32 seqid,
                                 const TallyStructInfo *info,
                                 gconstpointer instance,
                                 GError **error);
/* Writes it to its end, flushes the transport and clears @self. */
gboolean tally_outgoing_send (TallyOutgoing *self, GError **error);

/* ---- reading (protocol-input.c) ---- */

gboolean tally_protocol_read_struct (ThriftProtocol *protocol,
                                     const TallyStructInfo *info,
                                     gpointer instance,
                                     gint32 *read,
                                     GError **error);

/* Ends a message whose struct was read. */
gboolean tally_protocol_read_end (ThriftProtocol *protocol, GError **error);

/* What the engine reads of a protocol: what its transport holds is looked at and taken at the end,
 * so that the protocol's own functions can read what the engine refuses, as if nothing had been
 * read. */
typedef struct
{
  TallyReader reader; /* first: the reader's fill finds the rest from it */
  /*< private >*/
  const TallyCodec *codec;
  ThriftTransport *transport;
  const TallyTransportKind *kind;
  gboolean has_header;  /* a message's header comes from the transport too */
  TallyBuffer *scratch; /* (nullable): bytes that were taken, and copies of those that were not */
  const guint8 *base;   /* from here to the reader's end the transport has the bytes still */
  gsize taken;          /* of the value, before base */
  gboolean is_whole;    /* the value was read to its end */
} TallyProtocolInput;

/* %FALSE, without an error, where the engine may not read @protocol; with one, when nothing comes.
 * Ended by tally_protocol_input_end () or tally_protocol_input_give_up (). */
gboolean
tally_protocol_input_open (TallyProtocolInput *self, ThriftProtocol *protocol, GError **error);
/* Reads a message's header if it is whole and sound in what the transport holds. */
gboolean tally_protocol_input_read_message (TallyProtocolInput *self, TallyMessage *message);
gboolean tally_protocol_input_read_struct (TallyProtocolInput *self,
                                           const TallyStructInfo *info,
                                           gpointer instance,
                                           GError **error);
/* Takes what was read. @read (nullable): how many bytes. */
gboolean tally_protocol_input_end (TallyProtocolInput *self, gint32 *read, GError **error);
/* Instead: %TRUE when nothing was taken yet, and all is as before. */
gboolean tally_protocol_input_give_up (TallyProtocolInput *self);

G_END_DECLS

#endif /* TALLY_PROTOCOL_PRIVATE_H */
