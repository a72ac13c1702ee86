/* The functions of a service's client in its source: calls, also with options or asynchronous, and the two halves
 * of a call over the program's own protocols. */
#include <string.h>

#include "ctype.h"
#include "service-private.h"
#include "writer.h"

/* (transfer full): the address of the struct of arguments that a request is encoded from. */
static gchar *
get_arguments (GenSource *source, const IdlFunction *function)
{
  g_autofree gchar *c_type =
      gen_service_get_struct (source, gen_names_get (source->names, function), "args");
  g_autoptr (GString) text = g_string_new (NULL);

  if (function->arguments->len == 0)
    return g_strdup ("NULL");
  gen_print (text, "&(%s){ ", c_type);
  for (guint i = 0; i < function->arguments->len; i++)
    {
      const IdlField *argument = g_ptr_array_index (function->arguments, i);
      const gchar *member = gen_names_get (source->names, argument)->member;
      g_autofree gchar *type = gen_ctype_slot (source->names, argument->type);

      if (gen_ctype_is_pointer (argument->type))
        gen_print (text, "%s(%s) %s", i > 0 ? ", " : "", type, member);
      else
        gen_print (text, "%s%s", i > 0 ? ", " : "", member);
    }
  g_string_append (text, " }");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* (transfer full): where the parts of a reply go, in the order of the result's table. */
static gchar *
get_results (GenSource *source, const IdlFunction *function)
{
  g_autoptr (GPtrArray) rows = gen_service_list_results (source, function);
  g_autoptr (GString) text = g_string_new ("(gpointer[]){ ");

  if (rows->len == 0)
    return g_strdup ("NULL");
  for (guint i = 0; i < rows->len; i++)
    {
      const GenRow *row = g_ptr_array_index (rows, i);

      gen_print (text, "%s%s", i > 0 ? ", " : "",
                 strcmp (row->member, "success") == 0 ? "_return" : row->member);
    }
  g_string_append (text, " }");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* `return CALLEE (CLIENT, …, error);` */
static void
print_client_return (GenSource *source,
                     const gchar *callee,
                     const gchar *client,
                     const gchar *const *arguments)
{
  g_autofree gchar *head = g_strdup_printf ("  return %s ", callee);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();

  g_ptr_array_add (items, (gpointer) client);
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (items, (gpointer) arguments[i]);
  g_ptr_array_add (items, (gpointer) "error");
  gen_print_call (source->out, head, items, ");\n}\n\n");
}

/* The head of one of the functions that Apache's compiler does not make. */
static void
print_call_head (GenSource *source,
                 const IdlDefinition *service,
                 const IdlFunction *function,
                 const gchar *returns,
                 const gchar *symbol,
                 GenParameters which)
{
  g_autofree gchar *head = g_strdup_printf ("%s ", symbol);
  g_autoptr (GPtrArray) parameters = gen_list_parameters (source->names, service, function, which);

  gen_print (source->out, "%s\n", returns);
  gen_print_call (source->out, head, parameters, ")\n{\n");
}

static void
print_client_calls (GenSource *source, const IdlDefinition *service, const IdlFunction *function)
{
  const GenCallNames *calls = gen_names_get (source->names, function)->calls;
  g_autofree gchar *method = gen_service_get_method (source, function);
  g_autofree gchar *args = get_arguments (source, function);
  g_autofree gchar *results = get_results (source, function);

  gen_service_print_head (source, service, function, "client", GEN_PARAMETERS_CALL);
  print_client_return (source, "tally_client_call", "iface",
                       (const gchar *const[]){ method, args, results, NULL });

  print_call_head (source, service, function, "gboolean", calls->with, GEN_PARAMETERS_WITH);
  print_client_return (source, "tally_client_call_with", calls->client,
                       (const gchar *const[]){ method, args, results, calls->options, NULL });
}

static void
print_asynchronous_call (GenSource *source,
                         const IdlDefinition *service,
                         const IdlFunction *function)
{
  const GenCallNames *calls = gen_names_get (source->names, function)->calls;
  g_autofree gchar *method = gen_service_get_method (source, function);
  g_autofree gchar *args = get_arguments (source, function);
  g_autofree gchar *results = get_results (source, function);
  const gchar *const arguments[] = {
    calls->client,   method,          args, calls->options, calls->cancellable,
    calls->callback, calls->user_data
  };
  g_autoptr (GPtrArray) items = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (arguments); i++)
    g_ptr_array_add (items, (gpointer) arguments[i]);
  print_call_head (source, service, function, "void", calls->async, GEN_PARAMETERS_ASYNC);
  gen_print_call (source->out, "  tally_client_call_async ", items, ");\n}\n\n");

  print_call_head (source, service, function, "gboolean", calls->finish, GEN_PARAMETERS_FINISH);
  print_client_return (source, "tally_client_call_finish", calls->client,
                       (const gchar *const[]){ method, calls->result, results, NULL });
}

/* The two halves of a call over the program's own protocols. */
static void
print_client_halves (GenSource *source, const IdlDefinition *service, const IdlFunction *function)
{
  g_autofree gchar *method = gen_service_get_method (source, function);
  g_autofree gchar *args = get_arguments (source, function);
  g_autofree gchar *results = get_results (source, function);

  gen_service_print_head (source, service, function, "client_send", GEN_PARAMETERS_SEND);
  print_client_return (source, "tally_client_send", "iface",
                       (const gchar *const[]){ method, args, NULL });

  if (function->oneway)
    return;

  gen_service_print_head (source, service, function, "client_recv", GEN_PARAMETERS_RECV);
  print_client_return (source, "tally_client_recv", "iface",
                       (const gchar *const[]){ method, results, NULL });
}

void
gen_print_client_functions (GenSource *source,
                            const IdlDefinition *service,
                            const IdlFunction *function)
{
  print_client_calls (source, service, function);
  print_asynchronous_call (source, service, function);
  print_client_halves (source, service, function);
}
