/* Owns making a connection: resolving an endpoint's name and connecting to one of its addresses
 * within a deadline. It knows nothing of the pool that asks for it.
 *
 * Addresses are tried in the resolver's order. The next one starts when the last has failed, or has
 * not answered for a moment (RFC 8305, "Happy Eyeballs"); the first that connects wins. */
#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cancel-watch-internal.h"
#include "dial-private.h"
#include "glib-gate-private.h"
#include "tally-error.h"
#include "thread-local-internal.h"
#include "tls-internal.h"
#include "wait-private.h"

/* RFC 8305, section 5: "Connection Attempt Delay". */
#define STAGGER (250 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  gint fd;
  GSocketAddress *address; /* borrowed from addresses */
} Attempt;

typedef struct
{
  TallyEndpoint *endpoint;
  gint64 deadline;
  GCancellable *cancellable;
  TallyDialManner manner;
  GSocketAddress **addresses; /* &literal, or those that were resolved */
  guint n_addresses;
  guint next;              /* the first of addresses that was not tried */
  GSocketAddress *literal; /* (nullable): the endpoint's */
  GPtrArray *resolved;     /* (nullable): of GSocketAddress */
  Attempt *attempts;       /* under way: has room for all addresses */
  guint n_attempts;
  Attempt first_attempt; /* where there is one address: attempts */
  GString *failures;     /* (nullable): "address: reason; …" */
  guint failed_here;     /* so many of them for want of something here */
  guint failed_there;    /* the others */
} Dial;

/* Whether this thread's last dial has failed for want of something here. */
static TALLY_THREAD_LOCAL gboolean failed_here;

static void
dial_clear (Dial *dial)
{
  for (guint i = 0; i < dial->n_attempts; i++)
    close (dial->attempts[i].fd);
  if (dial->attempts != &dial->first_attempt)
    g_free (dial->attempts);
  if (dial->resolved == NULL && dial->failures == NULL)
    return;
  tally_glib_begin ();
  g_clear_pointer (&dial->resolved, g_ptr_array_unref);
  if (dial->failures != NULL)
    g_string_free (dial->failures, TRUE);
  tally_glib_end ();
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Dial, dial_clear)

/* ---- errors ---- */

/* GIO writes an abstract name like a path. */
static gboolean
is_abstract (GSocketAddress *address)
{
  return G_IS_UNIX_SOCKET_ADDRESS (address)
         && g_unix_socket_address_get_address_type (G_UNIX_SOCKET_ADDRESS (address))
                == G_UNIX_SOCKET_ADDRESS_ABSTRACT;
}

/* Whether @reason, an errno, is this process's or system's own want: of descriptors, memory, ports or an
 * address family (pool rule 31). */
static gboolean
is_want (int reason)
{
  return reason == EMFILE || reason == ENFILE || reason == ENOMEM || reason == ENOBUFS
         || reason == EAFNOSUPPORT || reason == EADDRNOTAVAIL;
}

/* Where failures are noted. Most dials have none. */
static GString *
ensure_failures (Dial *dial)
{
  if (dial->failures == NULL)
    {
      tally_glib_begin ();
      dial->failures = g_string_new (NULL);
      tally_glib_end ();
    }
  return dial->failures;
}

static void
count_failure (Dial *dial, int reason)
{
  if (is_want (reason))
    dial->failed_here++;
  else
    dial->failed_there++;
}

static void
add_failure (Dial *dial, GSocketAddress *address, const gchar *reason)
{
  g_autofree gchar *text = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
  GString *failures = ensure_failures (dial);

  g_string_append_printf (failures, "%s%s%s: %s", failures->len > 0 ? "; " : "",
                          is_abstract (address) ? "@" : "", text, reason);
}

static void
add_unfinished (Dial *dial, int reason)
{
  for (guint i = 0; i < dial->n_attempts; i++)
    {
      add_failure (dial, dial->attempts[i].address,
                   reason != 0 ? g_strerror (reason) : "no answer yet");
      count_failure (dial, reason);
    }
}

/* Always FALSE, so that callers may return it. */
static gboolean
fail (Dial *dial, TallyWait why, const gchar *step, GError **error)
{
  const gchar *uri = tally_endpoint_get_uri (dial->endpoint);
  const gchar *failures = dial->failures != NULL ? dial->failures->str : "";
  const gchar *separator = *failures != '\0' ? ": " : "";

  failed_here = why == TALLY_WAIT_FAILED && dial->failed_here > 0 && dial->failed_there == 0;
  if (why == TALLY_WAIT_CANCELLED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while %s %s", step, uri);
  else if (why == TALLY_WAIT_TIMED_OUT)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "timed out while %s %s%s%s", step, uri,
                 separator, failures);
  else
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "failed while %s %s%s%s", step,
                 uri, separator, failures);
  return FALSE;
}

