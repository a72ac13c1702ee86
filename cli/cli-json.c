/* Owns how JSON is read. What the values are for it does not know. */
#include "cli-json.h"

#include <errno.h>
#include <string.h>

/* Brackets within brackets. */
#define MAX_JSON_DEPTH 100

G_DEFINE_QUARK (cli - input - error - quark, cli_input_error)

static CliJson *read_any (CliJsonReader *self, GError **error);

CliJson *
cli_json_new_string (const gchar *text)
{
  CliJson *json = g_new0 (CliJson, 1);

  json->kind = CLI_JSON_STRING;
  json->text = g_strdup (text);
  json->length = strlen (text);
  return json;
}

void
cli_json_free (CliJson *json)
{
  if (json == NULL)
    return;
  g_free (json->text);
  g_clear_pointer (&json->items, g_ptr_array_unref);
  g_clear_pointer (&json->names, g_ptr_array_unref);
  g_free (json);
}

static gboolean
fail_reading (const CliJsonReader *self, const gchar *at, GError **error, const gchar *format, ...)
    G_GNUC_PRINTF (4, 5);

static gboolean
fail_reading (const CliJsonReader *self, const gchar *at, GError **error, const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s:%u:%u: %s", self->name, self->line,
               (guint) (at - self->line_start) + 1, message);
  return FALSE;
}

void
cli_json_reader_init (CliJsonReader *self, const gchar *name, const gchar *text, gsize length)
{
  *self = (CliJsonReader){
    .name = name, .cursor = text, .end = text + length, .line_start = text, .line = 1
  };
}

static void
skip_space (CliJsonReader *self)
{
  for (; self->cursor < self->end && strchr (" \t\r\n", *self->cursor) != NULL
         && *self->cursor != '\0';
       self->cursor++)
    if (*self->cursor == '\n')
      {
        self->line++;
        self->line_start = self->cursor + 1;
      }
}

static gboolean
take (CliJsonReader *self, gchar character)
{
  skip_space (self);
  if (self->cursor == self->end || *self->cursor != character)
    return FALSE;
  self->cursor++;
  return TRUE;
}

static CliJson *
new_value (const CliJsonReader *self, CliJsonKind kind)
{
  CliJson *value = g_new0 (CliJson, 1);

  value->kind = kind;
  value->line = self->line;
  value->column = (guint) (self->cursor - self->line_start) + 1;
  return value;
}

/* ---- strings ---- */

/* The number of `XXXX` at the cursor; -1: it is none. */
static gint
read_digits (CliJsonReader *self)
{
  gint number = 0;

  if (self->end - self->cursor < 4)
    return -1;
  for (guint i = 0; i < 4; i++)
    {
      if (!g_ascii_isxdigit (self->cursor[i]))
        return -1;
      number = number * 16 + g_ascii_xdigit_value (self->cursor[i]);
    }
  self->cursor += 4;
  return number;
}

/* Behind `\u`. */
static gboolean
read_unicode (CliJsonReader *self, GString *text, GError **error)
{
  const gchar *start = self->cursor - 2;
  gint high = read_digits (self);
  gint low;

  if (high < 0)
    return fail_reading (self, start, error, "\\u needs four hexadecimal digits");
  if (high < 0xd800 || high >= 0xe000)
    {
      if (high == 0)
        g_string_append_c (text, '\0');
      else
        g_string_append_unichar (text, (gunichar) high);
      return TRUE;
    }
  if (high < 0xdc00 && self->end - self->cursor >= 6 && memcmp (self->cursor, "\\u", 2) == 0)
    {
      self->cursor += 2;
      low = read_digits (self);
      if (low >= 0xdc00 && low < 0xe000)
        {
          g_string_append_unichar (text, 0x10000 + ((gunichar) (high - 0xd800) << 10)
                                             + (gunichar) (low - 0xdc00));
          return TRUE;
        }
    }
  return fail_reading (self, start, error, "half of a surrogate pair");
}

static gboolean
read_escape (CliJsonReader *self, GString *text, GError **error)
{
  static const gchar letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  const gchar *known;
  gchar letter;

  if (self->cursor + 1 >= self->end)
    return fail_reading (self, self->cursor, error, "the text ends within a string");
  letter = self->cursor[1];
  self->cursor += 2;
  if (letter == 'u')
    return read_unicode (self, text, error);
  known = letter != '\0' ? strchr (letters, letter) : NULL;
  if (known == NULL)
    return fail_reading (self, self->cursor - 2, error, "there is no such escape in JSON");
  g_string_append_c (text, meanings[known - letters]);
  return TRUE;
}

