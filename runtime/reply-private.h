/* What a reply must be and where its content goes: the same for every way in which a call can
 * travel. */
#ifndef TALLY_REPLY_PRIVATE_H
#define TALLY_REPLY_PRIVATE_H

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "codec-private.h"
#include "storage.h"

G_BEGIN_DECLS

/* tally_reply_check () of what is not the common case. */
gboolean tally_reply_check_closely (const TallyMessage *reply,
                                    const TallyMethod *method,
                                    const gchar *service,
                                    gint32 seqid,
                                    GError **error);

/* DESIGN "A call", step 5: name, seqid, type, in this order. An EXCEPTION passes; the caller then
 * reads it by tally_reply_read_exception (). @service (nullable): what the method's name was
 * prefixed with. Errors are %THRIFT_APPLICATION_EXCEPTION_ERROR. */
static inline gboolean
tally_reply_check (const TallyMessage *reply,
                   const TallyMethod *method,
                   const gchar *service,
                   gint32 seqid,
                   GError **error)
{
  return G_LIKELY (reply->name_length == method->name_length
                   && tally_bytes_are_equal (reply->name, method->name, reply->name_length)
                   && reply->seqid == seqid && reply->type == T_REPLY)
         || tally_reply_check_closely (reply, method, service, seqid, error);
}

/* The next sequence id after *@last (atomic), for a request. 0 is what clients send that do not match replies; a
 * peer that echoes it must not pass. */
static inline gint32
tally_seqid_take (gint *last)
{
  gint32 seqid;

  do
    seqid = (gint32) ((guint32) g_atomic_int_add (last, 1) + 1);
  while (G_UNLIKELY (seqid == 0));
  return seqid;
}

/* What a reply holds is a result, which has one field, or a TApplicationException, which has none
 * twice and never the result's id 0. Anything else is the rest of one reply with another behind it:
 * of the first the end was lost, and the second must not be taken for its value. */
static inline gboolean
tally_struct_is_reply (const TallyStructInfo *info)
{
  return info->form == TALLY_FORM_RESULT || info == &tally_application_exception_info;
}

/* Whether field @id may come in the reply that @instance holds so far; FALSE with
 * %THRIFT_PROTOCOL_ERROR_INVALID_DATA. @is_second: something came before it. */
gboolean tally_reply_check_field (const TallyStructInfo *info,
                                  gconstpointer instance,
                                  gint16 id,
                                  gboolean is_second,
                                  GError **error);
gboolean tally_reply_check_count (const TallyStructInfo *info,
                                  gconstpointer instance,
                                  gboolean has_unknown,
                                  GError **error);

/* At the end of a result whose fields came in order. @has_unknown: besides those in @instance. */
static inline gboolean
tally_reply_check_end (const TallyStructInfo *info,
                       gconstpointer instance,
                       gboolean has_unknown,
                       GError **error)
{
  return G_LIKELY (info->n_fields <= 1 && !has_unknown)
         || tally_reply_check_count (info, instance, has_unknown, error);
}

/* ---- the result ---- */

/* The result of one call while it is read. What is rare takes it by value, so that what is common has it in registers. */
typedef struct
{
  const TallyStructInfo *info; /* the table to read it with */
  gpointer instance;           /* the C struct to read into */
  const TallyField *success;   /* (nullable): of info */
  gpointer const *results;
} TallyResult;

/* (nullable): the field of a method's value, which is the first one. */
static inline const TallyField *
tally_result_find_success (const TallyStructInfo *info)
{
  return info->n_fields > 0 && info->fields[0].id == 0 ? info->fields : NULL;
}

/* A struct or container that the caller allocated is filled in place, so that its slot is never
 * NULL and cannot tell whether a result came. The table is then copied with a flag of its own for
 * that. */
static inline gboolean
tally_result_needs_flag (const TallyStructInfo *info)
{
  const TallyField *success = tally_result_find_success (info);

  return success != NULL && success->type->kind >= TALLY_KIND_STRUCT;
}

static inline gpointer
tally_result_get_slot (const TallyResult *self, const TallyField *field)
{
  return (guint8 *) self->instance + field->offset;
}

/* (nullable): the declared exception that was thrown. */
static inline const TallyField *
tally_result_find_exception (const TallyResult *self)
{
  const TallyStructInfo *info = self->info;

  for (guint i = self->success != NULL; i < info->n_fields; i++)
    if (*(gpointer *) tally_result_get_slot (self, &info->fields[i]) != NULL)
      return &info->fields[i];
  return NULL;
}

static inline gboolean
tally_result_has_success (const TallyResult *self)
{
  const TallyField *field = self->success;

  if (field->isset_offset != TALLY_NO_ISSET)
    return *(const gboolean *) ((const guint8 *) self->instance + field->isset_offset);
  return !tally_slot_is_null (field->type, tally_result_get_slot (self, field));
}

