/* JSON, as it is read: strictly by RFC 8259, each value with its place in the text. json-glib's reader has no depth
 * limit, wraps numbers past 64 bits, and keeps the last of two members of one name. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <glib.h>

G_BEGIN_DECLS

/* What a user gave is wrong: the command line, an IDL file, JSON, bytes to decode. Nothing was sent. */
#define CLI_INPUT_ERROR (cli_input_error_quark ())
GQuark cli_input_error_quark (void);

typedef enum
{
  CLI_JSON_NULL,
  CLI_JSON_BOOLEAN,
  CLI_JSON_INTEGER,
  CLI_JSON_LARGE, /* a whole number that is no gint64 */
  CLI_JSON_DOUBLE,
  CLI_JSON_STRING,
  CLI_JSON_ARRAY,
  CLI_JSON_OBJECT
} CliJsonKind;

typedef struct _CliJson CliJson;

struct _CliJson
{
  CliJsonKind kind;
  guint line; /* from 1; the column counts bytes */
  guint column;
  gint64 integer; /* BOOLEAN, INTEGER */
  gdouble number; /* DOUBLE, LARGE */
  gchar *text;    /* STRING: UTF-8, of @length bytes; it may hold NUL */
  gsize length;
  GPtrArray *items; /* ARRAY, OBJECT: of CliJson */
  GPtrArray *names; /* OBJECT: of gchar *, as many; no two are equal */
};

/* Reads values from a text, which must live as long as this does. */
typedef struct
{
  const gchar *name; /* what errors call the text */
  const gchar *cursor;
  const gchar *end;
  const gchar *line_start;
  guint line;
  guint depth;
} CliJsonReader;

void
cli_json_reader_init (CliJsonReader *reader, const gchar *name, const gchar *text, gsize length);
/* The next value; more may follow it. TRUE with @value NULL at the end of the text. */
gboolean cli_json_read (CliJsonReader *reader, CliJson **value, GError **error);
/* The one value of the text. (nullable) (transfer full) */
CliJson *cli_json_parse (const gchar *name, const gchar *text, gsize length, GError **error);
/* (transfer full) */
CliJson *cli_json_new_string (const gchar *text);
void cli_json_free (CliJson *json);
/* (nullable): an object's member. */
const CliJson *cli_json_get (const CliJson *json, const gchar *name);
/* "a number with a fraction", as messages call it. */
const gchar *cli_json_describe (const CliJson *json);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliJson, cli_json_free)

G_END_DECLS

#endif /* CLI_JSON_H */