static gboolean
read_character (CliJsonReader *self, GString *text, GError **error)
{
  gunichar character;
  gsize length;

  if (*self->cursor == '\\')
    return read_escape (self, text, error);
  if ((guchar) *self->cursor < 0x20)
    return fail_reading (self, self->cursor, error,
                         "a control character in a string must be written as \\u%04x",
                         (guint) *self->cursor);
  character = g_utf8_get_char_validated (self->cursor, self->end - self->cursor);
  if (character == (gunichar) -1 || character == (gunichar) -2)
    return fail_reading (self, self->cursor, error, "this is no UTF-8");
  length = (gsize) g_utf8_skip[(guchar) *self->cursor];
  g_string_append_len (text, self->cursor, (gssize) length);
  self->cursor += length;
  return TRUE;
}

/* The string whose quotation mark the cursor is at. (nullable) (transfer full) */
static GString *
read_string (CliJsonReader *self, GError **error)
{
  const gchar *start = self->cursor++;
  GString *text = g_string_new (NULL);

  while (self->cursor < self->end && *self->cursor != '"')
    if (!read_character (self, text, error))
      {
        g_string_free (text, TRUE);
        return NULL;
      }
  if (self->cursor < self->end)
    {
      self->cursor++;
      return text;
    }
  fail_reading (self, start, error, "the string that begins here has no end");
  g_string_free (text, TRUE);
  return NULL;
}

/* ---- numbers ---- */

static const gchar *
skip_digits (const gchar *at, const gchar *end)
{
  while (at < end && g_ascii_isdigit (*at))
    at++;
  return at;
}

/* (nullable): where the number at the cursor ends, and whether it is an integer. */
static const gchar *
find_number_end (const CliJsonReader *self, gboolean *is_integer)
{
  const gchar *at = self->cursor + (*self->cursor == '-');
  const gchar *digits = at;

  at = skip_digits (at, self->end);
  if (at == digits || (*digits == '0' && at > digits + 1))
    return NULL;
  *is_integer = TRUE;
  if (at < self->end && *at == '.')
    {
      *is_integer = FALSE;
      digits = ++at;
      at = skip_digits (at, self->end);
      if (at == digits)
        return NULL;
    }
  if (at < self->end && (*at == 'e' || *at == 'E'))
    {
      *is_integer = FALSE;
      at++;
      if (at < self->end && (*at == '+' || *at == '-'))
        at++;
      digits = at;
      at = skip_digits (at, self->end);
      if (at == digits)
        return NULL;
    }
  return at;
}

static CliJson *
read_number (CliJsonReader *self, GError **error)
{
  g_autoptr (CliJson) value = new_value (self, CLI_JSON_INTEGER);
  g_autofree gchar *word = NULL;
  gboolean is_integer;
  const gchar *end = find_number_end (self, &is_integer);

  if (end == NULL)
    {
      fail_reading (self, self->cursor, error, "this is no number of JSON");
      return NULL;
    }
  word = g_strndup (self->cursor, (gsize) (end - self->cursor));
  if (!is_integer
      || !g_ascii_string_to_signed (word, 10, G_MININT64, G_MAXINT64, &value->integer, NULL))
    {
      value->kind = is_integer ? CLI_JSON_LARGE : CLI_JSON_DOUBLE;
      errno = 0;
      value->number = g_ascii_strtod (word, NULL);
      if (errno == ERANGE && (value->number > 1 || value->number < -1))
        {
          fail_reading (self, self->cursor, error, "%.40s is larger than any double", word);
          return NULL;
        }
    }
  self->cursor = end;
  return g_steal_pointer (&value);
}

/* ---- arrays and objects ---- */

static void
free_item (gpointer item)
{
  cli_json_free (item);
}

static gboolean
read_member_name (CliJsonReader *self, CliJson *object, GHashTable *known, GError **error)
{
  const gchar *start;
  GString *name;

  skip_space (self);
  start = self->cursor;
  if (self->cursor == self->end || *self->cursor != '"')
    return fail_reading (self, self->cursor, error,
                         "a member's name in quotation marks is missing here");
  name = read_string (self, error);
  if (name == NULL)
    return FALSE;
  if (strlen (name->str) != name->len || !g_hash_table_add (known, name->str))
    {
      fail_reading (self, start, error,
                    strlen (name->str) != name->len ? "NUL in a member's name: \"%s\""
                                                    : "there are two members \"%s\"",
                    name->str);
      g_string_free (name, TRUE);
      return FALSE;
    }
  g_ptr_array_add (object->names, g_string_free (name, FALSE));
  return take (self, ':') || fail_reading (self, self->cursor, error, "a colon is missing here");
}

