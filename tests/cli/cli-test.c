/* Owns what the tests of cli/ share. */
#include "cli-test.h"

#include <string.h>
#include <unistd.h>

#include "cli-show.h"
#include "harness.h"

CliIdl *
cli_test_load (const gchar *text)
{
  g_autofree gchar *path = NULL;
  g_autoptr (GError) error = NULL;
  CliIdl *idl;

  close (g_file_open_tmp ("cli-XXXXXX.thrift", &path, NULL));
  g_file_set_contents (path, text, -1, NULL);
  idl = cli_idl_load (path, NULL, &error);
  unlink (path);
  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (idl);
  return idl;
}

CliMethod
cli_test_find (CliIdl *idl, const gchar *name)
{
  CliMethod method = { NULL };
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE_FATAL (cli_idl_find_method (idl, name, &method, &error));
  assert_no_error (error);
  return method;
}

/* The one argument, which is a struct, as an object that was written and read by @protocol. (transfer full) (nullable) */
static gpointer
pass_object (gpointer object, TallyProtocolId protocol, GError **error)
{
  g_autoptr (GBytes) bytes = tally_struct_encode (object, protocol, error);
  gsize length;
  gconstpointer data = bytes != NULL ? g_bytes_get_data (bytes, &length) : NULL;
  g_autoptr (GObject) copy = bytes != NULL ? g_object_new (G_OBJECT_TYPE (object), NULL) : NULL;

  if (copy == NULL || !tally_struct_decode (copy, protocol, data, length, error))
    return NULL;
  CU_ASSERT_TRUE (tally_struct_equal (object, copy));
  return g_steal_pointer (&copy);
}

static gchar *
show_object (const TallyType *type, gpointer object)
{
  IdlJson json;

  idl_json_init (&json);
  idl_json_begin (&json, NULL, '[', TRUE);
  cli_show (&json, NULL, type, &object);
  idl_json_end (&json, '[');
  return idl_json_finish (&json);
}

gchar *
cli_test_pass (const gchar *text, const gchar *name, const gchar *json)
{
  g_autoptr (CliIdl) idl = cli_test_load (text);
  CliMethod method = cli_test_find (idl, name);
  g_autoptr (GError) error = NULL;
  g_autoptr (CliJson) value = cli_json_parse ("args", json, strlen (json), &error);
  gpointer args = value != NULL ? cli_args_new (method.table, value, "args", &error) : NULL;
  gchar *said = NULL;

  for (gint protocol = TALLY_PROTOCOL_BINARY; args != NULL && protocol <= TALLY_PROTOCOL_COMPACT;
       protocol++)
    {
      const TallyField *field = &method.table->args->fields[0];
      g_autoptr (GObject) copy =
          pass_object (*(gpointer *) ((guint8 *) args + field->offset), protocol, &error);

      if (copy == NULL)
        break;
      g_free (said);
      said = show_object (field->type, copy);
    }
  cli_args_free (method.table, args);
  if (error != NULL)
    {
      g_free (said);
      return g_strdup (error->message);
    }
  memmove (said, said + 1, strlen (said)); /* without the array around it */
  said[strlen (said) - 2] = '\0';
  return said;
}
