/* Owns how JSON is written (RFC 8259), for diagnostics and for the dump. */
#include "json.h"

#include <string.h>

/* What a terminal would take for a command, or what turns text around that is behind it. */
static gboolean
is_hidden (gunichar character)
{
  return g_unichar_iscntrl (character) || (character >= 0x202a && character <= 0x202e)
         || (character >= 0x2066 && character <= 0x2069);
}

static void
append_character (GString *json, gunichar character)
{
  switch (character)
    {
    case '"':
      g_string_append (json, "\\\"");
      break;
    case '\\':
      g_string_append (json, "\\\\");
      break;
    case '\n':
      g_string_append (json, "\\n");
      break;
    case '\r':
      g_string_append (json, "\\r");
      break;
    case '\t':
      g_string_append (json, "\\t");
      break;
    default:
      if (is_hidden (character))
        g_string_append_printf (json, "\\u%04x", character);
      else
        g_string_append_unichar (json, character);
    }
}

void
idl_json_append_string (GString *json, const gchar *text, gssize length)
{
  const gchar *end = text + (length < 0 ? (gssize) strlen (text) : length);

  g_string_append_c (json, '"');
  while (text < end)
    {
      gunichar character = g_utf8_get_char_validated (text, end - text);

      /* NUL is a character here; GLib calls it -2, as it does a cut-off sequence. */
      if (*text == '\0')
        character = 0;
      else if (character == (gunichar) -1 || character == (gunichar) -2)
        {
          g_string_append (json, "\357\277\275");
          text++;
          continue;
        }
      append_character (json, character);
      text += character == 0 ? 1 : g_utf8_skip[(guchar) *text];
    }
  g_string_append_c (json, '"');
}

void
idl_json_init (IdlJson *json)
{
  *json = (IdlJson){ .text = g_string_new (NULL), .first = TRUE };
}

gchar *
idl_json_finish (IdlJson *json)
{
  g_string_append_c (json->text, '\n');
  return g_string_free (g_steal_pointer (&json->text), FALSE);
}

static void
new_line (IdlJson *json)
{
  g_string_append_c (json->text, '\n');
  for (guint i = 0; i < json->depth; i++)
    g_string_append (json->text, "  ");
}

/* What stands before a value: the comma, the line, the key. */
static void
begin_value (IdlJson *json, const gchar *key)
{
  if (!json->first)
    g_string_append_c (json->text, ',');
  if (json->depth > 0 && json->flat == 0)
    new_line (json);
  else if (!json->first)
    g_string_append_c (json->text, ' ');
  json->first = FALSE;
  if (key == NULL)
    return;
  idl_json_append_string (json->text, key, -1);
  g_string_append (json->text, ": ");
}

void
idl_json_begin (IdlJson *json, const gchar *key, gchar bracket, gboolean flat)
{
  begin_value (json, key);
  g_string_append_c (json->text, bracket);
  json->depth++;
  if (flat || json->flat > 0)
    json->flat++;
  json->first = TRUE;
}

void
idl_json_end (IdlJson *json, gchar bracket)
{
  gboolean empty = json->first;

  json->depth--;
  if (json->flat > 0)
    json->flat--;
  else if (!empty)
    new_line (json);
  g_string_append_c (json->text, bracket == '{' ? '}' : ']');
  json->first = FALSE;
}

void
idl_json_bytes (IdlJson *json, const gchar *key, const gchar *value, gssize length)
{
  begin_value (json, key);
  idl_json_append_string (json->text, value, length);
}

void
idl_json_string (IdlJson *json, const gchar *key, const gchar *value)
{
  if (value != NULL)
    idl_json_bytes (json, key, value, -1);
}

void
idl_json_integer (IdlJson *json, const gchar *key, gint64 value)
{
  begin_value (json, key);
  g_string_append_printf (json->text, "%" G_GINT64_FORMAT, value);
}

void
idl_json_double (IdlJson *json, const gchar *key, gdouble value)
{
  gchar buffer[G_ASCII_DTOSTR_BUF_SIZE];

  begin_value (json, key);
  g_string_append (json->text, g_ascii_dtostr (buffer, sizeof buffer, value));
}

void
idl_json_boolean (IdlJson *json, const gchar *key, gboolean value)
{
  begin_value (json, key);
  g_string_append (json->text, value ? "true" : "false");
}

void
idl_json_raw (IdlJson *json, const gchar *key, const gchar *text)
{
  begin_value (json, key);
  g_string_append (json->text, text);
}

void
idl_json_null (IdlJson *json, const gchar *key)
{
  begin_value (json, key);
  g_string_append (json->text, "null");
}
