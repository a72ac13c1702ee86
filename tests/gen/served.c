/* Owns a server of one processor and what a client of it needs, for tests of generated code. */
#include "served.h"

#include "harness.h"

static gpointer
serve (gpointer server)
{
  thrift_server_serve (server, NULL);
  return NULL;
}

void
served_start (Served *self, gpointer processor, const gchar *uri)
{
  g_autofree gchar *real_uri = NULL;
  g_autoptr (GError) error = NULL;

  self->server = tally_server_new (processor, uri, &error);
  assert_no_error (error);
  CU_ASSERT_TRUE_FATAL (tally_server_listen (self->server, &error));
  real_uri = tally_server_dup_uri (self->server);
  self->pool = tally_pool_new ();
  self->channel = tally_channel_new_with_pool (real_uri, self->pool, &error);
  assert_no_error (error);
  self->thread = g_thread_new ("server", serve, self->server);
}

void
served_stop (Served *self)
{
  g_object_unref (self->channel);
  tally_pool_close (self->pool);
  g_object_unref (self->pool);
  tally_server_stop (self->server);
  g_thread_join (self->thread);
  g_object_unref (self->server);
}
