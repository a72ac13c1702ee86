/* Owns one pair of connections: bytes, ends and resets between an outer one, over TLS, and an inner, plain one. Knows
 * neither threads nor listeners. */
#include "tls-relay-private.h"
#include "tls-relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than that does not wait here: a peer that takes nothing is felt. */
#define MAX_PENDING (2 * RELAY_PIECE)

/* The kernel takes little more for two connections than for one, and what is sent leaves at once. */
static void
set_options (gint fd)
{
  const gint size = 4 * RELAY_PIECE;
  const gint on = 1;

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on Unix sockets, rightly */
  setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

Relay *
relay_new (SSL_CTX *context, gint outer, gint inner, gboolean is_server)
{
  Relay *self = g_new0 (Relay, 1);

  self->outer = outer;
  self->inner = inner;
  set_options (outer);
  set_options (inner);
  self->ssl = SSL_new (context);
  self->from_outer = BIO_new (BIO_s_mem ());
  self->to_outer = BIO_new (BIO_s_mem ());
  BIO_set_mem_eof_return (self->from_outer, -1);
  SSL_set_bio (self->ssl, self->from_outer, self->to_outer);
  if (is_server)
    SSL_set_accept_state (self->ssl);
  else
    SSL_set_connect_state (self->ssl);
  return self;
}

static void
close_both (Relay *self)
{
  close (self->outer);
  close (self->inner);
  self->outer = self->inner = -1;
}

void
relay_free (Relay *self)
{
  if (self->outer >= 0)
    close_both (self);
  SSL_free (self->ssl);
  g_free (self);
}

static void
reset_on_close (gint fd)
{
  struct linger hard = { 1, 0 };

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

/* Either has been reset, and so the other one is. */
static gboolean
reset_both (Relay *self)
{
  reset_on_close (self->outer);
  reset_on_close (self->inner);
  close_both (self);
  return TRUE;
}

static gssize
receive (gint fd, gpointer bytes, gsize length)
{
  gssize count;

  do
    count = recv (fd, bytes, length, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  return count;
}

/* Sends of the bytes from *@start to @end. @ends: the connection's end follows, in one segment with them. FALSE: the
 * connection has failed. */
static gboolean
give (gint fd, const guint8 *bytes, gsize *start, gsize end, gboolean ends)
{
  const gint flags = MSG_DONTWAIT | MSG_NOSIGNAL | (ends ? MSG_MORE : 0);

  while (*start < end)
    {
      gssize count = send (fd, bytes + *start, end - *start, flags);

      if (count < 0 && errno != EINTR)
        return errno == EAGAIN;
      *start += MAX (count, 0);
    }
  return TRUE;
}

/* Where nothing is taken of what has arrived: whether there is a reset behind it. */
static gboolean
has_failed (gint fd)
{
  gint error = 0;
  socklen_t size = sizeof error;

  return getsockopt (fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0;
}

/* ---- to the outer connection ---- */

static gboolean
give_ciphertext (Relay *self)
{
  gboolean moved = FALSE;

  for (;;)
    {
      gsize start = self->cipher_start;

      if (self->cipher_start == self->cipher_end)
        {
          gint count = BIO_read (self->to_outer, self->cipher, sizeof self->cipher);

          if (count <= 0)
            break;
          self->cipher_start = start = 0;
          self->cipher_end = count;
        }
      if (!give (self->outer, self->cipher, &self->cipher_start, self->cipher_end,
                 self->inner_ended))
        return reset_both (self);
      moved |= self->cipher_start > start;
      if (self->cipher_start < self->cipher_end)
        return moved;
    }
  if (!self->inner_ended || self->outer_shut)
    return moved;
  shutdown (self->outer, SHUT_WR);
  self->outer_shut = TRUE;
  return TRUE;
}

static gboolean
has_room_for_plaintext (const Relay *self)
{
  return BIO_pending (self->to_outer) < MAX_PENDING;
}

static gboolean
take_plaintext (Relay *self)
{
  guint8 bytes[RELAY_PIECE];
  gssize count;

  if (!SSL_is_init_finished (self->ssl))
    return FALSE;
  if (!has_room_for_plaintext (self))
    return has_failed (self->inner) && reset_both (self);
  count = receive (self->inner, bytes, sizeof bytes);
  if (count < 0)
    {
      if (errno == EAGAIN)
        return FALSE;
      give_ciphertext (self);
      return self->outer < 0 || reset_both (self);
    }
  if (count > 0)
    SSL_write (self->ssl, bytes, (gint) count);
  else if (self->inner_ended)
    return FALSE;
  else
    {
      self->inner_ended = TRUE;
      SSL_shutdown (self->ssl);
    }
  return TRUE;
}

/* An end leaves with what was sent before it, as a plain one does. */
static gboolean
take_all_plaintext (Relay *self)
{
  gboolean moved = FALSE;

  while (self->outer >= 0 && take_plaintext (self))
    moved = TRUE;
  return moved;
}

/* ---- to the inner connection ---- */

static gboolean
has_room_for_ciphertext (const Relay *self)
{
  return BIO_pending (self->from_outer) < MAX_PENDING;
}

/* FALSE: nothing is there now. */
static gboolean
decrypt (Relay *self)
{
  gint count = SSL_read (self->ssl, self->plain, sizeof self->plain);
  gint error = SSL_get_error (self->ssl, count);

  self->plain_start = 0;
  self->plain_end = MAX (count, 0);
  if (count > 0)
    return TRUE;
  self->tls_ended |=
      error == SSL_ERROR_ZERO_RETURN || (error == SSL_ERROR_WANT_READ && self->outer_ended);
  if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL)
    {
      give_ciphertext (self); /* an alert */
      if (self->outer >= 0)
        reset_both (self);
    }
  return FALSE;
}

static gboolean
give_plaintext (Relay *self)
{
  gboolean moved = FALSE;

  if (!SSL_is_init_finished (self->ssl) || self->inner_shut)
    return FALSE;
  while (self->plain_start < self->plain_end || (!self->tls_ended && decrypt (self)))
    {
      gsize start = self->plain_start;

      if (!give (self->inner, self->plain, &self->plain_start, self->plain_end, FALSE))
        return reset_both (self);
      moved |= self->plain_start > start;
      if (self->plain_start < self->plain_end)
        return moved;
    }
  if (self->outer < 0)
    return TRUE;
  if (!self->tls_ended)
    return moved;
  shutdown (self->inner, SHUT_WR);
  self->inner_shut = TRUE;
  return TRUE;
}

static gboolean
take_ciphertext (Relay *self)
{
  guint8 bytes[RELAY_PIECE];
  gssize count;

  if (!has_room_for_ciphertext (self))
    return has_failed (self->outer) && reset_both (self);
  count = receive (self->outer, bytes, sizeof bytes);
  if (count < 0)
    {
      if (errno == EAGAIN)
        return FALSE;
      give_plaintext (self);
      return self->outer < 0 || reset_both (self);
    }
  if (count == 0 && self->outer_ended)
    return FALSE;
  self->outer_ended = count == 0;
  if (count > 0)
    BIO_write (self->from_outer, bytes, (gint) count);
  return TRUE;
}

/* ---- both ---- */

static gint n_resumed; /* atomic */

guint
tls_relay_count_resumed (void)
{
  return g_atomic_int_get (&n_resumed);
}

static gboolean
shake (Relay *self)
{
  gint result, error;

  if (SSL_is_init_finished (self->ssl))
    return FALSE;
  result = SSL_do_handshake (self->ssl);
  error = SSL_get_error (self->ssl, result);
  if (result == 1)
    {
      if (SSL_is_server (self->ssl) && SSL_session_reused (self->ssl))
        g_atomic_int_inc (&n_resumed);
      return TRUE;
    }
  if (error == SSL_ERROR_WANT_READ && !self->outer_ended)
    return FALSE;
  give_ciphertext (self);
  if (self->outer >= 0)
    close_both (self);
  return TRUE;
}

gboolean
relay_step (Relay *self)
{
  static gboolean (*const steps[]) (Relay *) = { take_ciphertext, shake, give_plaintext,
                                                 take_all_plaintext, give_ciphertext };
  gboolean moved = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (steps) && self->outer >= 0; i++)
    moved |= steps[i](self);
  if (self->outer >= 0 && self->outer_shut && self->inner_shut)
    close_both (self);
  return moved || self->outer < 0;
}

void
relay_get_watches (const Relay *self, struct pollfd watches[2])
{
  gboolean has_output = self->cipher_start < self->cipher_end || BIO_pending (self->to_outer) > 0;
  gboolean reads_outer = !self->outer_ended && has_room_for_ciphertext (self);
  gboolean reads_inner = !self->inner_ended && has_room_for_plaintext (self);

  watches[0] = (struct pollfd){ .fd = self->outer_ended && self->outer_shut ? -1 : self->outer,
                                .events = (reads_outer ? POLLIN : 0) | (has_output ? POLLOUT : 0) };
  watches[1] = (struct pollfd){
    .fd = !SSL_is_init_finished (self->ssl) || (self->inner_ended && self->inner_shut)
              ? -1
              : self->inner,
    .events = (reads_inner ? POLLIN : 0) | (self->plain_start < self->plain_end ? POLLOUT : 0)
  };
}
