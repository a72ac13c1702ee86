/* Owns the distance between words, for "did you mean": how many letters must be changed, added,
 * left out or swapped with their neighbour. Long words are not compared: the cost is the product of
 * the lengths. */
#include "similar.h"

#include <string.h>

#define MAX_LENGTH 60

void
idl_similar_init (IdlSimilar *similar, const gchar *wanted, gint64 *effort)
{
  similar->effort = effort;
  similar->wanted = wanted;
  similar->length = strlen (wanted);
  /* A third of the letters may differ. */
  similar->distance = (guint) MIN (similar->length, MAX_LENGTH) / 3 + 1;
  similar->best = NULL;
}

void
idl_similar_clear (IdlSimilar *similar)
{
  g_clear_pointer (&similar->best, g_free);
}

static guint
get_distance (const gchar *one, gsize one_length, const gchar *other, gsize other_length)
{
  guint rows[3][MAX_LENGTH + 1];

  for (gsize j = 0; j <= other_length; j++)
    rows[0][j] = (guint) j;
  for (gsize i = 1; i <= one_length; i++)
    {
      guint *row = rows[i % 3];
      const guint *above = rows[(i + 2) % 3];
      const guint *above_that = rows[(i + 1) % 3];

      row[0] = (guint) i;
      for (gsize j = 1; j <= other_length; j++)
        {
          /* A letter in the wrong case is hardly a mistake, but is one. */
          gboolean same = one[i - 1] == other[j - 1];
          guint distance = above[j - 1] + !same;

          distance = MIN (distance, MIN (above[j], row[j - 1]) + 1);
          if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
            distance = MIN (distance, above_that[j - 2] + 1);
          row[j] = distance;
        }
    }
  return rows[one_length % 3][other_length];
}

gboolean
idl_similar_offer (IdlSimilar *similar, const gchar *word)
{
  gsize length;
  gsize difference;
  guint distance;

  if (*similar->effort <= 0)
    return FALSE;
  length = strlen (word);
  *similar->effort -= (gint64) length + 1;
  difference = length > similar->length ? length - similar->length : similar->length - length;
  if (length > MAX_LENGTH || similar->length > MAX_LENGTH || difference >= similar->distance)
    return FALSE;
  *similar->effort -= (gint64) (length * similar->length);
  distance = g_ascii_strcasecmp (word, similar->wanted) == 0
                 ? 0
                 : get_distance (similar->wanted, similar->length, word, length);
  if (distance >= similar->distance)
    return FALSE;
  idl_similar_take (similar, word);
  similar->distance = distance;
  return TRUE;
}

void
idl_similar_take (IdlSimilar *similar, const gchar *word)
{
  g_free (similar->best);
  similar->best = g_strdup (word);
  similar->distance = 0;
}
