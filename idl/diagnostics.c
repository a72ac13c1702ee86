/* Owns what is said about a source and the two forms in which it is shown. It knows no rule of the
 * language. A source line is foreign text: it is cut to a window around the mistake (a line can
 * have 10 MB) and its control characters do not reach the terminal. */
#include "diagnostics.h"

#include "allow.h"
#include "json.h"

#include <string.h>

/* Bytes of a source line that are shown before and after the mistake. */
#define WINDOW_BEFORE 80
#define WINDOW_AFTER 80
/* Bytes of a message, but for an ellipsis. */
#define MESSAGE_MAX 600

struct _IdlDiagnostics
{
  GPtrArray *items;
  GHashTable *allows; /* IdlSource to IdlAllow: made by a source's first warning */
  guint counts[IDL_ERROR + 1];
  guint kept[IDL_ERROR + 1];
  guint warnings[IDL_N_RULES]; /* how many of the counted warnings each rule gave */
  gboolean dropping;           /* the last error or warning was not kept */
};

static const gchar *const severity_names[] = { "note", "warning", "error" };

/* A message names what the text names, which may have 10 MB. */
static void
shorten (gchar *message)
{
  gsize length = strlen (message);
  gsize head = MESSAGE_MAX / 2, tail = length - MESSAGE_MAX / 2;

  if (length <= MESSAGE_MAX)
    return;
  while (head > 0 && ((guchar) message[head] & 0xc0) == 0x80)
    head--;
  while (tail < length && ((guchar) message[tail] & 0xc0) == 0x80)
    tail++;
  memcpy (message + head, "...", 3);
  memmove (message + head + 3, message + tail, length - tail + 1);
}

static void
diagnostic_free (gpointer data)
{
  IdlDiagnostic *diagnostic = data;

  g_free (diagnostic->message);
  g_free (diagnostic);
}

IdlDiagnostics *
idl_diagnostics_new (void)
{
  IdlDiagnostics *diagnostics = g_new0 (IdlDiagnostics, 1);

  diagnostics->items = g_ptr_array_new_with_free_func (diagnostic_free);
  diagnostics->allows = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) idl_allow_free);
  return diagnostics;
}

void
idl_diagnostics_free (IdlDiagnostics *diagnostics)
{
  if (diagnostics == NULL)
    return;
  g_ptr_array_unref (diagnostics->items);
  g_hash_table_unref (diagnostics->allows);
  g_free (diagnostics);
}

static gboolean
is_allowed (IdlDiagnostics *diagnostics, IdlRule rule, const IdlLocation *location)
{
  IdlAllow *allow;
  guint line, column;

  if (location == NULL || location->source == NULL)
    return FALSE;
  allow = g_hash_table_lookup (diagnostics->allows, location->source);
  if (allow == NULL)
    {
      allow = idl_allow_new (location->source);
      g_hash_table_insert (diagnostics->allows, (gpointer) location->source, allow);
    }
  idl_location_get_line (location, &line, &column);
  return idl_allow_has (allow, line, rule);
}

static void
keep (IdlDiagnostics *diagnostics,
      IdlRule rule,
      IdlSeverity severity,
      const IdlLocation *location,
      gchar *message)
{
  IdlDiagnostic *diagnostic = g_new0 (IdlDiagnostic, 1);

  diagnostics->kept[severity]++;
  diagnostic->severity = severity;
  diagnostic->rule = rule;
  if (location != NULL)
    diagnostic->location = *location;
  diagnostic->message = message;
  shorten (message);
  g_ptr_array_add (diagnostics->items, diagnostic);
}

