/* Code that Tally 0.1 generated, golden/0.1/, calls and serves with the library as it is now, in the ways that programs use it. */
#include "harness.h"
#include "served.h"

#include <string.h>

#include "old_shop.h"

/* ---- a handler ---- */

typedef OldShopHandler OldHandler;
typedef OldShopHandlerClass OldHandlerClass;

GType old_handler_get_type (void);

G_DEFINE_TYPE (OldHandler, old_handler, OLD_TYPE_SHOP_HANDLER)

static gint forgotten; /* how often; atomic */

static gboolean
twice (OldBaseIf *iface, gint32 *_return, const gint32 number, GError **error)
{
  *_return = 2 * number;
  return TRUE;
}

static gboolean
give (OldShopIf *iface,
      OldItem **_return,
      const OldItem *item,
      const OldChoice *choice,
      OldRefused **refused,
      GError **error)
{
  if (choice->__isset_text)
    {
      *refused = g_object_new (OLD_TYPE_REFUSED, "why", choice->text, NULL);
      return FALSE;
    }
  g_object_set (*_return, "id", item->id + choice->number, "numbers", item->numbers, "colors",
                item->colors, "tags", item->tags, "blob", item->blob, NULL);
  return TRUE;
}

static gboolean
forget (OldShopIf *iface, const gchar *text, GError **error)
{
  g_atomic_int_inc (&forgotten);
  return TRUE;
}

static void
old_handler_class_init (OldHandlerClass *klass)
{
  OLD_BASE_HANDLER_CLASS (klass)->twice = twice;
  klass->give = give;
  klass->forget = forget;
}

static void
old_handler_init (OldHandler *self)
{
}

/* ---- a server ---- */

typedef struct
{
  Served served;
  OldShopClient *client;
} Fixture;

static void
fixture_init (Fixture *self, const gchar *uri)
{
  g_autoptr (OldShopHandler) handler = g_object_new (old_handler_get_type (), NULL);
  g_autoptr (OldShopProcessor) processor =
      g_object_new (OLD_TYPE_SHOP_PROCESSOR, "handler", handler, NULL);

  served_start (&self->served, processor, uri);
  self->client = old_shop_client_new (self->served.channel);
}

static void
fixture_clear (Fixture *self)
{
  g_object_unref (self->client);
  served_stop (&self->served);
}

/* ---- tests ---- */

static OldItem *
make_item (void)
{
  const gint32 values[] = { 1, -2, OLD_LIMIT };
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GHashTable) colors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) tags = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GByteArray) blob = g_byte_array_new ();
  OldItem *item;

  g_array_append_vals (numbers, values, G_N_ELEMENTS (values));
  g_hash_table_insert (colors, g_strdup ("sky"), GINT_TO_POINTER (OLD_COLOR_BLUE));
  g_hash_table_add (tags, g_strdup ("new"));
  g_byte_array_append (blob, (const guint8 *) "\0\1", 2);
  item = g_object_new (OLD_TYPE_ITEM, "id", 40, "numbers", numbers, "colors", colors, "tags", tags,
                       "blob", blob, NULL);
  assert_string (item->name, "item");
  CU_ASSERT (!item->__isset_name && item->__isset_numbers);
  return item;
}

static void
check_calls (const gchar *uri)
{
  Fixture fixture;
  g_autoptr (OldItem) item = make_item ();
  g_autoptr (OldItem) given = g_object_new (OLD_TYPE_ITEM, NULL);
  g_autoptr (OldChoice) choice = g_object_new (OLD_TYPE_CHOICE, "number", 2, NULL);
  g_autoptr (OldChoice) other = g_object_new (OLD_TYPE_CHOICE, "text", "none left", NULL);
  g_autoptr (OldRefused) refused = NULL;
  g_autoptr (GError) error = NULL;
  gint32 result = 0;

  fixture_init (&fixture, uri);
  CU_ASSERT_TRUE (
      old_shop_if_give (OLD_SHOP_IF (fixture.client), &given, item, choice, &refused, &error));
  assert_no_error (error);
  assert_int (given->id, 42);
  given->id = item->id;
  CU_ASSERT_TRUE (tally_struct_equal (item, given));

  CU_ASSERT_FALSE (
      old_shop_client_give (OLD_SHOP_IF (fixture.client), &given, item, other, &refused, &error));
  assert_error (error, OLD_REFUSED_ERROR, OLD_REFUSED_ERROR_CODE, "Refused");
  assert_string (refused != NULL ? refused->why : NULL, "none left");
  g_clear_error (&error);

  g_atomic_int_set (&forgotten, 0);
  CU_ASSERT_TRUE (old_shop_client_forget (OLD_SHOP_IF (fixture.client), "all", &error));
  CU_ASSERT_TRUE (old_base_if_twice (OLD_BASE_IF (fixture.client), &result, 21, &error));
  assert_no_error (error);
  assert_int (result, 42);
  fixture_clear (&fixture); /* all that was sent has been served then */
  assert_int (g_atomic_int_get (&forgotten), 1);
}

static void
old_code_calls_and_serves_binary (void)
{
  check_calls ("tcp://127.0.0.1:0?protocol=binary&transport=framed");
}

static void
old_code_calls_and_serves_compact (void)
{
  check_calls ("tcp://127.0.0.1:0?protocol=compact&transport=buffered");
}

/* As libraries do that take any struct: by the tables that 0.1 wrote. */
static void
old_tables_are_read (void)
{
  g_autoptr (OldItem) item = make_item ();
  g_autofree gchar *text = tally_struct_to_string (item);

  CU_ASSERT (strstr (text, "BLUE") != NULL);
  assert_string (old_color_to_string (OLD_COLOR_RED), "OLD_COLOR_RED");
  assert_int (old_shop_service.n_methods, 2);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (old_code_calls_and_serves_binary),
    TEST (old_code_calls_and_serves_compact),
    TEST (old_tables_are_read),
    { NULL, NULL },
  };

  return test_main ("old-code", cases, argc, argv);
}
