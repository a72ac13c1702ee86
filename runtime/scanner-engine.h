/* What the scanners' instances share before the walk itself: its steps, and what it looks at. Included by
 * scanner-binary.c and scanner-compact.c only. */
#ifndef TALLY_SCANNER_ENGINE_H
#define TALLY_SCANNER_ENGINE_H

#include "scanner-private.h"

G_BEGIN_DECLS

typedef enum
{
  STEP_DONE,   /* the position moved on */
  STEP_MORE,   /* bytes are missing; nothing changed */
  STEP_INVALID /* no reader would accept this */
} Step;

typedef enum
{
  LEVEL_STRUCT,
  LEVEL_LIST, /* sets as well */
  LEVEL_MAP
} LevelKind;

/* What a step looks at. */
typedef struct
{
  const guint8 *bytes;
  guint64 length;
  guint64 position;
} Cursor;

static inline gboolean
has (const Cursor *cursor, guint64 count)
{
  return cursor->position <= cursor->length && cursor->length - cursor->position >= count;
}

/* A result has one field. An exception has two, and perhaps one that this library does not know. */
static inline guint
find_max_fields (guint message_type)
{
  return message_type == T_REPLY ? 1 : message_type == T_EXCEPTION ? 3 : 0;
}

G_END_DECLS

#endif /* TALLY_SCANNER_ENGINE_H */
