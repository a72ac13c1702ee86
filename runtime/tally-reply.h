/* The answer that a handler gives later: what its asynchronous functions are called with. */
#ifndef TALLY_REPLY_H
#define TALLY_REPLY_H

#include <gio/gio.h>

#include "tally-headers.h"
#include "tally-types.h"

G_BEGIN_DECLS

/**
 * TallyReply:
 *
 * An answer that is due. A handler's asynchronous function gets one with the request, keeps it with tally_reply_ref()
 * and answers once, from any thread: by a generated function, of the method's value (`demo_echo_reply_echo ()`) or of an
 * exception that it declares (`demo_echo_reply_echo_refused ()`), by tally_reply_throw() or by tally_reply_fail(). A
 * reply whose last reference goes unanswered is answered by a TApplicationException; to a oneway method nothing
 * is answered. What the function was called with, its arguments, lives as long as the reply.
 *
 * Thread-safe.
 *
 * Since: 0.2
 */
typedef struct _TallyReply TallyReply;

#define TALLY_TYPE_REPLY (tally_reply_get_type ())
TALLY_API GType tally_reply_get_type (void);

TALLY_API TallyReply *tally_reply_ref (TallyReply *self);
TALLY_API void tally_reply_unref (TallyReply *self);

TALLY_API gboolean tally_reply_return (TallyReply *self,
                                       const TallyMethod *method,
                                       gconstpointer value,
                                       GError **error);
TALLY_API gboolean tally_reply_throw (TallyReply *self, GObject *exception, GError **error);
TALLY_API gboolean tally_reply_throw_as (
    TallyReply *self, const TallyMethod *method, gint id, gconstpointer exception, GError **error);
TALLY_API gboolean tally_reply_fail (TallyReply *self, const GError *failure, GError **error);

TALLY_API const gchar *tally_reply_get_method (TallyReply *self);
TALLY_API GCancellable *tally_reply_get_cancellable (TallyReply *self);
TALLY_API gint64 tally_reply_get_deadline (TallyReply *self);
TALLY_API gchar *tally_reply_dup_peer (TallyReply *self);
TALLY_API TallyHeaders *tally_reply_dup_request_headers (TallyReply *self);
TALLY_API gboolean tally_reply_set_header (TallyReply *self, const gchar *name, const gchar *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyReply, tally_reply_unref)

/* Define the functions by which generated code answers @method with a value of type @CType, without one, and with the
 * declared exception whose id is @exception_id. */
#define TALLY_DEFINE_REPLY(function, method, CType)                                                \
  gboolean function (TallyReply *tally_self, CType tally_value, GError **error)                    \
  {                                                                                                \
    return tally_reply_return (tally_self, &(method), &tally_value, error);                        \
  }
#define TALLY_DEFINE_REPLY_VOID(function, method)                                                  \
  gboolean function (TallyReply *tally_self, GError **error)                                       \
  {                                                                                                \
    return tally_reply_return (tally_self, &(method), NULL, error);                                \
  }
#define TALLY_DEFINE_REPLY_EXCEPTION(function, method, exception_id, CType)                        \
  gboolean function (TallyReply *tally_self, CType tally_value, GError **error)                    \
  {                                                                                                \
    return tally_reply_throw_as (tally_self, &(method), exception_id, tally_value, error);         \
  }

G_END_DECLS

#endif /* TALLY_REPLY_H */