/* For a result that could not be read: drops it. What was filled in place stays as far as it
 * was. */
void tally_result_abandon (TallyResult self);
/* What tally_result_hand_out () does with @exception, and where neither a value nor an exception came. */
TALLY_COLD gboolean tally_result_throw (TallyResult self,
                                        const TallyField *exception,
                                        GError **error);
TALLY_COLD gboolean tally_result_fail_missing (TallyResult self, GError **error);
/* Gives the value to @variable, which may hold an older one. */
void tally_result_give (TallyResult self, gpointer variable);

/* For a result that was read: gives it to the caller's variables. %FALSE for a declared exception (its
 * domain, 0, its name) and for %THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT. Inlined, because next to nothing is to be done
 * for most results. */
static inline __attribute__ ((always_inline)) gboolean
tally_result_hand_out (TallyResult *self, GError **error)
{
  const TallyField *exception = tally_result_find_exception (self);
  gpointer *slot, *variable;

  if (G_UNLIKELY (exception != NULL))
    return tally_result_throw (*self, exception, error);
  if (self->success == NULL)
    return TRUE;
  if (G_UNLIKELY (!tally_result_has_success (self)))
    return tally_result_fail_missing (*self, error);
  variable = self->results != NULL ? self->results[0] : NULL;
  slot = tally_result_get_slot (self, self->success);
  if (G_UNLIKELY (variable == NULL))
    tally_result_abandon (*self);
  else if (self->success->type->storage != TALLY_STORAGE_PLAIN && *variable == NULL)
    *variable = *slot;
  else
    tally_result_give (*self, variable);
  return TRUE;
}

/* ---- reading one, wherever it comes from ---- */

/* Reads a struct of the reply from @source, to the end of what the caller reads of a message. */
typedef gboolean (*TallyReplyRead) (gpointer source,
                                    const TallyStructInfo *info,
                                    gpointer instance,
                                    GError **error);

typedef enum
{
  TALLY_REPLY_FAILED,   /* it could not be read */
  TALLY_REPLY_TAKEN,    /* the result is handed out */
  TALLY_REPLY_DECLARED, /* it is one of the method's exceptions */
  TALLY_REPLY_REFUSED, /* it was read, and what it says is an error: MISSING_RESULT, or an exception */
  TALLY_REPLY_UNTOUCHED /* nothing was read, and there may be another way to */
} TallyReplyOutcome;

/* Enough for the result of most methods. */
#define TALLY_SMALL_RESULT 64

/* What follows the choice of memory, which is zeroed. */
static inline __attribute__ ((always_inline)) TallyReplyOutcome
tally_result_read (TallyResult *self, TallyReplyRead read_struct, gpointer source, GError **error)
{
  if (G_UNLIKELY (!read_struct (source, self->info, self->instance, error)))
    {
      tally_result_abandon (*self);
      return TALLY_REPLY_FAILED;
    }
  if (G_LIKELY (tally_result_hand_out (self, error)))
    return TALLY_REPLY_TAKEN;
  return (*error)->domain != THRIFT_APPLICATION_EXCEPTION_ERROR ? TALLY_REPLY_DECLARED
                                                                : TALLY_REPLY_REFUSED;
}

/* Whether tally_reply_read_result () reads a result that is filled in place, or larger than most. */
static inline gboolean
tally_result_is_large (const TallyStructInfo *info)
{
  return G_UNLIKELY (tally_result_needs_flag (info) || info->instance_size > TALLY_SMALL_RESULT);
}

/* Reads a REPLY's result and hands it out. @error is not NULL. */
TallyReplyOutcome tally_reply_read_result (const TallyMethod *method,
                                           gpointer const *results,
                                           TallyReplyRead read_struct,
                                           gpointer source,
                                           GError **error);

/* tally_reply_read_result () of one that is not large. Inlined with @read_struct, for the common path's sake. */
static inline __attribute__ ((always_inline)) TallyReplyOutcome
tally_reply_read_small (const TallyMethod *method,
                        gpointer const *results,
                        TallyReplyRead read_struct,
                        gpointer source,
                        GError **error)
{
  gint64 memory[TALLY_SMALL_RESULT / sizeof (gint64)] = { 0 };
  TallyResult result = { method->result, memory, tally_result_find_success (method->result),
                         results };

  return tally_result_read (&result, read_struct, source, error);
}

/* Reads the TApplicationException of an EXCEPTION, as a GError: TALLY_REPLY_REFUSED. */
TallyReplyOutcome
tally_reply_read_exception (TallyReplyRead read_struct, gpointer source, GError **error);

G_END_DECLS

#endif /* TALLY_REPLY_PRIVATE_H */
