#include "admin-fixture.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "harness.h"

/* ---- the shop ---- */

typedef DemoShopHandler TestShop;
typedef DemoShopHandlerClass TestShopClass;

static GMutex lock;
static GCond changed;
static guint n_inside; /* lock: of count_stock () */
static guint n_released;

GType test_shop_get_type (void);
G_DEFINE_TYPE (TestShop, test_shop, DEMO_TYPE_SHOP_HANDLER)

static gboolean
price (DemoShopIf *iface, gint32 *_return, const gchar *item, GError **error)
{
  *_return = 1;
  return TRUE;
}

static gboolean
order (DemoShopIf *iface, const gchar *item, DemoSoldOut **sold_out, GError **error)
{
  if (strcmp (item, "unicorn") == 0)
    *sold_out = g_object_new (DEMO_TYPE_SOLD_OUT, "item", item, NULL);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "\"no\\\n<b>");
  return FALSE;
}

static gboolean
count_stock (DemoShopIf *iface, gint32 *_return, const gint32 milliseconds, GError **error)
{
  g_mutex_lock (&lock);
  n_inside++;
  g_cond_broadcast (&changed);
  while (n_released == 0)
    g_cond_wait (&changed, &lock);
  n_released--;
  n_inside--;
  g_mutex_unlock (&lock);
  *_return = 1;
  return TRUE;
}

static void
test_shop_class_init (TestShopClass *klass)
{
  klass->price = price;
  klass->order = order;
  klass->count_stock = count_stock;
}

static void
test_shop_init (TestShop *self)
{
}

/* ---- the fixture ---- */

Fixture *
fixture_new (const gchar *admin_uri)
{
  Fixture *self = g_new0 (Fixture, 1);
  g_autoptr (GObject) handler = g_object_new (test_shop_get_type (), NULL);
  g_autoptr (DemoShopProcessor) processor =
      g_object_new (DEMO_TYPE_SHOP_PROCESSOR, "handler", handler, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;

  self->admin = g_object_new (TALLY_TYPE_ADMIN, "request-timeout", 3600000, NULL);
  self->server = tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0", &error);
  assert_no_error (error);
  g_object_set (self->server, "drain-timeout", 0, NULL);
  tally_admin_add_server (self->admin, "shop", self->server);
  tally_server_listen (self->server, &error);
  assert_no_error (error);
  uri = tally_server_dup_uri (self->server);
  self->pool = tally_pool_new ();
  self->channel = tally_channel_new_with_pool (uri, self->pool, &error);
  assert_no_error (error);
  tally_channel_set_timeout (self->channel, 0);
  tally_admin_add_channel (self->admin, "street", self->channel);
  self->shop = demo_shop_client_new (self->channel);
  CU_ASSERT_TRUE_FATAL (tally_admin_listen (self->admin, admin_uri, &error));
  assert_no_error (error);
  return self;
}

static gpointer
serve_shop (gpointer server)
{
  return GINT_TO_POINTER (thrift_server_serve (THRIFT_SERVER (server), NULL));
}

void
fixture_serve (Fixture *self)
{
  gint32 answer;

  self->thread = g_thread_new ("serve", serve_shop, self->server);
  CU_ASSERT_TRUE (demo_shop_if_price (DEMO_SHOP_IF (self->shop), &answer, "tea", NULL));
}

void
fixture_join (Fixture *self)
{
  if (self->thread == NULL)
    return;
  tally_server_stop (self->server);
  CU_ASSERT_TRUE (GPOINTER_TO_INT (g_thread_join (g_steal_pointer (&self->thread))));
}

void
fixture_free (Fixture *self)
{
  fixture_join (self);
  g_object_unref (self->shop);
  g_object_unref (self->channel);
  g_object_unref (self->admin);
  g_object_unref (self->server);
  tally_pool_close (self->pool);
  g_object_unref (self->pool);
  g_free (self);
}

static gpointer
call_count_stock (gpointer shop)
{
  gint32 answer;

  CU_ASSERT_TRUE (demo_shop_if_count_stock (DEMO_SHOP_IF (shop), &answer, 1, NULL));
  return NULL;
}

GThread *
fixture_begin_call (Fixture *self)
{
  GThread *call = g_thread_new ("call", call_count_stock, self->shop);

  g_mutex_lock (&lock);
  while (n_inside == 0)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
  return call;
}

void
fixture_end_call (GThread *call)
{
  g_mutex_lock (&lock);
  n_released++;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  g_thread_join (call);
}

/* ---- asking ---- */

void
admin_warm_up (void)
{
  g_autoptr (TallyAdmin) admin = tally_admin_new ();

  if (!tally_admin_listen (admin, LOOPBACK, NULL))
    g_printerr ("nothing listens\n");
}

/* (transfer full): a connection to where @uri says. */
static GSocket *
connect_to (const gchar *uri)
{
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *host = NULL;
  GSocket *socket;
  gint port;

  if (g_str_has_prefix (uri, "unix://"))
    address = g_unix_socket_address_new (uri + strlen ("unix://"));
  else
    {
      CU_ASSERT_TRUE_FATAL (g_uri_split_network (uri, G_URI_FLAGS_NONE, NULL, &host, &port, NULL)
                            && port > 0);
      address = g_inet_socket_address_new_from_string (host, port);
    }
  socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                         G_SOCKET_PROTOCOL_DEFAULT, &error);
  assert_no_error (error);
  g_socket_set_timeout (socket, 300);
  CU_ASSERT_TRUE_FATAL (g_socket_connect (socket, address, NULL, &error));
  return socket;
}

