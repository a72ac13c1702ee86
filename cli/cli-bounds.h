/* Where a message ends in bytes that are still arriving, and what its header says; whatever is around it. The library's own
 * scanner is not exported. */
#ifndef CLI_BOUNDS_H
#define CLI_BOUNDS_H

#include <glib.h>

G_BEGIN_DECLS

/* As the library's defaults, docs/limits.md. */
#define CLI_MAX_MESSAGE (16u << 20)
#define CLI_MAX_DEPTH 64

typedef enum
{
  CLI_CUT_MORE,    /* the message is not all there yet */
  CLI_CUT_WHOLE,   /* it ends there */
  CLI_CUT_STRANGE, /* it is none that could be read: where it ends cannot be told */
  CLI_CUT_TOO_LONG /* it passes the limit */
} CliCut;

/* A struct or container that is open. */
typedef struct
{
  guint8 kind; /* T_STRUCT, T_LIST or T_MAP */
  guint8 key;  /* wire types, as the protocol has them */
  guint8 element;
  gboolean at_value; /* of a map */
  guint64 remaining; /* elements, or pairs */
} CliLevel;

/* How far the first message was understood. Each byte is looked at once, however it arrives. */
typedef struct
{
  gboolean is_known; /* how the message begins */
  gboolean is_compact;
  gboolean in_body;
  gsize position; /* may lie behind what has arrived */
  guint depth;
  CliLevel levels[CLI_MAX_DEPTH];
} CliBounds;

/* To the start of a message. */
void cli_bounds_reset (CliBounds *self);
/* @bytes: the message from its start, those that were shown before included. *@size: of a whole one. */
CliCut cli_bounds_cut (CliBounds *self, const guint8 *bytes, gsize length, gsize *size);

typedef enum
{
  CLI_BEGINS_LATER, /* more bytes are needed to tell */
  CLI_BEGINS_BINARY,
  CLI_BEGINS_COMPACT,
  CLI_BEGINS_FRAME,
  CLI_BEGINS_STRANGE
} CliBeginning;

/* cli-header.c: what stands at the beginning of a message. */
CliBeginning cli_bounds_find_beginning (const guint8 *bytes, gsize length);

/* What a message's header says, and where. */
typedef struct
{
  const gchar *transport; /* "framed", "buffered" or "header" */
  const gchar *protocol;  /* "binary" or "compact" */
  gchar *name;            /* UTF-8 */
  gint type;              /* a ThriftMessageType */
  gint32 seqid;
  gsize seqid_offset; /* of its lowest bits; 0: they are compressed */
} CliHeader;

/* FALSE: the whole message @bytes has no header that can be read. */
gboolean cli_header_read (CliHeader *header, const guint8 *bytes, gsize length);
void cli_header_clear (CliHeader *header);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliHeader, cli_header_clear)

G_END_DECLS

#endif /* CLI_BOUNDS_H */
