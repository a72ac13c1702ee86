/* Steps 3, 5 and 6 of a call (ARCHITECTURE.md, "A call"): its request is encoded, its reply validated and decoded. They are
 * inlined in each way that a call can travel, since they are half of what a small one costs; what is rare is in call-steps.c. */
#ifndef TALLY_CALL_STEPS_PRIVATE_H
#define TALLY_CALL_STEPS_PRIVATE_H

#include "call-private.h"
#include "framing-private.h"
#include "reply-private.h"

G_BEGIN_DECLS

/* ---- call-steps.c ---- */

/* tally_call_write_message () where the channel calls one of several services. */
TALLY_COLD gboolean tally_call_write_multiplexed (const TallyCall *call,
                                                  TallyBuffer *output,
                                                  GError **error);
/* tally_call_read () of a frame of the header transport. */
TALLY_COLD gboolean tally_call_read_wrapped (TallyCall *call, TallyReader *reader, GError **error);
/* For a reply that is an exception. */
TALLY_COLD gboolean tally_call_read_exception (TallyCall *call,
                                               TallyReader *reader,
                                               GError **error);
/* For a REPLY whose result is large. */
gboolean tally_call_read_large (TallyCall *call, TallyReader *reader, GError **error);
/* @error: what @message is not, the reply. It may be the server's goodbye. */
TALLY_COLD gboolean tally_call_read_other (TallyCall *call,
                                           const TallyMessage *message,
                                           TallyReader *reader,
                                           GError **error);

/* ---- step 3 ---- */

static inline ThriftMessageType
tally_call_get_type (const TallyCall *call)
{
  return call->method->oneway ? T_ONEWAY : T_CALL;
}

/* Appends the message that a request is. */
static inline gboolean
tally_call_write_message (const TallyCall *call, TallyBuffer *output, GError **error)
{
  if (G_UNLIKELY (call->channel->service != NULL))
    return tally_call_write_multiplexed (call, output, error);
  return call->channel->codec->write_of_method (output, call->method, tally_call_get_type (call),
                                                call->seqid, call->args, error);
}

/* What ends a request that @output has from @start on. */
static inline gboolean
tally_call_end_request (const TallyCall *call, TallyBuffer *output, gsize start, GError **error)
{
  if (G_UNLIKELY (call->channel->framing == TALLY_FRAMING_HEADER)
      && !tally_call_wrap (call, output, start, error))
    return FALSE;
  return tally_frame_end (output, call->channel->framing, start, &call->limits, error);
}

/* Appends the request. What cannot be encoded leaves @output as it was: the connection is as clean. */
static inline __attribute__ ((always_inline)) gboolean
tally_call_write (const TallyCall *call, TallyBuffer *output, GError **error)
{
  gsize start = tally_frame_begin (output, call->channel->framing);

  if (G_LIKELY (tally_call_write_message (call, output, error)
                && tally_call_end_request (call, output, start, error)))
    return TRUE;
  output->length = start;
  return FALSE;
}

/* ---- steps 5 and 6 ---- */

/* Where a reply is read from. */
typedef struct
{
  TallyCall *call;
  TallyReader *reader;
} TallyCallSource;

static inline gboolean
tally_call_read_struct (gpointer data,
                        const TallyStructInfo *info,
                        gpointer instance,
                        GError **error)
{
  const TallyCallSource *source = data;

  source->call->answered = source->call->codec->read_struct (source->reader, info, instance, error);
  return source->call->answered;
}

/* tally_call_read () of a reply whose header is @message and was read. */
static inline __attribute__ ((always_inline)) gboolean
tally_call_read_body (TallyCall *call,
                      const TallyMessage *message,
                      TallyReader *reader,
                      GError **error)
{
  TallyCallSource source = { call, reader };
  TallyReplyOutcome outcome;

  if (G_UNLIKELY (
          !tally_reply_check (message, call->method, call->channel->service, call->seqid, error)))
    return tally_call_read_other (call, message, reader, error);
  if (G_UNLIKELY (message->type == T_EXCEPTION))
    return tally_call_read_exception (call, reader, error);
  if (tally_result_is_large (call->method->result))
    return tally_call_read_large (call, reader, error);
  outcome =
      tally_reply_read_small (call->method, call->results, tally_call_read_struct, &source, error);
  call->declared = outcome == TALLY_REPLY_DECLARED;
  return outcome == TALLY_REPLY_TAKEN;
}

/* The reply is no frame of the header transport, or out of it. */
static inline __attribute__ ((always_inline)) gboolean
tally_call_read_message (TallyCall *call, TallyReader *reader, GError **error)
{
  TallyMessage message;

  return call->codec->read_message (reader, &message, error)
         && tally_call_read_body (call, &message, reader, error);
}

/* Reads and validates the reply, and hands out what it holds. */
static inline __attribute__ ((always_inline)) gboolean
tally_call_read (TallyCall *call, TallyReader *reader, GError **error)
{
  if (G_UNLIKELY (call->channel->framing == TALLY_FRAMING_HEADER))
    return tally_call_read_wrapped (call, reader, error);
  return tally_call_read_message (call, reader, error);
}

G_END_DECLS

#endif /* TALLY_CALL_STEPS_PRIVATE_H */
