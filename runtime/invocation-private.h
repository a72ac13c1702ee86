/* One call of a handler, from its arguments' memory to its result's end. Inlined: every request takes this way, and mostly there
 * is one argument and one result. What is rare is processor-invocation.c's. */
#ifndef TALLY_INVOCATION_PRIVATE_H
#define TALLY_INVOCATION_PRIVATE_H

#include <string.h>

#include "processor-private.h"
#include "storage.h"

G_BEGIN_DECLS

/* A reader may put strings among the arguments into self->texts: handlers are given them as const, and do not keep them. */
static inline void
tally_invocation_init (TallyInvocation *self, const TallyMethod *method)
{
  gsize args_size = (method->args->instance_size + G_MEM_ALIGN - 1) & ~((gsize) G_MEM_ALIGN - 1);
  gsize size = args_size + (method->result != NULL ? method->result->instance_size : 0);
  gboolean fits = size <= sizeof self->stack;

  self->method = method;
  self->heap = G_LIKELY (fits) ? NULL : g_malloc (size);
  self->args = G_LIKELY (fits) ? self->stack.bytes : self->heap;
  memset (self->args, 0, size);
  self->texts.begin = self->texts.next = (gchar *) self->stack.bytes + (fits ? size : 0);
  self->texts.end = (gchar *) self->stack.bytes + sizeof self->stack;
  tally_struct_init_instance (method->args, self->args);
  self->result = NULL;
  if (method->result != NULL)
    {
      self->result = (guint8 *) self->args + args_size;
      tally_struct_init_instance (method->result, self->result);
    }
}

/* Frees what @instance, the arguments or the result, owns. */
static inline void
tally_invocation_clear_part (TallyInvocation *self, const TallyStructInfo *info, gpointer instance)
{
  const TallyField *end = info->fields + info->n_fields;

  for (const TallyField *field = info->fields; field < end; field++)
    {
      const TallyType *type = field->type;
      gpointer slot = (guint8 *) instance + field->offset;

      if (type->storage == TALLY_STORAGE_PLAIN)
        continue;
      if (type->storage != TALLY_STORAGE_STRING)
        tally_value_clear (type, slot);
      else if (!tally_texts_have (&self->texts, *(gchar **) slot))
        g_free (*(gchar **) slot);
    }
}

static inline void
tally_invocation_clear (TallyInvocation *self)
{
  tally_invocation_clear_part (self, self->method->args, self->args);
  if (self->result != NULL)
    tally_invocation_clear_part (self, self->method->result, self->result);
  if (G_UNLIKELY (self->heap != NULL))
    g_free (self->heap);
}

static inline gpointer *
tally_result_slot (gpointer instance, const TallyField *field)
{
  return (gpointer *) ((guint8 *) instance + field->offset);
}

static inline gboolean
tally_field_is_success (const TallyField *field)
{
  return field->id == 0;
}

/* The handler returned TRUE: `success` counts, exceptions do not. %FALSE when there is no value. */
static inline gboolean
tally_result_settle (const TallyStructInfo *info, gpointer result)
{
  const TallyField *end = info->fields + info->n_fields;
  gboolean complete = TRUE;

  for (const TallyField *field = info->fields; field < end; field++)
    {
      if (!tally_field_is_success (field))
        tally_result_clear_field (result, field);
      else if (field->type->storage != TALLY_STORAGE_PLAIN)
        complete = *tally_result_slot (result, field) != NULL;
      else
        tally_field_set_isset (field, result, TRUE);
    }
  return complete;
}

/* Calls the handler with the arguments, which were read. %TRUE: the result, a return value or a
 * declared exception, may be written (for a oneway method there is none). %FALSE: @failure is
 * filled with the exception to answer instead, or for a oneway method to note. */
static inline gboolean
tally_invocation_run (TallyInvocation *self, gpointer handler, TallyApplicationException *failure)
{
  GError *error = NULL;
  gboolean returned = self->method->invoke (handler, self->args, self->result, &error);

  if (G_LIKELY (returned && error == NULL && self->result != NULL)
      && G_LIKELY (tally_result_settle (self->method->result, self->result)))
    return TRUE;
  return tally_invocation_end (self, returned, error, failure);
}

G_END_DECLS

#endif /* TALLY_INVOCATION_PRIVATE_H */
