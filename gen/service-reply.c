/* The functions with which a handler answers later: one for what a method returns, one for each exception that it
 * declares. A oneway method has none. */
#include "ctype.h"
#include "service-private.h"
#include "writer.h"

/* (transfer full): what the function takes as its value: `const gchar *`. */
static gchar *
get_value_type (const GenNames *names, const IdlType *type)
{
  g_autofree gchar *parameter = gen_ctype_parameter (names, type);

  return g_strconcat ("const ", parameter, NULL);
}

/* @type: (nullable): of the value called @value. */
static void
print_prototype_of (
    const gchar *function, const gchar *reply, const gchar *type, const gchar *value, GString *out)
{
  g_autofree gchar *head = g_strdup_printf ("gboolean %s ", function);
  g_autoptr (GPtrArray) parameters = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (parameters, g_strdup_printf ("TallyReply *%s", reply));
  if (type != NULL)
    g_ptr_array_add (parameters, gen_declare (type, value));
  g_ptr_array_add (parameters, g_strdup ("GError **error"));
  gen_print_call (out, head, parameters, ");\n");
}

static void
print_prototypes_of (const GenNames *names, const IdlFunction *function, GString *out)
{
  const GenName *method = gen_names_get (names, function);
  g_autofree gchar *type =
      function->returns->kind != IDL_TYPE_VOID ? get_value_type (names, function->returns) : NULL;

  print_prototype_of (method->answer, method->calls->reply, type, method->calls->value, out);
  for (guint i = 0; i < function->throws->len; i++)
    {
      const IdlField *exception = g_ptr_array_index (function->throws, i);
      const GenName *name = gen_names_get (names, exception);
      g_autofree gchar *thrown = get_value_type (names, exception->type);

      print_prototype_of (name->answer, method->calls->reply, thrown, name->member, out);
    }
}

void
gen_print_reply_prototypes (const GenNames *names, const IdlDefinition *service, GString *out)
{
  gboolean is_first = TRUE;

  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);

      if (function->oneway)
        continue;
      if (is_first)
        g_string_append (out, "\n/* What answers a reply: with what the method returns, or with an "
                              "exception. */\n");
      is_first = FALSE;
      print_prototypes_of (names, function, out);
    }
}

/* MACRO (function, method, …). */
static void
print_reply_macro (GString *out, const gchar *macro, const gchar *const *parts)
{
  g_autofree gchar *head = g_strdup_printf ("%s ", macro);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();

  for (; *parts != NULL; parts++)
    g_ptr_array_add (items, (gpointer) *parts);
  gen_print_call (out, head, items, ")\n");
}

void
gen_print_reply_functions (GenSource *source, const IdlFunction *function)
{
  const GenName *method = gen_names_get (source->names, function);
  g_autofree gchar *table = gen_service_get_table (source, function);
  g_autofree gchar *type = NULL;

  if (function->oneway)
    return;
  if (function->returns->kind != IDL_TYPE_VOID)
    type = get_value_type (source->names, function->returns);
  print_reply_macro (source->out, type != NULL ? "TALLY_DEFINE_REPLY" : "TALLY_DEFINE_REPLY_VOID",
                     (const gchar *const[]){ method->answer, table, type, NULL });
  for (guint i = 0; i < function->throws->len; i++)
    {
      const IdlField *exception = g_ptr_array_index (function->throws, i);
      g_autofree gchar *id = g_strdup_printf ("%d", exception->id);
      g_autofree gchar *thrown = get_value_type (source->names, exception->type);

      print_reply_macro (source->out, "TALLY_DEFINE_REPLY_EXCEPTION",
                         (const gchar *const[]){ gen_names_get (source->names, exception)->answer,
                                                 table, id, thrown, NULL });
    }
  g_string_append_c (source->out, '\n');
}
