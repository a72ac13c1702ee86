/* Bytes of the binary and the compact protocol as values, with every byte accounted for, also of what no reader would
 * accept. What the values are called and what types they have an IDL's tables say, where there are any. */
#ifndef CLI_WIRE_H
#define CLI_WIRE_H

#include <tally.h>

#include "json.h"

G_BEGIN_DECLS

/* A run of bytes and what they say. The pieces of a message are its bytes, one after the other. */
typedef struct
{
  gsize start;
  gsize length;
  guint depth; /* of structs and containers */
  gchar *text;
} CliPiece;

typedef struct _CliWire CliWire;

/* A value that was read. */
struct _CliWire
{
  guint8 wire;         /* a ThriftType, or TALLY_WIRE_UUID */
  guint8 key_wire;     /* of a map */
  guint8 element_wire; /* of a list or set; of a map's values */
  gint64 integer;      /* of a bool or integer */
  gdouble number;
  gsize start; /* of a string or uuid: where its bytes lie */
  gsize length;
  GPtrArray
      *items;  /* of a struct, list, set or map, whose keys and values come in turn: of CliWire */
  GArray *ids; /* of a struct's fields: gint16 */
};

/* Where reading is. */
typedef struct
{
  const guint8 *bytes;
  gsize length;
  gsize at;
  gboolean is_compact;
  guint depth;
  GPtrArray *pieces; /* of CliPiece */
  gchar *damage;     /* nullable: why reading could not go on */
} CliWireReader;

void cli_wire_reader_init (CliWireReader *reader,
                           const guint8 *bytes,
                           gsize length,
                           gboolean is_compact);
void cli_wire_reader_clear (CliWireReader *reader);
/* The bytes from @start to where the reader is say that. */
void cli_wire_add_piece (CliWireReader *reader, gsize start, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);
/* Says once what is wrong at the byte @at. FALSE */
gboolean cli_wire_fail (CliWireReader *reader, gsize at, const gchar *format, ...)
    G_GNUC_PRINTF (3, 4);
/* Whether @count bytes are left; else it fails, naming @what. */
gboolean cli_wire_need (CliWireReader *reader, gsize count, const gchar *what);
guint64 cli_wire_get_fixed (const CliWireReader *reader, guint n_bytes);
/* A number of seven bits to the byte, at most @n_bits. */
gboolean
cli_wire_read_varint (CliWireReader *reader, guint n_bits, guint64 *value, const gchar *what);
/* A struct; @info is nullable. What was read until it failed is there too. (transfer full) */
CliWire *cli_wire_read_struct (CliWireReader *reader, const TallyStructInfo *info);
void cli_wire_free (CliWire *wire);

/* "i32" */
const gchar *cli_wire_get_name (guint8 wire);
/* Up to 40 characters of text, in quotation marks and escaped. (transfer full) */
gchar *cli_wire_quote (const guint8 *bytes, gsize length);

/* cli-tree.c: a value that was read of @bytes as JSON; without @type by field ids and wire types. */
void cli_wire_show (IdlJson *json,
                    const gchar *key,
                    const CliWire *wire,
                    const TallyType *type,
                    const guint8 *bytes);

/* cli-annotate.c: appends the pieces of @bytes, a line or more each. */
void cli_wire_annotate (GString *text, const GPtrArray *pieces, const guint8 *bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliWire, cli_wire_free)

G_END_DECLS

#endif /* CLI_WIRE_H */
