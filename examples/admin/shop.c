/* A program that an operator can look at: it serves a shop, buys there itself if told to, and shows both at its admin listener. */
#include <stdio.h>
#include <string.h>
#include <tally-admin.h>

#include "command-line.h"
#include "demo_shop.h"
#include "serve.h"

#define MAX_CUSTOMERS 1000
/* Fewer connections than customers, so that some wait. */
#define MAX_OPEN 6

static gchar *option_admin;
static gint option_customers;
static gint option_orders;

static const GOptionEntry options[] = {
  { "admin", 'a', 0, G_OPTION_ARG_STRING, &option_admin,
    "Where the admin listener is. Default: http://127.0.0.1:9091", "URI" },
  { "customers", 'c', 0, G_OPTION_ARG_INT, &option_customers,
    "Threads of this program that call the shop. Default: 0", "N" },
  { "orders", 'o', 0, G_OPTION_ARG_INT, &option_orders,
    "Order so often first, one in five what fails. Default: 0", "N" },
  { NULL },
};

/* ---- the handler ---- */

typedef DemoShopHandler Shop;
typedef DemoShopHandlerClass ShopClass;

GType shop_get_type (void);
G_DEFINE_TYPE (Shop, shop, DEMO_TYPE_SHOP_HANDLER)

static gboolean
price (DemoShopIf *iface, gint32 *_return, const gchar *item, GError **error)
{
  *_return = 100 + (gint32) strlen (item);
  return TRUE;
}

static gboolean
order (DemoShopIf *iface, const gchar *item, DemoSoldOut **sold_out, GError **error)
{
  if (strcmp (item, "unicorn") == 0) /* a declared exception: a result like others */
    *sold_out = g_object_new (DEMO_TYPE_SOLD_OUT, "item", item, NULL);
  else if (strcmp (item, "dragon") == 0) /* an error */
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the dragon has escaped");
  else
    return TRUE;
  return FALSE;
}

static gboolean
count_stock (DemoShopIf *iface, gint32 *_return, const gint32 milliseconds, GError **error)
{
  g_usleep ((gulong) CLAMP (milliseconds, 0, 10000) * 1000);
  *_return = 7;
  return TRUE;
}

static void
shop_class_init (ShopClass *klass)
{
  klass->price = price;
  klass->order = order;
  klass->count_stock = count_stock;
}

static void
shop_init (Shop *self)
{
}

/* ---- customers ---- */

typedef struct
{
  TallyAdmin *admin;
  TallyPool *pool;
  TallyChannel *channel;
  GPtrArray *threads;
  gint n_customers; /* atomic */
  gint closes;      /* atomic */
} Street;

/* Every second customer has the stock counted, again and again, so that there are calls that take long beside short ones. */
static gpointer
buy (gpointer data)
{
  Street *street = data;
  gboolean is_curious = g_atomic_int_add (&street->n_customers, 1) % 2 == 1;
  g_autoptr (DemoShopClient) shop = demo_shop_client_new (street->channel);
  gint32 answer;

  for (gint32 i = 1; !g_atomic_int_get (&street->closes); i++)
    {
      if (is_curious)
        demo_shop_if_count_stock (DEMO_SHOP_IF (shop), &answer, i * 37 % 400, NULL);
      else
        demo_shop_if_price (DEMO_SHOP_IF (shop), &answer, "tea", NULL);
      g_usleep (1000);
    }
  return NULL;
}

static void
place_orders (const Street *street)
{
  static const gchar *const items[] = { "tea", "milk", "unicorn", "sugar", "dragon" };
  g_autoptr (DemoShopClient) shop = demo_shop_client_new (street->channel);

  for (gint i = 0; i < option_orders; i++)
    {
      g_autoptr (DemoSoldOut) sold_out = NULL;

      demo_shop_if_order (DEMO_SHOP_IF (shop), items[i % G_N_ELEMENTS (items)], &sold_out, NULL);
    }
}

static gpointer
open_street (gpointer data)
{
  Street *street = data;

  place_orders (street);
  for (gint i = 0; i < option_customers; i++)
    g_ptr_array_add (street->threads, g_thread_new ("customer", buy, street));
  return NULL;
}

/* Before the server serves: what is to be seen, and where. */
static gboolean
open_shop (TallyServer *server, const gchar *uri, gpointer data, GError **error)
{
  Street *street = data;
  g_autofree gchar *admin_uri = NULL;

  street->channel = tally_channel_new_with_pool (uri, street->pool, error);
  if (street->channel == NULL)
    return FALSE;
  tally_admin_add_server (street->admin, "shop", server);
  tally_admin_add_channel (street->admin, "customers", street->channel);
  if (!tally_admin_listen (street->admin,
                           option_admin != NULL ? option_admin : "http://127.0.0.1:9091", error))
    return FALSE;
  admin_uri = tally_admin_dup_uri (street->admin);
  printf ("admin at %s\n", admin_uri);
  g_ptr_array_add (street->threads, g_thread_new ("street", open_street, street));
  return TRUE;
}

static void
close_street (Street *street)
{
  g_atomic_int_set (&street->closes, TRUE);
  for (guint i = 0; i < street->threads->len; i++) /* the first adds the others */
    g_thread_join (g_ptr_array_index (street->threads, i));
  g_ptr_array_unref (street->threads);
  g_clear_object (&street->admin);
  g_clear_object (&street->channel);
  g_clear_object (&street->pool);
}

/* ---- the program ---- */

int
main (int argc, char **argv)
{
  g_autoptr (GObject) handler = NULL;
  g_autoptr (DemoShopProcessor) processor = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;
  Street street = { 0 };
  gboolean served;

  if (!command_line_parse (&argc, &argv, "Serves a shop, with an admin listener.",
                           SERVE_URI_DESCRIPTION, options, &uri, &error)
      || !command_line_check ("--customers", option_customers, 0, MAX_CUSTOMERS, &error)
      || !command_line_check ("--orders", option_orders, 0, G_MAXINT, &error))
    {
      g_printerr ("shop: %s\n", error->message);
      return 2;
    }
  handler = g_object_new (shop_get_type (), NULL);
  processor = g_object_new (DEMO_TYPE_SHOP_PROCESSOR, "handler", handler, NULL);
  street.admin = tally_admin_new ();
  street.pool = tally_pool_new ();
  street.threads = g_ptr_array_new ();
  g_object_set (street.pool, "max-open", MAX_OPEN, NULL);
  served = serve_prepared (THRIFT_PROCESSOR (processor), uri != NULL ? uri : "tcp://localhost:9090",
                           open_shop, &street, &error);
  close_street (&street);
  g_free (option_admin);
  if (!served)
    g_printerr ("shop: %s\n", error->message);
  return served ? 0 : 1;
}
