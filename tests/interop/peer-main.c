/* The command line of both C peers:
 *
 *   peer-glib|peer-tally server|client PROTOCOL TRANSPORT ADDRESS [FLAG…]
 *
 * ADDRESS is tcp:PORT, tls:PORT or unix:PATH. A server prints its own once it listens. Flags: multiplexed,
 * plain-service (the service that extends none), no-inherited, no-nan, no-wide, no-unknown,
 * no-odd-union, no-failure, and for peer-tally apache-stack (Apache's server, protocols and transports under
 * Tally's generated code), shared (several threads check over one connection) and unpooled; over TLS
 * also mutual (both sides have certificates) and tls1.2 (no later version). $PEER_CERTIFICATES has the
 * certificates, as tests/runtime/make-certificates.sh makes them. The client checks everything that it
 * gets back and exits with 1 at the first difference. */
#include "interop-peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

gboolean
peer_has_flag (const PeerOptions *options, const gchar *flag)
{
  return g_strv_contains (options->flags, flag);
}

gboolean
peer_is_unix (const PeerOptions *options)
{
  return g_str_has_prefix (options->address, "unix:");
}

gboolean
peer_is_tls (const PeerOptions *options)
{
  return g_str_has_prefix (options->address, "tls:");
}

gchar *
peer_certificate (const gchar *name)
{
  return g_strdup_printf ("%s/%s.pem", g_getenv ("PEER_CERTIFICATES"), name);
}

const gchar *
peer_place (const PeerOptions *options)
{
  const gchar *colon = strchr (options->address, ':');

  if (colon == NULL)
    peer_fail ("\"%s\" is no address", options->address);
  return colon + 1;
}

void
peer_fail (const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  fprintf (stderr, "%s: ", g_get_prgname ());
  vfprintf (stderr, format, args);
  fputc ('\n', stderr);
  va_end (args);
  exit (1);
}

void
peer_expect (gboolean holds, const gchar *what)
{
  if (!holds)
    peer_fail ("%s differs", what);
}

void
peer_expect_no_error (const GError *error, const gchar *what)
{
  if (error != NULL)
    peer_fail ("%s: %s %d: %s", what, g_quark_to_string (error->domain), error->code,
               error->message);
}

int
main (int argc, char **argv)
{
  PeerOptions options = { NULL };

  g_set_prgname (argv[0]);
  if (argc < 5)
    peer_fail ("too few arguments");
  options.role = argv[1];
  options.protocol = argv[2];
  options.transport = argv[3];
  options.address = argv[4];
  options.flags = (const gchar *const *) argv + 5;
  peer_run (&options);
  return 0;
}