/* ---- addresses ---- */

/* A resolver's answer, awaited in a main context of our own: a synchronous lookup would honour the
 * cancellable but no deadline. */
typedef struct
{
  gboolean done;
  gboolean timed_out;
  GSocketAddress *address;
  GError *error;
  GCancellable *stop; /* ends the lookup for whichever reason */
} Lookup;

static void
on_address (GObject *enumerator, GAsyncResult *result, gpointer user_data)
{
  Lookup *lookup = user_data;

  lookup->address =
      g_socket_address_enumerator_next_finish (G_SOCKET_ADDRESS_ENUMERATOR (enumerator), result,
                                               &lookup->error);
  lookup->done = TRUE;
}

static gboolean
on_deadline (gpointer user_data)
{
  Lookup *lookup = user_data;

  lookup->timed_out = TRUE;
  g_cancellable_cancel (lookup->stop);
  return G_SOURCE_REMOVE;
}

static gboolean
on_caller_cancelled (gpointer user_data)
{
  g_cancellable_cancel (((Lookup *) user_data)->stop);
  return G_SOURCE_REMOVE;
}

static void
set_deadline (Lookup *lookup, GMainContext *context, gint64 deadline)
{
  g_autoptr (GSource) timer = g_timeout_source_new (0);

  g_source_set_ready_time (timer, deadline);
  g_source_set_callback (timer, on_deadline, lookup, NULL);
  g_source_attach (timer, context);
}

/* The next address, or NULL with or without lookup->error. Even a stopped lookup is awaited, so
 * that nothing of it outlives the context; GIO answers at once when it is cancelled. */
static GSocketAddress *
next_address (GSocketAddressEnumerator *enumerator, GMainContext *context, Lookup *lookup)
{
  lookup->done = FALSE;
  g_socket_address_enumerator_next_async (enumerator, lookup->stop, on_address, lookup);
  while (!lookup->done)
    g_main_context_iteration (context, TRUE);
  return g_steal_pointer (&lookup->address);
}

/* GLib aborts the program where it finds no descriptor for a main context, and the resolver does not say
 * that this is what it lacks. */
static gboolean
has_descriptor (Dial *dial)
{
  gint fd = eventfd (0, EFD_CLOEXEC);

  if (fd >= 0)
    {
      close (fd);
      return TRUE;
    }
  count_failure (dial, errno);
  g_string_append (ensure_failures (dial), g_strerror (errno));
  return FALSE;
}

static gboolean
resolve (Dial *dial, GSocketConnectable *connectable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (GSocketAddressEnumerator) enumerator = g_socket_connectable_enumerate (connectable);
  g_autoptr (GCancellable) stop = g_cancellable_new ();
  g_auto (TallyCancelWatch) watch = { NULL };
  Lookup lookup = { .stop = stop };
  GSocketAddress *address;

  if (dial->deadline >= 0)
    set_deadline (&lookup, context, dial->deadline);
  if (dial->cancellable != NULL)
    tally_cancel_watch_begin (&watch, dial->cancellable, context, on_caller_cancelled, &lookup,
                              NULL);
  while ((address = next_address (enumerator, context, &lookup)) != NULL)
    g_ptr_array_add (dial->resolved, address);
  if (lookup.error != NULL && dial->resolved->len == 0 && !g_cancellable_is_cancelled (stop)
      && has_descriptor (dial))
    g_string_append (ensure_failures (dial), lookup.error->message);
  g_clear_error (&lookup.error);
  if (lookup.timed_out)
    return fail (dial, TALLY_WAIT_TIMED_OUT, "resolving", error);
  if (g_cancellable_is_cancelled (stop))
    return fail (dial, TALLY_WAIT_CANCELLED, "resolving", error);
  return dial->resolved->len > 0 || fail (dial, TALLY_WAIT_FAILED, "resolving", error);
}

static gboolean
look_up (Dial *dial, GSocketConnectable *connectable, GError **error)
{
  g_autoptr (GSocketConnectable) fresh = NULL;

  tally_glib_begin ();
  dial->resolved = g_ptr_array_new_with_free_func (g_object_unref);
  tally_glib_end ();
  /* a GNetworkAddress remembers its first answer for good, and a service may move */
  fresh = g_network_address_new (g_network_address_get_hostname (G_NETWORK_ADDRESS (connectable)),
                                 g_network_address_get_port (G_NETWORK_ADDRESS (connectable)));
  if (!has_descriptor (dial))
    return fail (dial, TALLY_WAIT_FAILED, "resolving", error);
  return resolve (dial, fresh, error);
}

