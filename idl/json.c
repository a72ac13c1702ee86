/* Owns how a string is written in JSON (RFC 8259, section 7), for diagnostics and for the dump. */
#include "json.h"

#include <string.h>

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
      if (character < 0x20 || character == 0x7f)
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
