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

/* What tally_result_open () does where tally_result_needs_flag (). */
void tally_result_open_with_flag (TallyResult *result, const TallyStructInfo *info);

static inline void
tally_result_open (TallyResult *result,
                   const TallyMethod *method,
                   gpointer const *results,
                   gpointer memory)
{
  const TallyStructInfo *info = method->result;

  *result = (TallyResult){ info, memory, NULL, results };
  if (tally_result_needs_flag (info))
    tally_result_open_with_flag (result, info);
  else if (info->n_fields > 0 && info->fields[0].id == 0)
    result->success = info->fields;
}

/* For a result that could not be read: drops it. What was filled in place stays as far as it
 * was. */
void tally_result_abandon (TallyResult *result);
/* For one that was read: gives it to the caller's variables. %FALSE for a declared exception (its
 * domain, 0, its name) and for %THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT. */
gboolean tally_result_hand_out (TallyResult *result, GError **error);

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

/* Enough for the result of most methods, on the stack without alloca (). */
#define TALLY_SMALL_RESULT 64

/* Reads a REPLY's result and hands it out. @error is not NULL. Inlined with @read_struct, for the common path's
 * sake. */
static inline __attribute__ ((always_inline)) TallyReplyOutcome
tally_reply_read_result (const TallyMethod *method,
                         gpointer const *results,
                         TallyReplyRead read_struct,
                         gpointer source,
                         GError **error)
{
  gsize size = tally_result_size (method->result);
  gint64 small[TALLY_SMALL_RESULT / sizeof (gint64)] = { 0 };
  gpointer memory = size <= sizeof small ? small : memset (g_alloca (size), 0, size);
  TallyResult result;

  tally_result_open (&result, method, results, memory);
  if (G_UNLIKELY (!read_struct (source, result.info, result.instance, error)))
    {
      tally_result_abandon (&result);
      return TALLY_REPLY_FAILED;
    }
  if (G_LIKELY (tally_result_hand_out (&result, error)))
    return TALLY_REPLY_TAKEN;
  return (*error)->domain != THRIFT_APPLICATION_EXCEPTION_ERROR ? TALLY_REPLY_DECLARED
                                                                : TALLY_REPLY_REFUSED;
}

/* Reads the TApplicationException of an EXCEPTION, as a GError: TALLY_REPLY_REFUSED. */
TallyReplyOutcome
tally_reply_read_exception (TallyReplyRead read_struct, gpointer source, GError **error);

G_END_DECLS

#endif /* TALLY_REPLY_PRIVATE_H */