static gboolean
collect_addresses (Dial *dial, GError **error)
{
  GSocketConnectable *connectable = tally_endpoint_get_connectable (dial->endpoint);

  dial->attempts = &dial->first_attempt;
  if (G_IS_SOCKET_ADDRESS (connectable))
    {
      dial->literal = G_SOCKET_ADDRESS (connectable);
      dial->addresses = &dial->literal;
      dial->n_addresses = 1;
      return TRUE;
    }
  if (!look_up (dial, connectable, error))
    return FALSE;
  dial->addresses = (GSocketAddress **) dial->resolved->pdata;
  dial->n_addresses = dial->resolved->len;
  if (dial->n_addresses > 1)
    dial->attempts = g_new (Attempt, dial->n_addresses);
  return TRUE;
}

/* ---- connecting ---- */

static void
add_attempt (Dial *dial, Attempt attempt)
{
  dial->attempts[dial->n_attempts++] = attempt;
}

static void
remove_attempt (Dial *dial, guint index)
{
  dial->n_attempts--;
  memmove (&dial->attempts[index], &dial->attempts[index + 1],
           (dial->n_attempts - index) * sizeof *dial->attempts);
}

/* Looks at what poll () reported of one attempt. TRUE when it is connected, else it is gone. */
static gboolean
finish_attempt (Dial *dial, guint index, gshort revents)
{
  Attempt *attempt = &dial->attempts[index];
  int reason = 0;
  socklen_t size = sizeof reason;

  if (revents != POLLOUT && getsockopt (attempt->fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0)
    reason = errno;
  if (reason == 0 && dial->manner == TALLY_DIAL_TO_KEEP
      && tally_stream_meets_itself (&(TallyStream){ .fd = attempt->fd }))
    reason = ECONNREFUSED;
  if (reason == 0)
    return TRUE;
  add_failure (dial, attempt->address, g_strerror (reason));
  count_failure (dial, reason);
  close (attempt->fd);
  remove_attempt (dial, index);
  return FALSE;
}

/* Starts connecting to the next address. The index of its attempt when it connected at once, or
 * -1. */
static gint
start_attempt (Dial *dial)
{
  Attempt attempt = { .address = dial->addresses[dial->next++] };
  struct sockaddr_storage native = { 0 };
  g_autoptr (GError) local_error = NULL;

  if (!g_socket_address_to_native (attempt.address, &native, sizeof native, &local_error))
    {
      add_failure (dial, attempt.address, local_error->message);
      count_failure (dial, 0);
      return -1;
    }
  attempt.fd = socket (native.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (attempt.fd < 0)
    {
      count_failure (dial, errno);
      add_failure (dial, attempt.address, g_strerror (errno));
      return -1;
    }
  if (connect (attempt.fd, (struct sockaddr *) &native,
               g_socket_address_get_native_size (attempt.address))
      == 0)
    {
      add_attempt (dial, attempt);
      return finish_attempt (dial, dial->n_attempts - 1, POLLOUT) ? (gint) dial->n_attempts - 1
                                                                  : -1;
    }
  if (errno == EINPROGRESS)
    {
      add_attempt (dial, attempt);
      return -1;
    }
  count_failure (dial, errno);
  /* EAGAIN is how a Unix socket says that its listener's queue is full */
  add_failure (dial, attempt.address, errno == EAGAIN ? "its queue is full" : g_strerror (errno));
  close (attempt.fd);
  return -1;
}

/* Waits for any attempt, but only until the next one is due. The index of a connected attempt, or
 * -1; @why then says whether the wait itself failed. */
static gint
await_attempts (Dial *dial, gint64 next_start, TallyWait *why)
{
  guint n = dial->n_attempts;
  struct pollfd few[4];
  g_autofree struct pollfd *many = n < G_N_ELEMENTS (few) ? NULL : g_new (struct pollfd, n + 1);
  struct pollfd *fds = many != NULL ? many : few;
  gboolean more = dial->next < dial->n_addresses;
  gboolean stagger_first = more && (dial->deadline < 0 || next_start < dial->deadline);

  for (guint i = 0; i < n; i++)
    fds[i] = (struct pollfd){ .fd = dial->attempts[i].fd, .events = POLLOUT };
  *why = tally_wait (fds, n, stagger_first ? next_start : dial->deadline, dial->cancellable);
  if (*why == TALLY_WAIT_TIMED_OUT && stagger_first)
    *why = TALLY_WAIT_READY;
  else if (*why == TALLY_WAIT_READY)
    for (guint i = n; i-- > 0;)
      if (fds[i].revents != 0 && finish_attempt (dial, i, fds[i].revents))
        return i;
  return -1;
}

/* The index of a connected attempt, or -1 with @error. */
static gint
connect_any (Dial *dial, GError **error)
{
  gint64 next_start = 0;

  for (;;)
    {
      TallyWait why = TALLY_WAIT_READY;
      gint connected = -1;

      if (dial->next < dial->n_addresses
          && (dial->n_attempts == 0 || g_get_monotonic_time () >= next_start))
        {
          connected = start_attempt (dial);
          if (dial->next < dial->n_addresses)
            next_start = g_get_monotonic_time () + STAGGER;
        }
      else if (dial->n_attempts > 0)
        connected = await_attempts (dial, next_start, &why);
      else
        why = TALLY_WAIT_FAILED; /* every address has */
      if (connected >= 0)
        return connected;
      if (why != TALLY_WAIT_READY)
        {
          add_unfinished (dial, why == TALLY_WAIT_FAILED ? errno : 0);
          fail (dial, why, "connecting to", error);
          return -1;
        }
    }
}

gboolean
tally_dial_take_failed_here (void)
{
  gboolean was = failed_here;

  failed_here = FALSE;
  return was;
}

/* Seconds, at least one; the kernel takes up to 32,767. */
static int
to_seconds (gint64 microseconds)
{
  return (int) CLAMP ((microseconds + G_TIME_SPAN_SECOND - 1) / G_TIME_SPAN_SECOND, 1, 32767);
}

void
tally_dial_watch_peer (const TallyStream *stream, gint64 keepalive, gint64 user_timeout)
{
  const gint fd = tally_stream_get_fd (stream);
  unsigned int timeout_ms = (unsigned int) MIN (user_timeout / G_TIME_SPAN_MILLISECOND, G_MAXINT);
  int idle = to_seconds (keepalive);
  int interval = MAX (idle / 3, 1);
  int one = 1;

  if (keepalive > 0)
    {
      setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
      setsockopt (fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
      setsockopt (fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    }
  if (user_timeout > 0)
    setsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

/* Opens @stream to the connection that was made. One that is kept is blocking from now on; for one call that is not worth
 * a system call, nor is TCP_NODELAY (TallyStream). */
static void
open_stream (const Dial *dial, Attempt won, TallyStream *stream)
{
  int off = 0;

  if (dial->manner == TALLY_DIAL_TO_KEEP)
    ioctl (won.fd, FIONBIO, &off);
  tally_stream_open (stream, won.fd, TALLY_STREAM_DIALED);
  stream->is_for_one_call = dial->manner == TALLY_DIAL_FOR_ONE_CALL;
  if (dial->manner == TALLY_DIAL_TO_KEEP
      && tally_endpoint_get_scheme (dial->endpoint) != TALLY_SCHEME_UNIX)
    tally_stream_set_nodelay (stream);
}

/* Shakes hands over the connection that was made. */
static gboolean
secure (Dial *dial, Attempt won, TallyStream *stream, GError **error)
{
  g_autoptr (GError) reason = NULL;
  TallyStream secured;

  open_stream (dial, won, &secured);
  if (!has_descriptor (dial)) /* GIO makes a main context */
    {
      tally_stream_close (&secured);
      return fail (dial, TALLY_WAIT_FAILED, "securing", error);
    }
  if (tally_tls_connect (&secured, dial->endpoint, dial->deadline, dial->cancellable, &reason))
    {
      *stream = secured;
      return TRUE;
    }
  if (g_error_matches (reason, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE)) /* which comes once */
    return tally_dial (dial->endpoint, dial->deadline, dial->cancellable, dial->manner, stream,
                       error);
  if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return fail (dial, TALLY_WAIT_CANCELLED, "securing", error);
  add_failure (dial, won.address, reason->message);
  count_failure (dial, 0);
  return fail (dial,
               g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ? TALLY_WAIT_TIMED_OUT
                                                                          : TALLY_WAIT_FAILED,
               "securing", error);
}

gboolean
tally_dial (TallyEndpoint *endpoint,
            gint64 deadline,
            GCancellable *cancellable,
            TallyDialManner manner,
            TallyStream *stream,
            GError **error)
{
  g_auto (Dial) dial = {
    .endpoint = endpoint, .deadline = deadline, .cancellable = cancellable, .manner = manner
  };
  Attempt won;
  gint index;

  failed_here = FALSE;
  if (tally_endpoint_get_scheme (endpoint) == TALLY_SCHEME_TLS
      && !tally_tls_check (tally_endpoint_get_uri (endpoint), error))
    return FALSE;
  if (g_cancellable_is_cancelled (cancellable))
    {
      fail (&dial, TALLY_WAIT_CANCELLED, "connecting to", error);
      return FALSE;
    }
  if (!collect_addresses (&dial, error))
    return FALSE;
  index = connect_any (&dial, error);
  if (index < 0)
    return FALSE;
  won = dial.attempts[index];
  remove_attempt (&dial, index); /* the rest is closed with the dial */
  if (tally_endpoint_get_scheme (endpoint) == TALLY_SCHEME_TLS)
    return secure (&dial, won, stream, error);
  open_stream (&dial, won, stream);
  return TRUE;
}
