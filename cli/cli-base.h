/* Bytes as text, in the forms in which they are written in JSON and given on the command line. */
#ifndef CLI_BASE_H
#define CLI_BASE_H

#include "cli-json.h"

G_BEGIN_DECLS

/* What @text, of @form "$hex", "$base64" or "$text", says; space within the first two is passed over. (nullable)
 * (transfer full): NULL with an error of CLI_INPUT_ERROR. */
GByteArray *cli_bytes_parse (const gchar *form, const gchar *text, gsize length, GError **error);
/* (transfer full): two digits for each byte. */
gchar *cli_bytes_to_hex (const guint8 *bytes, gsize length);
/* The whole of @path, of standard input for "-". (transfer full) (nullable) */
gchar *cli_read_file (const gchar *path, gsize *length, GError **error);

/* Uses up @json, which @source says. FALSE with an error ends the reading. */
typedef gboolean (*CliUseJson) (gpointer data, CliJson *json, const gchar *source, GError **error);
/* Hands @use one value after the other of those that @path, standard input for "-", has. */
gboolean cli_read_each (const gchar *path, CliUseJson use, gpointer data, GError **error);

G_END_DECLS

#endif /* CLI_BASE_H */
