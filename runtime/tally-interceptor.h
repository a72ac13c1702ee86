/* What a program runs before and after each call of a channel, or each request of a server. */
#ifndef TALLY_INTERCEPTOR_H
#define TALLY_INTERCEPTOR_H

#include "tally-call-info.h"
#include "tally-channel.h"
#include "tally-server.h"

G_BEGIN_DECLS

#define TALLY_TYPE_INTERCEPTOR (tally_interceptor_get_type ())
TALLY_API
G_DECLARE_INTERFACE (TallyInterceptor, tally_interceptor, TALLY, INTERCEPTOR, GObject)

/**
 * TallyInterceptorInterface:
 * @parent_interface: the parent.
 * @before: (nullable): a call, or the execution of a request, is about to begin; %FALSE with an error refuses it.
 *   At a channel the caller gets that error and nothing is sent; at a server the client gets a TApplicationException
 *   with its text and, where it is of %THRIFT_APPLICATION_EXCEPTION_ERROR, its code, else INTERNAL_ERROR.
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
TALLY_API void tally_server_add_interceptor (TallyServer *self, TallyInterceptor *interceptor);

G_END_DECLS

#endif /* TALLY_INTERCEPTOR_H */
