/* The relay where there is no OpenSSL to build it with: it is off. */
#include "tls-relay.h"

gboolean
tls_relay_is_on (void)
{
  return FALSE;
}

guint16
tls_relay_listen (guint16 port, guint16 outer_port)
{
  g_assert_not_reached ();
}

guint16
tls_relay_listen_once (gint fd)
{
  g_assert_not_reached ();
}

void
tls_relay_stop_listening (guint16 outer_port)
{
  g_assert_not_reached ();
}

gchar *
tls_relay_dup_uri (const gchar *host, guint16 outer_port, const gchar *options)
{
  g_assert_not_reached ();
}

guint
tls_relay_count_resumed (void)
{
  g_assert_not_reached ();
}

const gchar *
tls_relay_get_file (void)
{
  g_assert_not_reached ();
}

gint
tls_relay_connect (gint fd)
{
  g_assert_not_reached ();
}

void
tls_relay_settle (void)
{
}
