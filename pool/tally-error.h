/* The error domain of what is Tally's own; Apache's domains serve where Apache has one. */
#ifndef TALLY_ERROR_H
#define TALLY_ERROR_H

#include <glib-object.h>

#include "tally-macros.h"

G_BEGIN_DECLS

/**
 * TALLY_ERROR:
 *
 * The domain of the errors that Tally itself raises. Its codes are a #TallyError.
 * A cancelled operation is reported as %G_IO_ERROR, %G_IO_ERROR_CANCELLED.
 */
#define TALLY_ERROR (tally_error_quark ())
TALLY_API GQuark tally_error_quark (void);

/**
 * TallyError:
 * @TALLY_ERROR_FAILED: none of the others.
 * @TALLY_ERROR_INVALID_ARGUMENT: a URI, an option or a combination of them makes no sense; nothing
 * was sent.
 * @TALLY_ERROR_TIMED_OUT: the deadline passed. The message says in which step; unless it says
 *   that nothing was sent, the server may have executed the call.
 * @TALLY_ERROR_POOL_EXHAUSTED: every connection is busy and no more may be opened; nothing was
 * sent.
 * @TALLY_ERROR_POOL_CLOSED: the pool was closed; nothing was sent.
 * @TALLY_ERROR_CONNECT_FAILED: dialing failed; nothing was sent.
 * @TALLY_ERROR_BACKOFF: dialing failed lately and is not yet tried again; nothing was sent.
 * @TALLY_ERROR_NOT_SENT: the connection died before a byte of the request left; the server cannot
 *   have seen it.
 * @TALLY_ERROR_CONNECTION_LOST: the connection died after some or all of the request left; the
 *   server may have executed the call, unless the message says that the request was not executed.
 * @TALLY_ERROR_LIMIT: a length, count or depth passes a configured limit.
 * @TALLY_ERROR_INVALID_VALUE: a value cannot be encoded, such as a required field that is not set;
 *   nothing was sent.
 * @TALLY_ERROR_NOT_SUPPORTED: this client, channel or build cannot do what was asked; nothing was
 * sent.
 * @TALLY_ERROR_HANG_UP: no function of Tally's raises it. A ThriftProcessor of the program's own that fails with it has
 *   #TallyServer close the connection: without an answer or, where it flushed one, after the first half of that. Since: 0.2
 */
typedef enum
{
  TALLY_ERROR_FAILED,
  TALLY_ERROR_INVALID_ARGUMENT,
  TALLY_ERROR_TIMED_OUT,
  TALLY_ERROR_POOL_EXHAUSTED,
  TALLY_ERROR_POOL_CLOSED,
  TALLY_ERROR_CONNECT_FAILED,
  TALLY_ERROR_BACKOFF,
  TALLY_ERROR_NOT_SENT,
  TALLY_ERROR_CONNECTION_LOST,
  TALLY_ERROR_LIMIT,
  TALLY_ERROR_INVALID_VALUE,
  TALLY_ERROR_NOT_SUPPORTED,
  TALLY_ERROR_HANG_UP
} TallyError;

#define TALLY_TYPE_ERROR (tally_error_get_type ())
TALLY_API GType tally_error_get_type (void);

G_END_DECLS

#endif /* TALLY_ERROR_H */
