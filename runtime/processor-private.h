/* How a processor answers one message: what a call may come to, and the way to it that needs no
 * ThriftProtocol. For processors and servers only. */
#ifndef TALLY_PROCESSOR_PRIVATE_H
#define TALLY_PROCESSOR_PRIVATE_H

#include <thrift/c_glib/thrift_application_exception.h>

#include "call-info-private.h"
#include "codec-private.h"
#include "tally-error.h"
#include "tally-processor.h"

G_BEGIN_DECLS

/* Arguments and result of nearly every method fit here: a call takes no memory of its own. */
#define TALLY_INVOCATION_STACK 512

/* One call under way: its arguments and its result, initialised, on the stack or on the heap. */
typedef struct
{
  const TallyMethod *method;
  gpointer args;
  gpointer result;  /* NULL for a oneway method */
  gpointer heap;    /* what to free, or NULL */
  TallyTexts texts; /* what the stack has left, for arguments that are strings */
  union
  {
    gint64 alignment;
    gdouble alignment_too;
    guint8 bytes[TALLY_INVOCATION_STACK];
  } stack;
} TallyInvocation;

/* The handler returned otherwise than a call mostly does; @error (transfer full) (nullable). As tally_invocation_run (). */
gboolean tally_invocation_end (const TallyInvocation *self,
                               gboolean returned,
                               GError *error,
                               TallyApplicationException *failure);
void tally_result_clear_field (gpointer instance, const TallyField *field);

/* The exceptions that a processor answers; @failure is to be cleared. Names and texts of a peer are
 * shortened and escaped. */
void tally_failure_init (TallyApplicationException *failure,
                         ThriftApplicationExceptionError type,
                         gchar *message);
void tally_failure_init_unknown_method (TallyApplicationException *failure,
                                        const gchar *name,
                                        gsize name_length);
void tally_failure_init_message_type (TallyApplicationException *failure, gint32 type);
/* @error is what reading the arguments, or writing the result, came to. */
void tally_failure_init_unreadable (TallyApplicationException *failure,
                                    const TallyMethod *method,
                                    const GError *error);
void tally_failure_init_unwritable (TallyApplicationException *failure,
                                    const TallyMethod *method,
                                    const GError *error);
void tally_failure_clear (TallyApplicationException *failure);

/* Writes an exception as the answer to @name. */
void tally_failure_write (const TallyApplicationException *failure,
                          const TallyCodec *codec,
                          const gchar *name,
                          gsize name_length,
                          gint32 seqid,
                          TallyBuffer *output);

/* Answers the failure, unless the message wants no answer, and clears it. */
void tally_failure_answer (TallyApplicationException *failure,
                           const TallyCodec *codec,
                           const TallyMessage *message,
                           TallyBuffer *output);

/* What was written as the answer to a request that @info is of does not say that its handler has thrown one of the
 * exceptions that @method declares: notes it if @result has one. */
void
tally_call_info_note_result (TallyCallInfo *info, const TallyMethod *method, gconstpointer result);
/* Notes why a request failed that is not answered. */
void tally_call_info_note_failure (TallyCallInfo *info, const TallyApplicationException *failure);

/* Whether a message of this type wants an answer at all. */
gboolean tally_message_wants_reply (const TallyMessage *message);

/* Whether @processor may be reached through tally_processor_process_message(): it is a
 * TallyProcessor and no subclass has put its own code in the way of a ThriftProtocol. */
gboolean tally_processor_is_direct (ThriftProcessor *processor);

/* Whether the message's handler answers later. */
/* (nullable): the method that the message calls. */
const TallyMethod *tally_processor_find_method (const TallyProcessor *self,
                                                const TallyMessage *message);
gboolean tally_processor_answers_later (const TallyProcessor *self, const TallyMessage *message);

/* Writes the result of @method whole, or in its place the exception that says why it could not be written. %FALSE:
 * that exception. */
gboolean tally_result_write (const TallyMethod *method,
                             gconstpointer result,
                             const TallyCodec *codec,
                             const TallyLimits *limits,
                             gint32 seqid,
                             TallyBuffer *output,
                             GError **error);

/* Answers one message whose header was read already, which ends where @reader ends and is all there
 * (a reader without fill). The answer,
 * if one is due, is appended to @output, complete; an answer longer than the limits allow is
 * replaced by an exception. %FALSE: what was read is not to be trusted; @output may hold an
 * exception that says so, and after it the connection must be closed. With a handler that answers later and
 * message->later NULL nothing happens: %FALSE, without an error. */
gboolean tally_processor_process_message (TallyProcessor *self,
                                          const TallyCodec *codec,
                                          TallyReader *reader,
                                          const TallyMessage *message,
                                          TallyBuffer *output,
                                          GError **error);

G_END_DECLS

#endif /* TALLY_PROCESSOR_PRIVATE_H */
