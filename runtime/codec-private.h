/* The codec: values to bytes and back, in contiguous memory, one instance of the engine for each
 * protocol. It knows tables and buffers; it knows no socket, call or pool. */
#ifndef TALLY_CODEC_PRIVATE_H
#define TALLY_CODEC_PRIVATE_H

#include "buffer-internal.h"
#include "protocols-internal.h"
#include "tally-endpoint.h"
#include "tally-struct.h"
#include "tally-types.h"

G_BEGIN_DECLS

/* What a message may take in memory once decoded, by default, is this many times what it may take on
 * the wire. */
#define TALLY_MEMORY_RATIO 16

/* The deepest nesting that a limit may allow: each level takes stack. */
#define TALLY_MAX_DEPTH_MAX 1024

/* What a peer may declare; the defaults are in docs/limits.md. */
typedef struct
{
  guint32 max_message; /* bytes of one message or frame; 16 MiB */
  guint32 max_depth;   /* nesting of structs and containers, skipped ones included; 64 */
  gboolean strict;     /* refuse binary headers without a version; TRUE */
  guint64 max_memory;  /* bytes that one message takes once decoded; 0: by TALLY_MEMORY_RATIO */
  gboolean as_apache;  /* read the compact protocol as Apache's C library does: integers are cut to
                        * their size, and there is no type for uuids; FALSE */
} TallyLimits;

static inline gsize
tally_limits_get_memory (const TallyLimits *limits)
{
  return limits->max_memory != 0 ? limits->max_memory
                                 : (gsize) limits->max_message * TALLY_MEMORY_RATIO;
}

extern const TallyLimits tally_limits_default;

typedef struct
{
  const gchar *name; /* in the reader's input: not NUL-terminated, valid until the next fill */
  guint32 name_length;
  gint32 type; /* ThriftMessageType, unchecked */
  gint32 seqid;
  /* nullable: where the answer of a handler goes that answers later. No codec's; struct _TallyLater. */
  struct _TallyLater *later;
  struct _TallyCallInfo *info; /* nullable: what a server's interceptors are told. No codec's. */
} TallyMessage;

typedef struct _TallyReader TallyReader;

/* Memory of its owner's for the strings that a struct has as fields of its own, as far as there is room: they are not to be
 * freed. */
typedef struct
{
  gchar *begin;
  gchar *next;
  gchar *end;
} TallyTexts;

static inline gboolean
tally_texts_have (const TallyTexts *self, const gchar *text)
{
  return (guintptr) text - (guintptr) self->begin < (guintptr) (self->end - self->begin);
}

/* Gets at least @need bytes between cursor and end, moving both if it must; FALSE with an error
 * when they will not come. */
typedef gboolean (*TallyFill) (TallyReader *reader, gsize need, GError **error);

/* Where the codec reads from: bytes in memory and, for an unframed message that is still arriving,
 * a way to get more. */
struct _TallyReader
{
  const guint8 *cursor;
  const guint8 *end;
  TallyFill fill; /* NULL: what is there is all there is */
  gpointer fill_data;
  gsize unread; /* bytes the message may still have beyond end; 0 without fill, else kept
                              * by the codec */
  gsize
      window; /* 0, or what unread is again after each fill: no limit for the message as a whole */
  guint depth;
  gsize memory_left; /* of what the message may take once decoded */
  TallyTexts *texts; /* NULL: each string has memory of its own */
  const TallyLimits *limits;
};

static inline void
tally_reader_init (TallyReader *reader,
                   gconstpointer bytes,
                   gsize length,
                   const TallyLimits *limits)
{
  *reader = (TallyReader){ .cursor = bytes,
                           .end = (const guint8 *) bytes + length,
                           .memory_left = tally_limits_get_memory (limits),
                           .limits = limits };
}

/* Whether all that the reader had was read. */
static inline gboolean
tally_reader_is_at_end (const TallyReader *reader)
{
  return reader->cursor == reader->end;
}

TALLY_COLD void
tally_reader_set_rest_error (const TallyReader *reader, const gchar *what, GError **error);

/* Whether all that the reader had was read, else FALSE with an error; for where @what should end, a message or a
 * struct by itself. */
