/* A message in its frame, as it went over the wire. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "cli-wire.h"

G_BEGIN_DECLS

/* How the bytes are to be read. */
typedef enum
{
  CLI_FORM_AUTO, /* as their beginning says */
  CLI_FORM_BINARY,
  CLI_FORM_COMPACT
} CliForm;

/* The table of a message's body, where there is one: of the arguments or the result of the method @name, which has no
 * service before it any more. (nullable) */
typedef const TallyStructInfo *(*CliFindBody) (const gchar *name,
                                               ThriftMessageType type,
                                               gpointer user_data);

typedef struct
{
  CliWireReader reader; /* of all bytes */
  CliWireReader inner;  /* of what a header inflates to; its bytes are NULL where there is none */
  GByteArray *inflated; /* nullable */
  const CliWireReader *of_body; /* the one that the body lies in */
  const gchar *protocol;        /* nullable: not even that is known */
  const gchar *framing;         /* "framed", "header" or "buffered" */
  gchar *name;                  /* nullable; so is the rest, where reading failed before it */
  gint type;                    /* a ThriftMessageType, or 0 */
  gint32 seqid;
  const TallyStructInfo *info; /* nullable: the body's table */
  CliWire *body;               /* nullable */
} CliMessage;

/* Reads one message, and what follows it in @bytes is a message of its own: *@size says where that begins, at most
 * @length. @bytes live as long as the message. */
CliMessage *cli_message_read (const guint8 *bytes,
                              gsize length,
                              CliForm form,
                              CliFindBody find,
                              gpointer user_data,
                              gsize *size);
/* Makes what follows the message, up to @length, a part of it: it is in a frame that is longer than its message. */
void cli_message_take_rest (CliMessage *message, gsize length);
void cli_message_free (CliMessage *message);
/* Why it could not be read to its end; NULL: it was. */
const gchar *cli_message_get_damage (const CliMessage *message);
/* "call", "reply", … */
const gchar *cli_message_get_type_name (const CliMessage *message);
/* Appends its bytes, annotated. */
void cli_message_annotate (const CliMessage *message, GString *text);
/* {"flow": @flow (nullable), "type": …, "method": …, "seqid": …, "protocol": …, "transport": …, "body": …, "damage": …} */
void cli_message_show (IdlJson *json, const CliMessage *message, const gchar *flow);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliMessage, cli_message_free)

G_END_DECLS

#endif /* CLI_MESSAGE_H */
