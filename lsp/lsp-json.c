/* Owns how the client's JSON is read: json-glib does it, after a look at what json-glib does not bear.
 * It recurses for each bracket, ends a string at an escaped NUL, refuses a whole message for half of a
 * surrogate pair, and takes comments. */
#include "lsp-json.h"

#include <string.h>

/* Brackets within brackets. */
#define MAX_DEPTH 100

static gboolean
fail (GError **error, const gchar *message)
{
  g_set_error_literal (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE, message);
  return FALSE;
}

/* The number of `\uXXXX` at @at; -1: it is none. */
static gint
parse_escape (const gchar *at, const gchar *end)
{
  gint number = 0;

  if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
    return -1;
  for (guint i = 2; i < 6; i++)
    {
      if (!g_ascii_isxdigit (at[i]))
        return -1;
      number = number * 16 + g_ascii_xdigit_value (at[i]);
    }
  return number;
}

/* Makes a character of the escape at @at that can be kept; returns its length, 0 when it is wrong. */
static gsize
mend_escape (gchar *at, const gchar *end)
{
  gint number = parse_escape (at, end);

  if (end - at < 2)
    return 0;
  if (at[1] != 'u')
    return 2;
  if (number < 0)
    return 0;
  if (number >= 0xd800 && number < 0xdc00)
    {
      gint low = parse_escape (at + 6, end);

      if (low >= 0xdc00 && low < 0xe000)
        return 12;
    }
  /* As many bytes and units of UTF-16 as before. */
  if (number == 0)
    memcpy (at, "\\u0001", 6);
  else if (number >= 0xd800 && number < 0xe000)
    memcpy (at, "\\ufffd", 6);
  return 6;
}

/* (nullable): what follows the string that begins at @at. */
static gchar *
mend_string (gchar *at, const gchar *end)
{
  at++;
  while (at < end && *at != '"')
    {
      gsize length = *at == '\\' ? mend_escape (at, end) : 1;

      if (length == 0)
        return NULL;
      at += length;
    }
  return at < end ? at + 1 : NULL;
}

static gboolean
mend (gchar *text, gsize length, GError **error)
{
  gchar *at = text;
  const gchar *end = text + length;
  guint depth = 0;

  while (at != NULL && at < end)
    {
      if (*at == '"')
        {
          at = mend_string (at, end);
          continue;
        }
      if (*at == '[' || *at == '{')
        depth++;
      else if ((*at == ']' || *at == '}') && depth > 0)
        depth--;
      else if (!g_ascii_isalnum (*at) && strchr ("]},:+-. \t\r\n", *at) == NULL)
        return fail (error, "a character that JSON has only in strings");
      if (depth > MAX_DEPTH)
        return fail (error, "brackets nest too deep");
      at++;
    }
  return at != NULL || fail (error, "a string that does not end, or a wrong escape");
}

JsonNode *
lsp_json_parse (gchar *text, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root;

  if (!g_utf8_validate_len (text, length, NULL))
    {
      fail (error, "it is not UTF-8");
      return NULL;
    }
  if (!mend (text, length, error)
      || !json_parser_load_from_data (parser, text, (gssize) length, error))
    return NULL;
  root = json_parser_steal_root (parser);
  if (root == NULL)
    fail (error, "it is empty");
  return root;
}

JsonNode *
lsp_json_get (JsonObject *object, const gchar *name)
{
  return object == NULL ? NULL : json_object_get_member (object, name);
}

static JsonObject *
to_object (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static const gchar *
to_string (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

JsonObject *
lsp_json_get_object (JsonObject *object, const gchar *name)
{
  return to_object (lsp_json_get (object, name));
}

JsonArray *
lsp_json_get_array (JsonObject *object, const gchar *name)
{
  JsonNode *node = lsp_json_get (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

const gchar *
lsp_json_get_string (JsonObject *object, const gchar *name)
{
  return to_string (lsp_json_get (object, name));
}

gint64
lsp_json_get_integer (JsonObject *object, const gchar *name)
{
  JsonNode *node = lsp_json_get (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_INT64
             ? json_node_get_int (node)
             : 0;
}

gboolean
lsp_json_get_boolean (JsonObject *object, const gchar *name)
{
  JsonNode *node = lsp_json_get (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_BOOLEAN && json_node_get_boolean (node);
}

JsonObject *
lsp_json_find_object (JsonObject *object, const gchar *path)
{
  g_auto (GStrv) names = g_strsplit (path, ".", -1);

  for (guint i = 0; names[i] != NULL; i++)
    object = lsp_json_get_object (object, names[i]);
  return object;
}

JsonObject *
lsp_json_array_get_object (JsonArray *array, guint index)
{
  return to_object (json_array_get_element (array, index));
}

const gchar *
lsp_json_array_get_string (JsonArray *array, guint index)
{
  return to_string (json_array_get_element (array, index));
}

gboolean
lsp_json_array_has_string (JsonArray *array, const gchar *string)
{
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    if (g_strcmp0 (lsp_json_array_get_string (array, i), string) == 0)
      return TRUE;
  return FALSE;
}
