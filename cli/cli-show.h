/* Values as the runtime's engine has them, to JSON. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <tally.h>

#include "json.h"

G_BEGIN_DECLS

/* Writes what @slot, of @type, holds, as cli-fill.c reads it. @key is NULL in an array. */
void cli_show (IdlJson *json, const gchar *key, const TallyType *type, gconstpointer slot);
/* Around one value that is written without a key: its text alone, in one line. (transfer full) */
void cli_flat_begin (IdlJson *json);
gchar *cli_flat_end (IdlJson *json);
/* Whether a field of @instance came, or was set. */
gboolean cli_is_set (const TallyField *field, gconstpointer instance);
/* The shortest number that reads as @value; "NaN" and infinities as strings. */
void cli_show_double (IdlJson *json, const gchar *key, gdouble value);
/* A value's name, or a number that has none. */
void cli_show_enum (IdlJson *json, const gchar *key, const TallyEnumInfo *info, gint32 value);
/* Text, or {"$hex": …} where it is no UTF-8. */
void cli_show_text (IdlJson *json, const gchar *key, const gchar *text, gsize length);

G_END_DECLS

#endif /* CLI_SHOW_H */
