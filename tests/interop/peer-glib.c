/* The Apache C GLib peer: generated code and runtime are both Apache's. */
#include "interop-peer.h"

void
peer_run (const PeerOptions *options)
{
  if (g_str_equal (options->role, "server"))
    peer_apache_serve (options);
  else
    peer_apache_check (options);
}
