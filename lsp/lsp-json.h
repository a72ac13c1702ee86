/* Reading the client's JSON. */
#ifndef LSP_JSON_H
#define LSP_JSON_H

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* (nullable) (transfer full): what @text, which is changed, says; NULL with @error. */
JsonNode *lsp_json_parse (gchar *text, gsize length, GError **error);

/* The member @name of @object (nullable) when it is there and of that type; else NULL, 0, FALSE.
 * (nullable) (transfer none) */
JsonNode *lsp_json_get (JsonObject *object, const gchar *name);
JsonObject *lsp_json_get_object (JsonObject *object, const gchar *name);
JsonArray *lsp_json_get_array (JsonObject *object, const gchar *name);
const gchar *lsp_json_get_string (JsonObject *object, const gchar *name);
gint64 lsp_json_get_integer (JsonObject *object, const gchar *name);
gboolean lsp_json_get_boolean (JsonObject *object, const gchar *name);
/* Down the names of @path, which are divided by dots. */
JsonObject *lsp_json_find_object (JsonObject *object, const gchar *path);
/* The elements of @array (nullable), as above. */
JsonObject *lsp_json_array_get_object (JsonArray *array, guint index);
const gchar *lsp_json_array_get_string (JsonArray *array, guint index);
gboolean lsp_json_array_has_string (JsonArray *array, const gchar *string);

G_END_DECLS

#endif /* LSP_JSON_H */
