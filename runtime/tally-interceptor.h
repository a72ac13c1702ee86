/* What a program runs before and after each call of a channel. */
#ifndef TALLY_INTERCEPTOR_H
#define TALLY_INTERCEPTOR_H

#include "tally-call-info.h"
#include "tally-channel.h"

G_BEGIN_DECLS

#define TALLY_TYPE_INTERCEPTOR (tally_interceptor_get_type ())
TALLY_API
G_DECLARE_INTERFACE (TallyInterceptor, tally_interceptor, TALLY, INTERCEPTOR, GObject)

/**
 * TallyInterceptorInterface:
 * @parent_interface: the parent.
 * @before: (nullable): a call is about to begin; %FALSE with an error refuses it: the caller gets that error and
 *   nothing is sent.
 * @after: (nullable): it is over.
 *
 * What an interceptor does. For each @before that was called, also for one that refuses, @after is called exactly once.
 *
 * Since: 0.2
 */
struct _TallyInterceptorInterface
{
  GTypeInterface parent_interface;

  gboolean (*before) (TallyInterceptor *self, TallyCallInfo *info, GError **error);
  void (*after) (TallyInterceptor *self, TallyCallInfo *info);

  /*< private >*/
  gpointer reserved[6];
};

TALLY_API void tally_channel_add_interceptor (TallyChannel *self, TallyInterceptor *interceptor);

G_END_DECLS

#endif /* TALLY_INTERCEPTOR_H */
