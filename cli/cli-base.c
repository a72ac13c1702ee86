/* Owns how bytes are written as text, and how files are read. */
#include "cli-base.h"

#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>

/* What is read of an input, at most. */
#define INPUT_LIMIT (1 << 30)

static GByteArray *
parse_hex (const gchar *text, gsize length, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gint high = -1;

  for (gsize i = 0; i < length; i++)
    {
      gint digit = g_ascii_xdigit_value (text[i]);
      guint8 byte;

      if (g_ascii_isspace (text[i]))
        continue;
      if (digit < 0)
        {
          g_set_error (error, CLI_INPUT_ERROR, 0,
                       "character %" G_GSIZE_FORMAT " is no hexadecimal digit", i + 1);
          return NULL;
        }
      if (high < 0)
        {
          high = digit;
          continue;
        }
      byte = (guint8) (high << 4 | digit);
      g_byte_array_append (bytes, &byte, 1);
      high = -1;
    }
  if (high < 0)
    return g_steal_pointer (&bytes);
  g_set_error (error, CLI_INPUT_ERROR, 0,
               "half of a byte: the number of hexadecimal digits is odd");
  return NULL;
}

static gboolean
is_base64 (gchar character)
{
  return g_ascii_isalnum (character) || character == '+' || character == '/';
}

/* GLib's decoder passes over what it does not know. */
static GByteArray *
parse_base64 (const gchar *text, gsize length, GError **error)
{
  g_autoptr (GString) letters = g_string_new (NULL);
  gsize n_signs = 0;
  guchar *bytes;
  gsize size;

  for (gsize i = 0; i < length; i++)
    {
      if (g_ascii_isspace (text[i]))
        continue;
      if (text[i] == '=' ? ++n_signs > 2 : n_signs > 0 || !is_base64 (text[i]))
        {
          g_set_error (error, CLI_INPUT_ERROR, 0,
                       "character %" G_GSIZE_FORMAT " does not belong in base64", i + 1);
          return NULL;
        }
      if (text[i] != '=')
        g_string_append_c (letters, text[i]);
    }
  if (letters->len % 4 == 1 || (n_signs > 0 && (letters->len + n_signs) % 4 != 0))
    {
      g_set_error (error, CLI_INPUT_ERROR, 0,
                   "this is no whole base64: %" G_GSIZE_FORMAT " letters and %" G_GSIZE_FORMAT
                   " signs of equality",
                   letters->len, n_signs);
      return NULL;
    }
  while (letters->len % 4 != 0)
    g_string_append_c (letters, '=');
  bytes = g_base64_decode (letters->str, &size);
  return g_byte_array_new_take (bytes, size);
}

GByteArray *
cli_bytes_parse (const gchar *form, const gchar *text, gsize length, GError **error)
{
  if (g_str_equal (form, "$hex"))
    return parse_hex (text, length, error);
  if (g_str_equal (form, "$base64"))
    return parse_base64 (text, length, error);
  if (g_str_equal (form, "$text"))
    return g_byte_array_append (g_byte_array_new (), (const guint8 *) text, (guint) length);
  g_set_error (error, CLI_INPUT_ERROR, 0,
               "\"%s\" is no form of bytes; there are $hex, $base64 and $text", form);
  return NULL;
}

gchar *
cli_bytes_to_hex (const guint8 *bytes, gsize length)
{
  static const gchar digits[] = "0123456789abcdef";
  gchar *text = g_malloc (2 * length + 1);

  for (gsize i = 0; i < length; i++)
    {
      text[2 * i] = digits[bytes[i] >> 4];
      text[2 * i + 1] = digits[bytes[i] & 15];
    }
  text[2 * length] = '\0';
  return text;
}

gchar *
cli_read_file (const gchar *path, gsize *length, GError **error)
{
  const gboolean is_standard = g_str_equal (path, "-");
  g_autoptr (GFile) file = is_standard ? NULL : g_file_new_for_commandline_arg (path);
  g_autoptr (GInputStream) stream = is_standard ? g_unix_input_stream_new (STDIN_FILENO, FALSE)
                                                : (GInputStream *) g_file_read (file, NULL, error);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 buffer[65536];
  gssize got;

  if (stream == NULL)
    return NULL;
  while ((got = g_input_stream_read (stream, buffer, sizeof buffer, NULL, error)) > 0)
    {
      if (bytes->len + (gsize) got > INPUT_LIMIT)
        {
          g_set_error (error, CLI_INPUT_ERROR, 0, "%s has more than %d bytes", path, INPUT_LIMIT);
          return NULL;
        }
      g_byte_array_append (bytes, buffer, (guint) got);
    }
  if (got < 0)
    {
      g_prefix_error (error, "%s: ", is_standard ? "standard input" : path);
      return NULL;
    }
  *length = bytes->len;
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  return (gchar *) g_byte_array_free (g_steal_pointer (&bytes), FALSE);
}

gboolean
cli_read_each (const gchar *path, CliUseJson use, gpointer data, GError **error)
{
  const gchar *source = g_str_equal (path, "-") ? "standard input" : path;
  CliJsonReader reader;
  gsize length;
  g_autofree gchar *text = cli_read_file (path, &length, error);

  if (text == NULL)
    return FALSE;
  cli_json_reader_init (&reader, source, text, length);
  for (;;)
    {
      CliJson *json;

      if (!cli_json_read (&reader, &json, error))
        return FALSE;
      if (json == NULL)
        return TRUE;
      if (!use (data, json, source, error))
        return FALSE;
    }
}
