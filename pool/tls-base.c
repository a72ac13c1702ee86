/* Owns the way between GIO's TLS and the descriptor. GIO asks for a record's head and its body one after
 * the other; here one system call serves both, and what there is of ciphertext is known. Only a
 * handshake, which GIO runs in a thread of its own, waits here, for as long as its deadline allows. It
 * knows nothing of TLS. */
#include "tls-base-private.h"

#include <string.h>

typedef GSocketConnectionClass TallyTlsBaseClass;

static GType tally_tls_base_get_type (void);
G_DEFINE_TYPE (TallyTlsBase, tally_tls_base, G_TYPE_SOCKET_CONNECTION)

/* The two halves know whose they are, and do not own it. */
typedef struct
{
  GInputStream parent;
  TallyTlsBase *base;
} TallyTlsBaseInput;
typedef GInputStreamClass TallyTlsBaseInputClass;

typedef struct
{
  GOutputStream parent;
  TallyTlsBase *base;
} TallyTlsBaseOutput;
typedef GOutputStreamClass TallyTlsBaseOutputClass;

static void input_iface_init (GPollableInputStreamInterface *iface);
static void output_iface_init (GPollableOutputStreamInterface *iface);
static GType tally_tls_base_input_get_type (void);
static GType tally_tls_base_output_get_type (void);
G_DEFINE_TYPE_WITH_CODE (TallyTlsBaseInput,
                         tally_tls_base_input,
                         G_TYPE_INPUT_STREAM,
                         G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, input_iface_init))
G_DEFINE_TYPE_WITH_CODE (TallyTlsBaseOutput,
                         tally_tls_base_output,
                         G_TYPE_OUTPUT_STREAM,
                         G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM, output_iface_init))

/* ---- errors ---- */

static gssize
fail_with_errno (gint number, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, (gint) g_io_error_from_errno (number),
                       g_strerror (number));
  return -1;
}

/* As tally_stream_wait (), which whatever hears of waits is told of. */
static TallyWait
wait_and_tell (TallyTlsBase *self, guint events, GCancellable *cancellable)
{
  TallyWait result;
  gint number;

  if (self->on_wait != NULL)
    self->on_wait (self->wait_data, TRUE);
  result = tally_stream_wait (&self->plain, events, self->deadline, cancellable, NULL);
  number = errno;
  if (self->on_wait != NULL)
    self->on_wait (self->wait_data, FALSE);
  errno = number;
  return result;
}

/* Waits during a handshake. */
static gboolean
await_peer (TallyTlsBase *self, guint events, GCancellable *cancellable, GError **error)
{
  switch (wait_and_tell (self, events, cancellable))
    {
    case TALLY_WAIT_READY:
      return TRUE;
    case TALLY_WAIT_TIMED_OUT:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no answer in time");
      return FALSE;
    case TALLY_WAIT_CANCELLED:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
      return FALSE;
    default:
      fail_with_errno (errno, error);
      return FALSE;
    }
}

/* ---- input ---- */

static gssize
receive_ciphertext (TallyTlsBase *self, gpointer bytes, gsize length)
{
  gssize count = tally_stream_receive (&self->plain, bytes, length);

  if (count < 0 && errno != EAGAIN)
    self->receive_errno = errno;
  if (G_UNLIKELY (self->first < 0) && count > 0)
    self->first = *(const guint8 *) bytes;
  return count;
}

gint
tally_tls_base_fill (TallyTlsBase *self)
{
  gssize count;

  if (self->start == self->end)
    self->start = self->end = 0;
  if (self->end == sizeof self->bytes)
    return 1;
  count = receive_ciphertext (self, self->bytes + self->end, sizeof self->bytes - self->end);
  if (count <= 0)
    return (gint) count;
  self->end += count;
  return 1;
}

static void
follow_records (TallyTlsBase *self, const guint8 *bytes, gsize length)
{
  while (length > 0)
    {
      gsize count = MIN (length, self->n_body);

      if (self->n_body == 0)
        {
          self->head[self->n_head++] = *bytes;
          count = 1;
          if (self->n_head == TALLY_TLS_HEAD)
            {
              self->n_body = self->head[TALLY_TLS_HEAD - 2] * 256U + self->head[TALLY_TLS_HEAD - 1];
              self->n_head = 0;
            }
        }
      else
        self->n_body -= count;
      bytes += count;
      length -= count;
    }
}

/* As recv (2): what is here, else what is there. */
static gssize
find_ciphertext (TallyTlsBase *self, gpointer bytes, gsize length)
{
  gssize count;

  if (!tally_tls_base_has_bytes (self))
    {
      if (length >= sizeof self->bytes)
        return receive_ciphertext (self, bytes, length);
      count = tally_tls_base_fill (self);
      if (count <= 0)
        return count;
    }
  count = MIN (length, self->end - self->start);
  memcpy (bytes, self->bytes + self->start, count);
  self->start += count;
  return count;
}

static gssize
take_ciphertext (TallyTlsBase *self, gpointer bytes, gsize length)
{
  gssize count = find_ciphertext (self, bytes, length);

  if (count > 0)
    follow_records (self, bytes, count);
  return count;
}

static gssize
input_read_nonblocking (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  gssize taken = take_ciphertext (((TallyTlsBaseInput *) stream)->base, buffer, count);

  return taken >= 0 ? taken : fail_with_errno (errno, error);
}

static gssize
input_read (
    GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  TallyTlsBase *self = ((TallyTlsBaseInput *) stream)->base;
  gssize taken;

  while ((taken = take_ciphertext (self, buffer, count)) < 0)
    {
      if (errno != EAGAIN || !self->blocks)
        return fail_with_errno (errno, error);
      if (!await_peer (self, TALLY_STREAM_READABLE, cancellable, error))
        return -1;
    }
  return taken;
}

