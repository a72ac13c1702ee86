/* What a reply that comes later is to its server: where it goes, and what is known of its request. For processors
 * and servers only. */
#ifndef TALLY_REPLY_LATER_PRIVATE_H
#define TALLY_REPLY_LATER_PRIVATE_H

#include "processor-private.h"
#include "tally-reply.h"

G_BEGIN_DECLS

typedef struct _TallyLater TallyLater;

/* How a request takes its answer. Each function may be called on any thread. */
typedef struct
{
  /* Once: the answer is @result, by the method's table, or else @failure. %FALSE: @result cannot be encoded; an
   * exception that says so has been answered. */
  gboolean (*answer) (TallyLater *self,
                      const TallyMethod *method,
                      gconstpointer result,
                      const TallyApplicationException *failure,
                      GError **error);
  /* The reply is gone. */
  void (*release) (TallyLater *self);
  /* (transfer none): fires when the client has gone, or the deadline has passed. */
  GCancellable *(*get_cancellable) (TallyLater *self);
  /* (transfer full) (nullable) */
  gchar *(*dup_peer) (TallyLater *self);
  /* What goes beside the messages. NULL functions: nothing does. */
  TallyHeaders *(*dup_headers) (TallyLater *self);
  gboolean (*set_header) (TallyLater *self, const gchar *name, const gchar *value);
} TallyLaterClass;

/* A request whose answer comes later: its first part. */
struct _TallyLater
{
  const TallyLaterClass *klass;
  gint64 deadline;   /* g_get_monotonic_time () at which it has none any more; 0: none */
  gboolean is_taken; /* a reply was made, which answers */
  TallyCallInfo
      *info; /* nullable: what a server's interceptors are told; once it is_taken, the answer's */
};

/* Whether @handler's class has an asynchronous function for @method. */
static inline gboolean
tally_method_is_later (const TallyMethod *method, gpointer handler)
{
  return method->async_vfunc != 0
         && ((gpointer *) ((GTypeInstance *) handler)->g_class)[method->async_vfunc] != NULL;
}

/* Whether @processor's handler answers @method later. */
static inline gboolean
tally_processor_is_later (const TallyProcessor *processor, const TallyMethod *method)
{
  return G_UNLIKELY (processor->answers_later)
         && tally_method_is_later (method, processor->handler);
}

/* A reply, with the arguments' memory initialised. */
TallyReply *tally_reply_new (const TallyMethod *method, TallyLater *later);
/* Where the arguments are to be read to. */
gpointer tally_reply_get_args (TallyReply *self);
/* Gives it @other's arguments, and @other its own: of the same method. */
void tally_reply_swap_args (TallyReply *self, TallyInvocation *other);
/* Hands the request to @handler, which answers when it likes. Consumes @self. */
void tally_reply_begin (TallyReply *self, gpointer handler);
/* Nobody was handed it: it is answered otherwise. Consumes @self. */
void tally_reply_withdraw (TallyReply *self);

G_END_DECLS

#endif /* TALLY_REPLY_LATER_PRIVATE_H */
