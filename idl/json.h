/* JSON, as it is written. */
#ifndef IDL_JSON_H
#define IDL_JSON_H

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text, quoted; bytes that are not UTF-8 become U+FFFD. What could steer a terminal is escaped, with DEL and the C1 controls,
 * too. @length may be -1. */
void idl_json_append_string (GString *json, const gchar *text, gssize length);

/* Writes one JSON text with an indentation of two; values on one line within what is begun as flat.
 */
typedef struct
{
  GString *text;
  guint depth;
  guint flat;     /* how many of the open objects and arrays stand on one line */
  gboolean first; /* nothing is in the innermost one yet */
} IdlJson;

void idl_json_init (IdlJson *json);
/* Ends the text. (transfer full) */
gchar *idl_json_finish (IdlJson *json);
/* @key is NULL in an array. @bracket is '{' or '['. */
void idl_json_begin (IdlJson *json, const gchar *key, gchar bracket, gboolean flat);
void idl_json_end (IdlJson *json, gchar bracket);
/* @value (nullable): nothing is written then. */
void idl_json_string (IdlJson *json, const gchar *key, const gchar *value);
void idl_json_bytes (IdlJson *json, const gchar *key, const gchar *value, gssize length);
void idl_json_integer (IdlJson *json, const gchar *key, gint64 value);
void idl_json_double (IdlJson *json, const gchar *key, gdouble value);
/* @text is JSON itself. */
void idl_json_raw (IdlJson *json, const gchar *key, const gchar *text);
void idl_json_null (IdlJson *json, const gchar *key);
void idl_json_boolean (IdlJson *json, const gchar *key, gboolean value);

G_END_DECLS

#endif /* IDL_JSON_H */