GSocket *
admin_connect (TallyAdmin *admin)
{
  g_autofree gchar *uri = tally_admin_dup_uri (admin);

  CU_ASSERT_PTR_NOT_NULL_FATAL (uri);
  return connect_to (uri);
}

/* Framed binary, as the URI says nothing else. */
void
fixture_call_made_up (Fixture *self, const gchar *method)
{
  g_autofree gchar *uri = tally_server_dup_uri (self->server);
  g_autoptr (GSocket) socket = connect_to (uri);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint32 length = strlen (method);
  const guint32 head[] = { g_htonl (8 + length + 5), g_htonl (0x80010001), g_htonl (length) };
  const guint8 seqid_and_end[] = { 0, 0, 0, 7, 0 };
  gchar answer[1000];

  g_byte_array_append (bytes, (const guint8 *) head, sizeof head);
  g_byte_array_append (bytes, (const guint8 *) method, length);
  g_byte_array_append (bytes, seqid_and_end, sizeof seqid_and_end);
  assert_int (g_socket_send (socket, (const gchar *) bytes->data, bytes->len, NULL, NULL),
              bytes->len);
  CU_ASSERT (g_socket_receive (socket, answer, sizeof answer, NULL, NULL) > 0);
}

void
admin_send (GSocket *socket, const gchar *text)
{
  gsize length = strlen (text);

  while (length > 0)
    {
      gssize sent = g_socket_send (socket, text, length, NULL, NULL);

      if (sent < 0)
        return; /* it was refused */
      text += sent;
      length -= (gsize) sent;
    }
}

gchar *
admin_receive (GSocket *socket)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gchar buffer[4096];
  gssize length;

  while ((length = g_socket_receive (socket, buffer, sizeof buffer, NULL, &error)) > 0)
    g_string_append_len (text, buffer, length);
  CU_ASSERT_FALSE (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  return g_string_free (text, FALSE);
}

gchar *
admin_exchange (TallyAdmin *admin, const gchar *request)
{
  g_autoptr (GSocket) socket = admin_connect (admin);

  admin_send (socket, request);
  return admin_receive (socket);
}

gchar *
admin_get (TallyAdmin *admin, const gchar *path)
{
  g_autofree gchar *request = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

  return admin_exchange (admin, request);
}

void
assert_part_at (const gchar *text, const gchar *part, const gchar *file, int line)
{
  if (strstr (text, part) == NULL)
    test_assert_string (text, part, file, line);
}
