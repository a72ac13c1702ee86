/* Owns the way between offsets in a text and the protocol's positions. A line may have megabytes, and a
 * thousand symbols in it, so the units before every 1024th byte of a source are counted once. */
#include "lsp-places.h"

#include <string.h>

#define STEP 1024

struct _LspPlaces
{
  LspEncoding encoding;
  const IdlOverlay *overlay;
  GHashTable *tables; /* IdlSource to GArray of guint32: units before each STEP bytes */
};

LspPlaces *
lsp_places_new (LspEncoding encoding, const IdlOverlay *overlay)
{
  LspPlaces *places = g_new0 (LspPlaces, 1);

  places->encoding = encoding;
  places->overlay = overlay;
  places->tables = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
  return places;
}

void
lsp_places_free (LspPlaces *places)
{
  if (places == NULL)
    return;
  g_hash_table_unref (places->tables);
  g_free (places);
}

/* The units of UTF-16 in the character that begins with @byte; none in its other bytes. */
static guint
count_units (guchar byte)
{
  return byte >= 0xf0 ? 2 : (byte & 0xc0) != 0x80;
}

static guint32
count_all_units (const gchar *text, gsize length)
{
  guint32 units = 0;

  for (gsize i = 0; i < length; i++)
    units += count_units ((guchar) text[i]);
  return units;
}

static const GArray *
get_table (LspPlaces *places, const IdlSource *source)
{
  GArray *table = g_hash_table_lookup (places->tables, source);
  gsize length;
  const gchar *text = idl_source_get_text (source, &length);
  guint32 units = 0;

  if (table != NULL)
    return table;
  table = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (gsize at = 0; at <= length; at += STEP)
    {
      g_array_append_val (table, units);
      units += count_all_units (text + at, MIN (STEP, length - at));
    }
  g_hash_table_insert (places->tables, (gpointer) source, table);
  return table;
}

/* The units before @offset. */
static guint32
count_before (LspPlaces *places, const IdlSource *source, gsize offset)
{
  const GArray *table = get_table (places, source);
  gsize length;
  const gchar *text = idl_source_get_text (source, &length);
  gsize step = offset / STEP;

  return g_array_index (table, guint32, step)
         + count_all_units (text + step * STEP, offset - step * STEP);
}

/* The bytes at the beginning of @source that the client does not see. */
static guint32
get_hidden (const LspPlaces *places, const IdlSource *source)
{
  gsize length;
  const gchar *text = idl_source_get_text (source, &length);
  const gchar *path = idl_source_get_path (source);

  return g_str_has_prefix (text, "\357\273\277") && g_path_is_absolute (path)
                 && !idl_overlay_has (places->overlay, path)
             ? 3
             : 0;
}

LspPosition
lsp_places_get_position (LspPlaces *places, const IdlSource *source, guint32 offset)
{
  IdlLocation location = { source, offset, 0 };
  gsize length;
  guint32 start;
  guint line, column;

  idl_source_get_text (source, &length);
  location.offset = (guint32) MIN (offset, length);
  idl_location_get_line (&location, &line, &column);
  start = location.offset - (column - 1);
  if (line == 1)
    start = MIN (get_hidden (places, source), location.offset);
  if (places->encoding == LSP_UTF8)
    return (LspPosition){ line - 1, location.offset - start };
  return (LspPosition){ line - 1, count_before (places, source, location.offset)
                                      - count_before (places, source, start) };
}

static void
write_position (IdlJson *json, const gchar *key, LspPosition position)
{
  idl_json_begin (json, key, '{', TRUE);
  idl_json_integer (json, "line", position.line);
  idl_json_integer (json, "character", position.character);
  idl_json_end (json, '{');
}

void
lsp_places_write_range (LspPlaces *places,
                        IdlJson *json,
                        const gchar *key,
                        const IdlLocation *location)
{
  LspPosition nowhere = { 0, 0 };

  idl_json_begin (json, key, '{', TRUE);
  if (location->source == NULL)
    {
      write_position (json, "start", nowhere);
      write_position (json, "end", nowhere);
    }
  else
    {
      write_position (json, "start",
                      lsp_places_get_position (places, location->source, location->offset));
      write_position (json, "end",
                      lsp_places_get_position (places, location->source,
                                               location->offset + location->length));
    }
  idl_json_end (json, '{');
}

/* Where the line after the one at @at begins; *@end: where that one ends. */
static gsize
skip_line (const gchar *text, gsize length, gsize at, gsize *end)
{
  while (at < length && text[at] != '\n' && text[at] != '\r')
    at++;
  *end = at;
  if (at < length)
    at += text[at] == '\r' && at + 1 < length && text[at + 1] == '\n' ? 2 : 1;
  return at;
}

gsize
lsp_position_get_offset (LspPosition position,
                         const gchar *text,
                         gsize length,
                         LspEncoding encoding)
{
  gsize at = 0, next, end, units = 0;

  for (guint i = 0; i < position.line; i++)
    {
      next = skip_line (text, length, at, &end);
      if (next == end) /* the last line */
        return length;
      at = next;
    }
  skip_line (text, length, at, &end);
  while (at < end)
    {
      gsize bytes = MIN ((gsize) g_utf8_skip[(guchar) text[at]], end - at);

      units += encoding == LSP_UTF8 ? bytes : count_units ((guchar) text[at]);
      if (units > position.character)
        break;
      at += bytes;
    }
  return at;
}

gchar *
lsp_uri_to_path (const gchar *uri)
{
  return g_filename_from_uri (uri, NULL, NULL);
}

gchar *
lsp_uri_from_path (const gchar *path)
{
  return g_filename_to_uri (path, NULL, NULL);
}