static gboolean
read_items (CliJsonReader *self, CliJson *value, gchar closing, GError **error)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

  if (take (self, closing))
    return TRUE;
  do
    {
      CliJson *item;

      if (value->kind == CLI_JSON_OBJECT && !read_member_name (self, value, known, error))
        return FALSE;
      item = read_any (self, error);
      if (item == NULL)
        return FALSE;
      g_ptr_array_add (value->items, item);
    }
  while (take (self, ','));
  return take (self, closing)
         || fail_reading (self, self->cursor, error, "a comma or \"%c\" is missing here", closing);
}

static CliJson *
read_container (CliJsonReader *self, CliJsonKind kind, gchar closing, GError **error)
{
  g_autoptr (CliJson) value = new_value (self, kind);

  if (self->depth == MAX_JSON_DEPTH)
    {
      fail_reading (self, self->cursor, error, "brackets nest deeper than %d", MAX_JSON_DEPTH);
      return NULL;
    }
  value->items = g_ptr_array_new_with_free_func (free_item);
  if (kind == CLI_JSON_OBJECT)
    value->names = g_ptr_array_new_with_free_func (g_free);
  self->cursor++;
  self->depth++;
  if (!read_items (self, value, closing, error))
    return NULL;
  self->depth--;
  return g_steal_pointer (&value);
}

/* ---- values ---- */

static CliJson *
read_word (CliJsonReader *self, GError **error)
{
  static const struct
  {
    const gchar *word;
    CliJsonKind kind;
    gint64 integer;
  } words[] = { { "null", CLI_JSON_NULL, 0 },
                { "true", CLI_JSON_BOOLEAN, TRUE },
                { "false", CLI_JSON_BOOLEAN, FALSE } };
  const gchar *at = self->cursor;
  gsize length;

  while (at < self->end && g_ascii_isalpha (*at))
    at++;
  length = (gsize) (at - self->cursor);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (length == strlen (words[i].word) && memcmp (self->cursor, words[i].word, length) == 0)
      {
        CliJson *value = new_value (self, words[i].kind);

        value->integer = words[i].integer;
        self->cursor = at;
        return value;
      }
  fail_reading (self, self->cursor, error, "this is no value of JSON");
  return NULL;
}

static CliJson *
read_any (CliJsonReader *self, GError **error)
{
  skip_space (self);
  if (self->cursor == self->end)
    {
      fail_reading (self, self->cursor, error, "a value is missing at the end of the text");
      return NULL;
    }
  if (*self->cursor == '{')
    return read_container (self, CLI_JSON_OBJECT, '}', error);
  if (*self->cursor == '[')
    return read_container (self, CLI_JSON_ARRAY, ']', error);
  if (*self->cursor == '"')
    {
      g_autoptr (CliJson) value = new_value (self, CLI_JSON_STRING);
      GString *text = read_string (self, error);

      if (text == NULL)
        return NULL;
      value->length = text->len;
      value->text = g_string_free (text, FALSE);
      return g_steal_pointer (&value);
    }
  if (*self->cursor == '-' || g_ascii_isdigit (*self->cursor))
    return read_number (self, error);
  return read_word (self, error);
}

gboolean
cli_json_read (CliJsonReader *self, CliJson **value, GError **error)
{
  *value = NULL;
  skip_space (self);
  if (self->cursor == self->end)
    return TRUE;
  *value = read_any (self, error);
  return *value != NULL;
}

CliJson *
cli_json_parse (const gchar *name, const gchar *text, gsize length, GError **error)
{
  CliJsonReader reader;
  g_autoptr (CliJson) value = NULL;

  cli_json_reader_init (&reader, name, text, length);
  value = read_any (&reader, error);
  if (value == NULL)
    return NULL;
  skip_space (&reader);
  if (reader.cursor < reader.end)
    {
      fail_reading (&reader, reader.cursor, error, "there is more behind the value");
      return NULL;
    }
  return g_steal_pointer (&value);
}

const CliJson *
cli_json_get (const CliJson *json, const gchar *name)
{
  for (guint i = 0; json->kind == CLI_JSON_OBJECT && i < json->names->len; i++)
    if (g_str_equal (g_ptr_array_index (json->names, i), name))
      return g_ptr_array_index (json->items, i);
  return NULL;
}

const gchar *
cli_json_describe (const CliJson *json)
{
  static const gchar *const names[] = {
    [CLI_JSON_NULL] = "null",        [CLI_JSON_BOOLEAN] = "a boolean",
    [CLI_JSON_INTEGER] = "a number", [CLI_JSON_LARGE] = "a number beyond i64",
    [CLI_JSON_STRING] = "a string",  [CLI_JSON_ARRAY] = "an array",
    [CLI_JSON_OBJECT] = "an object", [CLI_JSON_DOUBLE] = "a number with a fraction or exponent",
  };

  return names[json->kind];
}
