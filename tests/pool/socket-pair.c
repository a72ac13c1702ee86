/* See the header. */
#include "socket-pair.h"

#include <string.h>
#include <sys/socket.h>

#include "tls-relay-socket.h"

TallySocket *
socket_pair_make (gint *other)
{
  gint fds[2];

  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  *other = fds[1];
  return tls_relay_adopt (fds[0]);
}

void
socket_pair_put (TallySocket *socket, const gchar *text)
{
  tally_buffer_append (tally_socket_get_output (socket), text, strlen (text));
}

void
socket_pair_assert_input (TallySocket *socket, const gchar *expected)
{
  gsize length;
  const guint8 *bytes = tally_socket_peek_input (socket, &length);
  g_autofree gchar *text = g_strndup ((const gchar *) bytes, length);

  assert_string (text, expected);
}