static inline gboolean
tally_reader_check_end (const TallyReader *reader, const gchar *what, GError **error)
{
  if (G_LIKELY (tally_reader_is_at_end (reader)))
    return TRUE;
  tally_reader_set_rest_error (reader, what, error);
  return FALSE;
}

/* For a message that is still arriving: @bytes are what is there of it, @fill gets more. */
static inline void
tally_reader_init_fill (TallyReader *reader,
                        gconstpointer bytes,
                        gsize length,
                        const TallyLimits *limits,
                        TallyFill fill,
                        gpointer fill_data)
{
  gsize present = MIN (length, limits->max_message);

  tally_reader_init (reader, bytes, present, limits);
  reader->fill = fill;
  reader->fill_data = fill_data;
  reader->unread = limits->max_message - present;
}

/* What is known of Apache's class for a protocol beyond its interface: the engine stands in for exactly
 * that class, if the library that is loaded has it in the size that the headers say. */
typedef struct
{
  GType (*get_type) (void); /* NULL: Apache's C library has none */
  gsize instance_size;
  gboolean carries_uuid;
  /* Whether the engine may read, or write, an instance now: it is between two values, and none of its
   * own limits is set. (nullable): always */
  gboolean (*is_readable) (const ThriftProtocol *protocol);
  gboolean (*is_writable) (const ThriftProtocol *protocol);
  /* What its functions say that a string of @length bytes takes. */
  gsize (*count_string) (gsize length);
} TallyApacheProtocol;

typedef struct _TallyScanner TallyScanner;

#define TALLY_N_WIRE_TYPES (TALLY_WIRE_UUID + 1)

/* A protocol: its row of the table in protocols-internal.h. */
typedef struct
{
  void (*write_message) (TallyBuffer *output,
                         const gchar *name,
                         gsize name_length,
                         ThriftMessageType type,
                         gint32 seqid);
  /* TALLY_ERROR_INVALID_VALUE (a required field that is not set, a struct or container that is NULL
   * in a container or in a union's set field) or TALLY_ERROR_LIMIT (depth); output is then cut
   * back. A union is written as it is set: no field, one or several. */
  gboolean (*write_struct) (TallyBuffer *output,
                            const TallyStructInfo *info,
                            gconstpointer instance,
                            GError **error);
  /* write_message () and, after it, write_struct () of @method's arguments; where @type is T_REPLY, of its result. */
  gboolean (*write_of_method) (TallyBuffer *output,
                               const TallyMethod *method,
                               ThriftMessageType type,
                               gint32 seqid,
                               gconstpointer instance,
                               GError **error);
  /* Writes what Apache's C library can: its compact protocol has no type for uuids,
   * TALLY_ERROR_NOT_SUPPORTED. */
  gboolean (*write_struct_as_apache) (TallyBuffer *output,
                                      const TallyStructInfo *info,
                                      gconstpointer instance,
                                      GError **error);
  /* THRIFT_PROTOCOL_ERROR, with messages that name the struct and field:
   *   INVALID_DATA    ends early; a type there is not; an integer too large; a string with a NUL in
   *                   it; a required field that is missing
   *   NEGATIVE_SIZE   a declared length or count below zero
   *   SIZE_LIMIT      a declared length or count that the rest of the message cannot hold; more memory
   *                   than max_memory
   *   DEPTH_LIMIT     nested deeper than max_depth
   *   BAD_VERSION     another protocol's header, or with strict one without a version
   * or what fill failed with. After a failure the instance holds part of the message and can be
   * disposed of or read again. */
  gboolean (*read_message) (TallyReader *reader, TallyMessage *message, GError **error);
  /* @instance is initialised (tally_struct_init_instance) and may be used; fields that are read
   * replace what is there. */
  gboolean (*read_struct) (TallyReader *reader,
                           const TallyStructInfo *info,
                           gpointer instance,
                           GError **error);
  gboolean (*skip) (TallyReader *reader, gint wire_type, GError **error);
  /* Goes on with the search for the end of a message that has begun to arrive (scanner-private.h). */
  gsize (*scan) (TallyScanner *scanner, const guint8 *bytes, gsize length);
  /* (nullable): whether @bytes are the first of a message. For guesses at what a peer speaks. */
  gboolean (*begins_message) (const guint8 *bytes, gsize length);
  gboolean is_in_header_frames; /* the header transport may carry it, and calls it so: */
  guint header_frame_id;
  TallyApacheProtocol apache;
} TallyCodec;

