/* Owns how bytes are shown beside what they say. */
#include "cli-wire.h"

/* Bytes in a line. */
#define WIDTH 12
/* Lines of one piece; of a longer one the middle is left out. */
#define MAX_LINES 4

static void
append_line (GString *text, const guint8 *bytes, gsize start, gsize length)
{
  g_string_append_printf (text, "  %04" G_GSIZE_MODIFIER "x  ", start);
  for (gsize i = 0; i < WIDTH; i++)
    if (i < length)
      g_string_append_printf (text, "%02x ", bytes[start + i]);
    else
      g_string_append (text, "   ");
}

static void
end_line (GString *text)
{
  while (text->len > 0 && text->str[text->len - 1] == ' ')
    g_string_truncate (text, text->len - 1);
  g_string_append_c (text, '\n');
}

static void
append_piece (GString *text, const CliPiece *piece, const guint8 *bytes)
{
  const gsize n_lines = (piece->length + WIDTH - 1) / WIDTH;

  for (gsize line = 0; line < n_lines; line++)
    {
      const gsize offset = line * WIDTH;

      if (n_lines > MAX_LINES && line == MAX_LINES - 1)
        {
          g_string_append_printf (text, "        ... %" G_GSIZE_FORMAT " more\n",
                                  piece->length - offset);
          return;
        }
      append_line (text, bytes, piece->start + offset,
                   piece->length - offset < WIDTH ? piece->length - offset : WIDTH);
      if (line == 0)
        g_string_append_printf (text, " %*s%s", (int) piece->depth * 2, "", piece->text);
      end_line (text);
    }
}

void
cli_wire_annotate (GString *text, const GPtrArray *pieces, const guint8 *bytes)
{
  for (guint i = 0; i < pieces->len; i++)
    append_piece (text, g_ptr_array_index (pieces, i), bytes);
}