static gboolean
input_is_readable (GPollableInputStream *stream)
{
  TallyTlsBase *self = ((TallyTlsBaseInput *) stream)->base;

  return tally_tls_base_has_bytes (self) || tally_stream_look (&self->plain) != TALLY_LOOK_NOTHING;
}

/* Nobody of ours waits in a main context; GIO may while it shakes hands. */
static GSource *
create_source (GObject *stream,
               TallyTlsBase *self,
               GIOCondition condition,
               GCancellable *cancellable)
{
  GSocket *socket = g_socket_connection_get_socket (&self->parent);
  g_autoptr (GSource) child = tally_tls_base_has_bytes (self) && condition == G_IO_IN
                                  ? g_timeout_source_new (0)
                                  : g_socket_create_source (socket, condition, NULL);

  return g_pollable_source_new_full (stream, child, cancellable);
}

static GSource *
input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  return create_source (G_OBJECT (stream), ((TallyTlsBaseInput *) stream)->base, G_IO_IN,
                        cancellable);
}

static void
tally_tls_base_input_class_init (TallyTlsBaseInputClass *class)
{
  class->read_fn = input_read;
}

static void
tally_tls_base_input_init (TallyTlsBaseInput *self)
{
}

static void
input_iface_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read_nonblocking;
}

/* ---- output ---- */

/* As send (2). */
static gssize
send_ciphertext (TallyTlsBase *self, gconstpointer bytes, gsize length)
{
  gsize sent = 0;

  if (!tally_stream_send (&self->plain, bytes, length, self->ends, &sent) && sent == 0)
    {
      self->send_errno = errno;
      return -1;
    }
  if (sent > 0)
    return sent;
  if (self->drops)
    return length;
  errno = EAGAIN;
  return -1;
}

static gssize
output_write_nonblocking (GPollableOutputStream *stream,
                          const void *buffer,
                          gsize count,
                          GError **error)
{
  gssize given = send_ciphertext (((TallyTlsBaseOutput *) stream)->base, buffer, count);

  return given >= 0 ? given : fail_with_errno (errno, error);
}

static gssize
output_write (GOutputStream *stream,
              const void *buffer,
              gsize count,
              GCancellable *cancellable,
              GError **error)
{
  TallyTlsBase *self = ((TallyTlsBaseOutput *) stream)->base;
  gssize given;

  while ((given = send_ciphertext (self, buffer, count)) < 0)
    {
      if (errno != EAGAIN || !self->blocks)
        return fail_with_errno (errno, error);
      if (!await_peer (self, TALLY_STREAM_WRITABLE, cancellable, error))
        return -1;
    }
  return given;
}

static gboolean
output_is_writable (GPollableOutputStream *stream)
{
  TallyTlsBase *self = ((TallyTlsBaseOutput *) stream)->base;

  return tally_stream_wait (&self->plain, TALLY_STREAM_WRITABLE, 0, NULL, NULL)
         != TALLY_WAIT_TIMED_OUT;
}

static GSource *
output_create_source (GPollableOutputStream *stream, GCancellable *cancellable)
{
  return create_source (G_OBJECT (stream), ((TallyTlsBaseOutput *) stream)->base, G_IO_OUT,
                        cancellable);
}

static void
tally_tls_base_output_class_init (TallyTlsBaseOutputClass *class)
{
  class->write_fn = output_write;
}

static void
tally_tls_base_output_init (TallyTlsBaseOutput *self)
{
}

static void
output_iface_init (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write_nonblocking;
}

/* ---- both ---- */

static GInputStream *
get_input_stream (GIOStream *stream)
{
  return ((TallyTlsBase *) stream)->input;
}

static GOutputStream *
get_output_stream (GIOStream *stream)
{
  return ((TallyTlsBase *) stream)->output;
}

static void
tally_tls_base_finalize (GObject *object)
{
  TallyTlsBase *self = (TallyTlsBase *) object;

  g_object_unref (self->input);
  g_object_unref (self->output);
  G_OBJECT_CLASS (tally_tls_base_parent_class)->finalize (object);
}

static void
tally_tls_base_class_init (TallyTlsBaseClass *class)
{
  G_OBJECT_CLASS (class)->finalize = tally_tls_base_finalize;
  G_IO_STREAM_CLASS (class)->get_input_stream = get_input_stream;
  G_IO_STREAM_CLASS (class)->get_output_stream = get_output_stream;
}

static void
tally_tls_base_init (TallyTlsBase *self)
{
  self->input = g_object_new (tally_tls_base_input_get_type (), NULL);
  self->output = g_object_new (tally_tls_base_output_get_type (), NULL);
  ((TallyTlsBaseInput *) self->input)->base = self;
  ((TallyTlsBaseOutput *) self->output)->base = self;
  self->plain = TALLY_STREAM_CLOSED;
  self->deadline = -1;
  self->first = -1;
}

TallyTlsBase *
tally_tls_base_new (gint fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);
  TallyTlsBase *self;

  if (socket == NULL)
    {
      TallyStream stream = { .fd = fd };

      tally_stream_close (&stream);
      return NULL;
    }
  self = g_object_new (tally_tls_base_get_type (), "socket", socket, NULL);
  self->plain.fd = fd;
  return self;
}

void
tally_tls_base_close (TallyTlsBase *self)
{
  g_socket_close (g_socket_connection_get_socket (&self->parent), NULL);
}
