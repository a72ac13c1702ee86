/* What the walker's two halves share: one walk's state, and how it ends. */
#ifndef TALLY_WALKER_PRIVATE_H
#define TALLY_WALKER_PRIVATE_H

#include <thrift/c_glib/protocol/thrift_protocol_decorator.h>

#include "codec-private.h"
#include "reply-private.h"
#include "storage.h"
#include "tally-error.h"

G_BEGIN_DECLS

/* One walk over a value. @error is never NULL. */
typedef struct
{
  ThriftProtocol *protocol;
  const ThriftProtocolClass *class;  /* @protocol's */
  const TallyApacheProtocol *apache; /* (nullable): of tally_walk_find_class () */
  gboolean apache_is_known;
  gint32 count;
  guint depth;
  gsize memory_left; /* of what may be decoded */
  GError **error;
} TallyWalk;

/* (nullable): of the protocol whose class of Apache's the concrete one is, or derives from. */
const TallyApacheProtocol *tally_walk_find_class (TallyWalk *walk);

static inline void
tally_walk_init (TallyWalk *walk, ThriftProtocol *protocol, GError **error)
{
  *walk = (TallyWalk){ .protocol = protocol,
                       .class = THRIFT_PROTOCOL_GET_CLASS (protocol),
                       .memory_left = tally_limits_get_memory (&tally_limits_default),
                       .error = error };
}

/* Counts what a protocol's function returned. Some of Apache's set an error and succeed. */
static inline gboolean
tally_walk_add (TallyWalk *walk, gint32 count)
{
  if (count < 0)
    return FALSE;
  if (G_UNLIKELY (*walk->error != NULL))
    g_clear_error (walk->error);
  walk->count += count;
  return TRUE;
}

static inline gboolean
tally_walk_fail (TallyWalk *walk, GQuark domain, gint code, const gchar *message)
{
  g_clear_error (walk->error);
  g_set_error_literal (walk->error, domain, code, message);
  return FALSE;
}

static inline gboolean
tally_walk_enter (TallyWalk *walk, GQuark domain, gint code)
{
  if (walk->depth >= tally_limits_default.max_depth)
    return tally_walk_fail (walk, domain, code,
                            "structs and containers are nested deeper than the limit of 64");
  walk->depth++;
  return TRUE;
}

/* *@slot: what is written of @field, NULL where nothing is. FALSE with the walk's error where something must be
 * and is not there. */
static inline gboolean
tally_walk_find_value (const TallyWalk *walk,
                       const TallyStructInfo *info,
                       const TallyField *field,
                       gconstpointer instance,
                       gconstpointer *slot)
{
  *slot = tally_field_const_slot (instance, field);
  if (tally_field_has_value (field, instance))
    return TRUE;
  *slot = NULL;
  if (!tally_field_is_due (info, field, instance))
    return TRUE;
  *slot = tally_field_get_stand_in (info, field);
  if (*slot == NULL)
    tally_set_due_error (walk->error, info, field);
  return *slot != NULL;
}

/* Counts @bytes of memory that are about to be taken, or just were. */
static inline gboolean
tally_walk_take_memory (TallyWalk *walk, gsize bytes)
{
  if (G_UNLIKELY (bytes > walk->memory_left))
    {
      g_clear_error (walk->error);
      tally_memory_set_error (tally_limits_get_memory (&tally_limits_default), walk->error);
      return FALSE;
    }
  walk->memory_left -= bytes;
  return TRUE;
}

/* Hands a walk's result to the caller: FALSE always comes with an error. */
static inline gboolean
tally_walk_finish (
    const TallyWalk *walk, gboolean done, gint32 *count, GError *local_error, GError **error)
{
  if (!done)
    {
      if (local_error == NULL)
        local_error = g_error_new_literal (THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_UNKNOWN,
                                           "the protocol failed and did not say why");
      g_propagate_error (error, local_error);
      return FALSE;
    }
  g_clear_error (&local_error);
  if (count != NULL)
    *count = walk->count;
  return TRUE;
}

G_END_DECLS

#endif /* TALLY_WALKER_PRIVATE_H */
