/* Strings as JSON writes them. */
#ifndef IDL_JSON_H
#define IDL_JSON_H

#include <glib.h>

G_BEGIN_DECLS

/* Appends @text, quoted; bytes that are not UTF-8 become U+FFFD. @length may be -1. */
void idl_json_append_string (GString *json, const gchar *text, gssize length);

G_END_DECLS

#endif /* IDL_JSON_H */
