/* Headers as bytes, for what writes and reads them. */
#ifndef TALLY_HEADERS_PRIVATE_H
#define TALLY_HEADERS_PRIVATE_H

#include "tally-headers.h"

G_BEGIN_DECLS

/* Bytes that are somebody else's, or a header's own. */
typedef struct
{
  const guint8 *bytes;
  gsize length;
} TallyHeaderText;

/* Sets one. FALSE: there are TALLY_HEADERS_MAX already. */
gboolean tally_headers_put (TallyHeaders *self, TallyHeaderText name, TallyHeaderText value);
/* The header at @index, which there is. */
void tally_headers_get (const TallyHeaders *self,
                        guint index,
                        TallyHeaderText *name,
                        TallyHeaderText *value);
/* Makes @self have what @other has, and nothing else. */
void tally_headers_assign (TallyHeaders *self, const TallyHeaders *other);

G_END_DECLS

#endif /* TALLY_HEADERS_PRIVATE_H */
