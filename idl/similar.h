/* Which of many words is most like a given one. */
#ifndef IDL_SIMILAR_H
#define IDL_SIMILAR_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const gchar *wanted;
  gsize length;
  guint distance; /* of the best; a worse one is not taken */
  gchar *best;    /* (nullable) */
  gint64 *effort; /* what may still be spent on comparing; none is made when it is used up */
} IdlSimilar;

void idl_similar_init (IdlSimilar *similar, const gchar *wanted, gint64 *effort);
void idl_similar_clear (IdlSimilar *similar);
/* TRUE when @word is the best so far. */
gboolean idl_similar_offer (IdlSimilar *similar, const gchar *word);
/* @word is the best, whatever it looks like. */
void idl_similar_take (IdlSimilar *similar, const gchar *word);

G_END_DECLS

#endif /* IDL_SIMILAR_H */
