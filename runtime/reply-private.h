/* What a reply must be and where its content goes: the same for every way in which a call can
 * travel. */
#ifndef TALLY_REPLY_PRIVATE_H
#define TALLY_REPLY_PRIVATE_H

#include "codec-private.h"

G_BEGIN_DECLS

/* DESIGN "A call", step 5: name, seqid, type, in this order. An EXCEPTION passes; the caller then
 * reads it and calls tally_reply_set_exception (). @service (nullable): what the method's name was
 * prefixed with. Errors are %THRIFT_APPLICATION_EXCEPTION_ERROR. */
gboolean tally_reply_check (const TallyMessage *reply,
                            const TallyMethod *method,
                            const gchar *service,
                            gint32 seqid,
                            GError **error);
/* The peer's TApplicationException as a GError; disposes @exception. */
void tally_reply_set_exception (TallyApplicationException *exception, GError **error);

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

/* The result of one call while it is read. */
typedef struct
{
  const TallyStructInfo *info; /* the table to read it with */
  gpointer instance;           /* the C struct to read into */
  /*< private >*/
  const TallyField *success; /* (nullable): of info */
  gpointer const *results;
} TallyResult;

/* A struct or container that the caller allocated is filled in place, so that its slot is never
 * NULL and cannot tell whether a result came. The table is then copied with a flag of its own for
 * that. */
static inline gboolean
tally_result_needs_flag (const TallyStructInfo *info)
{
  return info->n_fields > 0 && info->fields[0].id == 0
         && info->fields[0].type->kind >= TALLY_KIND_STRUCT;
}

gsize tally_result_size_with_flag (const TallyStructInfo *info);

/* Bytes of stack that tally_result_open () needs as @memory, zeroed. */
static inline gsize
tally_result_size (const TallyStructInfo *info)
{
  return tally_result_needs_flag (info) ? tally_result_size_with_flag (info) : info->instance_size;
}

/* Enough for the result of most methods, on the stack without alloca (). */
#define TALLY_SMALL_RESULT 64

void tally_result_open (TallyResult *result,
                        const TallyMethod *method,
                        gpointer const *results,
                        gpointer memory);
/* For a result that could not be read: drops it. What was filled in place stays as far as it
 * was. */
void tally_result_abandon (TallyResult *result);
/* For one that was read: gives it to the caller's variables. %FALSE for a declared exception (its
 * domain, 0, its name) and for %THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT. */
gboolean tally_result_hand_out (TallyResult *result, GError **error);

G_END_DECLS

#endif /* TALLY_REPLY_PRIVATE_H */
