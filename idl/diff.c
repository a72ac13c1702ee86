/* Owns the unified diff of two texts, by lines: Myers' "An O(ND) Difference Algorithm" (1986),
 * given up for one block when there are too many differences for its square of memory. */
#include "format.h"

#include <string.h>

#define CONTEXT 3
#define MAX_EDITS 2000

typedef struct
{
  const gchar *text;
  gsize length; /* with the line end */
} Line;

typedef struct
{
  const Line *old_lines;
  const Line *new_lines;
  gint old_count;
  gint new_count;
  GArray *edits; /* of gchar, in order: ' ' keep, '-' remove, '+' add */
} Diff;

static GArray *
split_lines (const gchar *text)
{
  GArray *lines = g_array_new (FALSE, FALSE, sizeof (Line));

  while (*text != '\0')
    {
      const gchar *end = strchr (text, '\n');
      Line line = { text, end == NULL ? strlen (text) : (gsize) (end + 1 - text) };

      g_array_append_val (lines, line);
      text += line.length;
    }
  return lines;
}

static gboolean
same_line (const Diff *diff, gint old_index, gint new_index)
{
  const Line *one = &diff->old_lines[old_index], *other = &diff->new_lines[new_index];

  return one->length == other->length && memcmp (one->text, other->text, one->length) == 0;
}

static void
prepend_edit (Diff *diff, gchar edit, gint times)
{
  for (gint i = 0; i < times; i++)
    g_array_append_val (diff->edits, edit); /* the array is turned round at the end */
}

/* Walks back through the furthest points of each number of edits. */
static void
trace_back (Diff *diff, const GPtrArray *rows, gint edits)
{
  gint x = diff->old_count, y = diff->new_count;

  for (gint d = edits; d > 0; d--)
    {
      const gint *row = (const gint *) g_ptr_array_index (rows, (guint) d - 1) + d;
      gint k = x - y;
      gboolean down = k == -d || (k != d && row[k - 1] < row[k + 1]);
      gint from_k = down ? k + 1 : k - 1;
      gint from_x = row[from_k], from_y = from_x - from_k;
      gint kept = down ? x - from_x : x - from_x - 1;

      prepend_edit (diff, ' ', kept);
      prepend_edit (diff, down ? '+' : '-', 1);
      x = from_x;
      y = from_y;
    }
  prepend_edit (diff, ' ', x);
  for (guint i = 0; i < diff->edits->len / 2; i++)
    {
      gchar *data = diff->edits->data;
      gchar swap = data[i];

      data[i] = data[diff->edits->len - 1 - i];
      data[diff->edits->len - 1 - i] = swap;
    }
}

static void
compare (Diff *diff)
{
  gint max = MIN (diff->old_count + diff->new_count, MAX_EDITS);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (g_free);

  /* rows[d][k + d + 1] is how far diagonal k reaches with at most d edits; row 0 is before any. */
  for (gint d = 0; d <= max; d++)
    {
      const gint *before =
          d == 0 ? NULL : (const gint *) g_ptr_array_index (rows, (guint) d - 1) + d;
      gint *row = g_new0 (gint, 2 * (gsize) d + 3);

      g_ptr_array_add (rows, row);
      row += d + 1;
      for (gint k = -d; k <= d; k += 2)
        {
          gint x = d == 0                                                 ? 0
                   : k == -d || (k != d && before[k - 1] < before[k + 1]) ? before[k + 1]
                                                                          : before[k - 1] + 1;

          while (x < diff->old_count && x - k < diff->new_count && same_line (diff, x, x - k))
            x++;
          row[k] = x;
          if (x >= diff->old_count && x - k >= diff->new_count)
            {
              trace_back (diff, rows, d);
              return;
            }
        }
    }
  prepend_edit (diff, '-', diff->old_count);
  prepend_edit (diff, '+', diff->new_count);
}

static void
append_line (GString *output, gchar mark, const Line *line)
{
  g_string_append_c (output, mark);
  g_string_append_len (output, line->text, (gssize) line->length);
  if (line->length == 0 || line->text[line->length - 1] != '\n')
    g_string_append (output, "\n\\ No newline at end of file\n");
}

/* Prints the edits from @first up to @last, which begin at the given lines. */
static void
append_hunk (
    GString *output, const Diff *diff, guint first, guint last, gint old_line, gint new_line)
{
  gint old_length = 0, new_length = 0;

  for (guint i = first; i < last; i++)
    {
      old_length += diff->edits->data[i] != '+';
      new_length += diff->edits->data[i] != '-';
    }
  g_string_append_printf (output, "@@ -%d,%d +%d,%d @@\n", old_length > 0 ? old_line + 1 : old_line,
                          old_length, new_length > 0 ? new_line + 1 : new_line, new_length);
  for (guint i = first; i < last; i++)
    {
      gchar edit = diff->edits->data[i];

      append_line (output, edit,
                   edit == '+' ? &diff->new_lines[new_line] : &diff->old_lines[old_line]);
      old_line += edit != '+';
      new_line += edit != '-';
    }
}

/* The end of the hunk that begins at @first: the edit after which more than twice the context is
 * kept. */
static guint
find_hunk_end (const Diff *diff, guint first)
{
  guint last_change = first;

  for (guint i = first; i < diff->edits->len && i <= last_change + 2 * CONTEXT + 1; i++)
    if (diff->edits->data[i] != ' ')
      last_change = i;
  return MIN (last_change + 1 + CONTEXT, diff->edits->len);
}

gchar *
idl_format_diff (const gchar *path, const gchar *old_text, const gchar *new_text)
{
  g_autoptr (GArray) old_lines = split_lines (old_text);
  g_autoptr (GArray) new_lines = split_lines (new_text);
  g_autoptr (GArray) edits = g_array_new (FALSE, FALSE, 1);
  Diff diff = { (const Line *) (gpointer) old_lines->data,
                (const Line *) (gpointer) new_lines->data, (gint) old_lines->len,
                (gint) new_lines->len, edits };
  GString *output = g_string_new (NULL);
  gint old_line = 0, new_line = 0;

  if (strcmp (old_text, new_text) == 0)
    return g_string_free (output, FALSE);
  compare (&diff);
  g_string_append_printf (output, "--- %s\n+++ %s\n", path, path);
  for (guint i = 0; i < edits->len;)
    {
      guint start = i, end, kept = 0;

      if (edits->data[i] == ' ')
        {
          old_line++;
          new_line++;
          i++;
          continue;
        }
      while (kept < CONTEXT && start > 0 && edits->data[start - 1] == ' ')
        {
          start--;
          kept++;
        }
      end = find_hunk_end (&diff, i);
      append_hunk (output, &diff, start, end, old_line - (gint) kept, new_line - (gint) kept);
      for (; i < end; i++)
        {
          old_line += edits->data[i] != '+';
          new_line += edits->data[i] != '-';
        }
    }
  return g_string_free (output, FALSE);
}