/* Each row's. */
#define TALLY_DECLARE_CODEC(id, name, codec) extern const TallyCodec codec;
TALLY_PROTOCOLS (TALLY_DECLARE_CODEC)

/* (nullable): NULL where @id is none. */
const TallyCodec *tally_codec_get (TallyProtocolId id);
/* What a URI calls it. */
const gchar *tally_codec_get_name (const TallyCodec *codec);
/* All of them, by id. */
const TallyCodec *const *tally_codec_get_all (guint *n_codecs);
/* Adds a protocol that has no row, before any is used. Returns its id. */
TallyProtocolId tally_protocol_add (const gchar *name, const TallyCodec *codec);

/* A struct over any ThriftProtocol's functions (protocol-private.h says whose). A value that cannot
 * be written is found by tally_walker_check_struct (), without a look at what always can be; a uuid
 * is %TALLY_ERROR_NOT_SUPPORTED unless the protocol is Apache's binary one. Writing checks first;
 * tally_walker_write_checked () relies on a check that was made before the message's header was
 * written. */
gboolean tally_walker_check_struct (ThriftProtocol *protocol,
                                    const TallyStructInfo *info,
                                    gconstpointer instance,
                                    GError **error);
gboolean tally_walker_write_checked (ThriftProtocol *protocol,
                                     const TallyStructInfo *info,
                                     gconstpointer instance,
                                     gint32 *written,
                                     GError **error);
gboolean tally_walker_write_struct (ThriftProtocol *protocol,
                                    const TallyStructInfo *info,
                                    gconstpointer instance,
                                    gint32 *written,
                                    GError **error);
gboolean tally_walker_read_struct (ThriftProtocol *protocol,
                                   const TallyStructInfo *info,
                                   gpointer instance,
                                   gint32 *read,
                                   GError **error);
gboolean tally_walker_skip (ThriftProtocol *protocol, gint wire_type, gint32 *read, GError **error);

/* Initial values, disposal, reset of an instance's fields: for INLINE structs @instance is the
 * zeroed C struct itself, for OBJECT ones the object. Arguments of pointer type begin as NULL;
 * reading (or tally_struct_complete_instance ()) gives what is then still NULL an empty value. */
void tally_struct_init_field (const TallyStructInfo *info, const TallyField *field, gpointer slot);
void tally_struct_complete_instance (const TallyStructInfo *info, gpointer instance);
void tally_struct_dispose_instance (const TallyStructInfo *info, gpointer instance);
void tally_struct_reset_instance (const TallyStructInfo *info, gpointer instance);
/* Inlined, since of most arguments and results nothing is left to do. */
static inline void
tally_struct_init_instance (const TallyStructInfo *info, gpointer instance)
{
  const TallyField *end = info->fields + info->n_fields;

  for (const TallyField *field = info->fields; field < end; field++)
    {
      if (G_UNLIKELY (field->value != NULL || field->type->kind >= TALLY_KIND_STRUCT))
        tally_struct_init_field (info, field, (guint8 *) instance + field->offset);
    }
}
/* What a new instance of an OBJECT struct takes, its initial values included. */
gsize tally_struct_get_initial_memory (const TallyStructInfo *info);
void
tally_struct_reset_field (const TallyStructInfo *info, const TallyField *field, gpointer instance);

/* (nullable): by bisection. */
const TallyField *tally_struct_info_find_field (const TallyStructInfo *info, gint16 id);
/* (nullable): looks in the parents too. */
const TallyMethod *
tally_service_find_method (const TallyService *service, const gchar *name, gsize length);

/* For a field that is due (storage.h) and has nothing that could be written for it. */
TALLY_COLD void
tally_set_due_error (GError **error, const TallyStructInfo *info, const TallyField *field);

/* TApplicationException as a table-driven INLINE struct. The flags are set by reading. */
typedef struct
{
  gchar *message;
  gint32 type;
  gboolean has_message;
  gboolean has_type;
} TallyApplicationException;

extern const TallyStructInfo tally_application_exception_info;

G_END_DECLS

#endif /* TALLY_CODEC_PRIVATE_H */