void
idl_diagnostics_add (IdlDiagnostics *diagnostics,
                     IdlRule rule,
                     IdlSeverity severity,
                     const IdlLocation *location,
                     const gchar *format,
                     ...)
{
  va_list arguments;

  if (severity == IDL_WARNING && is_allowed (diagnostics, rule, location))
    {
      diagnostics->dropping = TRUE;
      return;
    }
  diagnostics->counts[severity]++;
  if (severity == IDL_WARNING)
    diagnostics->warnings[rule]++;
  diagnostics->dropping = diagnostics->kept[severity] >= IDL_DIAGNOSTICS_MAX_KEPT;
  if (diagnostics->dropping)
    return;
  va_start (arguments, format);
  keep (diagnostics, rule, severity, location, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

void
idl_diagnostics_add_note (IdlDiagnostics *diagnostics,
                          const IdlLocation *location,
                          const gchar *format,
                          ...)
{
  va_list arguments;

  if (diagnostics->dropping)
    return;
  diagnostics->counts[IDL_NOTE]++;
  va_start (arguments, format);
  keep (diagnostics, IDL_N_RULES, IDL_NOTE, location, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

/* @count counted warnings, of which @kept are kept, become errors. */
static void
move_counts (IdlDiagnostics *diagnostics, guint count, guint kept)
{
  diagnostics->counts[IDL_WARNING] -= count;
  diagnostics->counts[IDL_ERROR] += count;
  diagnostics->kept[IDL_WARNING] -= kept;
  diagnostics->kept[IDL_ERROR] += kept;
}

gboolean
idl_diagnostics_promote (IdlDiagnostics *diagnostics, IdlRule rule)
{
  guint count = 0, kept = 0;

  for (guint i = 0; i < IDL_N_RULES; i++)
    if (rule == IDL_N_RULES || rule == i)
      {
        count += diagnostics->warnings[i];
        diagnostics->warnings[i] = 0;
      }
  for (guint i = 0; i < diagnostics->items->len; i++)
    {
      IdlDiagnostic *item = g_ptr_array_index (diagnostics->items, i);

      if (item->severity != IDL_WARNING || (rule != IDL_N_RULES && rule != item->rule))
        continue;
      item->severity = IDL_ERROR;
      kept++;
    }
  move_counts (diagnostics, count, kept);
  return count > 0;
}

void
idl_diagnostics_drop_warnings (IdlDiagnostics *diagnostics)
{
  guint index = 0;
  gboolean dropping = FALSE;

  while (index < diagnostics->items->len)
    {
      const IdlDiagnostic *item = g_ptr_array_index (diagnostics->items, index);

      if (item->severity != IDL_NOTE)
        dropping = item->severity == IDL_WARNING;
      if (dropping)
        g_ptr_array_remove_index (diagnostics->items, index);
      else
        index++;
    }
  memset (diagnostics->warnings, 0, sizeof diagnostics->warnings);
  diagnostics->counts[IDL_WARNING] = diagnostics->kept[IDL_WARNING] = 0;
}

guint
idl_diagnostics_count (const IdlDiagnostics *diagnostics, IdlSeverity severity)
{
  return diagnostics->counts[severity];
}

const GPtrArray *
idl_diagnostics_get (const IdlDiagnostics *diagnostics)
{
  return diagnostics->items;
}

/* As idl_append_shown (), or, with @blanks, a blank for each column that the text would take instead (tabs stay tabs). */
static void
append_shown (GString *output, const gchar *text, gsize length, gboolean blanks)
{
  const gchar *end = text + length;

  while (text < end)
    {
      gunichar character = g_utf8_get_char_validated (text, end - text);
      gboolean valid = character != (gunichar) -1 && character != (gunichar) -2;
      gsize bytes = valid ? g_utf8_skip[(guchar) *text] : 1;

      if (*text == '\t')
        g_string_append_c (output, '\t');
      else if (blanks)
        {
          if (!valid || !g_unichar_iszerowidth (character))
            g_string_append (output, valid && g_unichar_iswide (character) ? "  " : " ");
        }
      else if (!valid || !g_unichar_isprint (character))
        g_string_append_c (output, '?');
      else
        g_string_append_len (output, text, bytes);
      text += bytes;
    }
}

void
idl_append_shown (GString *output, const gchar *text, gsize length)
{
  append_shown (output, text, length, FALSE);
}

/* A cut inside a UTF-8 character moves back to its first byte. */
static gsize
align_to_character (const gchar *text, gsize at)
{
  for (guint i = 0; i < 3 && at > 0 && ((guchar) text[at] & 0xc0) == 0x80; i++)
    at--;
  return at;
}

static void
append_source_line (GString *output, const IdlLocation *location, guint line)
{
  guint32 start;
  gsize length;
  const gchar *text = idl_source_get_line (location->source, line, &length, &start);
  gsize at = MIN (location->offset - start, length);
  gsize mark = MIN (MAX (location->length, 1), length - at);
  gsize first = at > WINDOW_BEFORE ? align_to_character (text, at - WINDOW_BEFORE) : 0;
  gsize last = length - at > WINDOW_AFTER ? align_to_character (text, at + WINDOW_AFTER) : length;
  glong columns;

  g_string_append (output, first > 0 ? "  ..." : "  ");
  append_shown (output, text + first, last - first, FALSE);
  g_string_append (output, last < length ? "...\n" : "\n");
  g_string_append (output, first > 0 ? "     " : "  ");
  append_shown (output, text + first, at - first, TRUE);
  g_string_append_c (output, '^');
  mark = MIN (mark, last - at);
  columns = g_utf8_validate (text + at, (gssize) mark, NULL)
                ? g_utf8_strlen (text + at, (gssize) mark)
                : (glong) mark;
  for (glong i = 1; i < columns; i++)
    g_string_append_c (output, '~');
  g_string_append_c (output, '\n');
}

static void
append_diagnostic (GString *output, const IdlDiagnostic *diagnostic)
{
  const IdlLocation *location = &diagnostic->location;
  guint line = 0, column;

  if (location->source != NULL)
    {
      const gchar *path = idl_source_get_path (location->source);

      idl_location_get_line (location, &line, &column);
      append_shown (output, path, strlen (path), FALSE);
      g_string_append_printf (output, ":%u:%u: ", line, column);
    }
  g_string_append_printf (output, "%s: ", severity_names[diagnostic->severity]);
  append_shown (output, diagnostic->message, strlen (diagnostic->message), FALSE);
  if (diagnostic->severity != IDL_NOTE)
    g_string_append_printf (output, " [%s]", idl_rule_get_id (diagnostic->rule));
  g_string_append_c (output, '\n');
  if (location->source != NULL)
    append_source_line (output, location, line);
}

gchar *
idl_diagnostics_to_string (const IdlDiagnostics *diagnostics)
{
  GString *output = g_string_new (NULL);
  guint hidden = diagnostics->counts[IDL_ERROR] - diagnostics->kept[IDL_ERROR]
                 + diagnostics->counts[IDL_WARNING] - diagnostics->kept[IDL_WARNING];

  for (guint i = 0; i < diagnostics->items->len; i++)
    append_diagnostic (output, g_ptr_array_index (diagnostics->items, i));
  if (hidden > 0)
    g_string_append_printf (output, "note: %u more errors and warnings are not shown\n", hidden);
  return g_string_free (output, FALSE);
}

void
idl_diagnostics_print (const IdlDiagnostics *diagnostics, FILE *stream)
{
  g_autofree gchar *text = idl_diagnostics_to_string (diagnostics);
  g_autofree gchar *local = NULL;
  const gchar *charset;

  if (!g_get_charset (&charset))
    local = g_convert_with_fallback (text, -1, charset, "UTF-8", "?", NULL, NULL, NULL);
  fputs (local != NULL ? local : text, stream);
}

static void
append_json_place (GString *json, const IdlDiagnostic *diagnostic)
{
  guint line, column;

  if (diagnostic->location.source != NULL)
    {
      idl_location_get_line (&diagnostic->location, &line, &column);
      g_string_append (json, "\"file\": ");
      idl_json_append_string (json, idl_source_get_path (diagnostic->location.source), -1);
      g_string_append_printf (json, ", \"line\": %u, \"column\": %u, \"length\": %u, ", line,
                              column, diagnostic->location.length);
    }
  g_string_append (json, "\"message\": ");
  idl_json_append_string (json, diagnostic->message, -1);
}

/* Appends the notes that follow item @index; returns the index of the last one. */
static guint
append_json_notes (GString *json, const GPtrArray *items, guint index)
{
  gboolean first = TRUE;

  g_string_append (json, ", \"notes\": [");
  while (index + 1 < items->len)
    {
      const IdlDiagnostic *note = g_ptr_array_index (items, index + 1);

      if (note->severity != IDL_NOTE)
        break;
      g_string_append (json, first ? "{" : ", {");
      append_json_place (json, note);
      g_string_append_c (json, '}');
      first = FALSE;
      index++;
    }
  g_string_append_c (json, ']');
  return index;
}

gchar *
idl_diagnostics_to_json (const IdlDiagnostics *diagnostics)
{
  GString *json = g_string_new ("{\"diagnostics\": [");

  for (guint i = 0; i < diagnostics->items->len; i++)
    {
      const IdlDiagnostic *diagnostic = g_ptr_array_index (diagnostics->items, i);

      g_string_append (json, i > 0 ? ",\n  {" : "\n  {");
      g_string_append_printf (json, "\"severity\": \"%s\", \"id\": \"%s\", ",
                              severity_names[diagnostic->severity],
                              idl_rule_get_id (diagnostic->rule));
      append_json_place (json, diagnostic);
      i = append_json_notes (json, diagnostics->items, i);
      g_string_append_c (json, '}');
    }
  g_string_append_printf (json, "],\n \"errors\": %u, \"warnings\": %u}\n",
                          diagnostics->counts[IDL_ERROR], diagnostics->counts[IDL_WARNING]);
  return g_string_free (json, FALSE);
}
