/* Gives the methods of a service, their parameters and the functions of its client their C names. */
#include "cnames-private.h"
#include "identifiers.h"

static void
name_function (GenNames *names,
               const GenSpace *space,
               const GenName *service,
               const IdlFunction *function)
{
  static const gchar *const parts[] = { "if", "client", "client_send", "client_recv", "handler" };
  g_autoptr (GArray) identifiers = g_array_new (FALSE, FALSE, sizeof (GenIdentifier));
  g_autofree gchar *lower = gen_initial_caps_to_underscores (function->node.name);
  GenName *name = g_new0 (GenName, 1);
  GenClash first = { NULL };

  for (name->lower = KEEP (names, "%s", lower);; name->lower = KEEP (names, "%s_", name->lower))
    {
      GenClash clash;

      g_array_set_size (identifiers, 0);
      for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        {
          const GenIdentifier identifier = {
            KEEP (names, "%s_%s_%s", service->lower, parts[i], name->lower), GEN_TAKEN_FUNCTION
          };

          g_array_append_val (identifiers, identifier);
        }
      if (gen_scope_take (space->scope, identifiers, &function->node, &clash))
        break;
      if (first.name == NULL)
        first = clash;
    }

  g_hash_table_insert (names->names, (gpointer) function, name);
  if (first.name != NULL)
    gen_names_add_clash (names, &function->node, &first, name->lower);
}

static void
name_parameters (GenNames *names,
                 const GenSpace *space,
                 const GenMemberRule *rule,
                 const GPtrArray *fields,
                 GHashTable *siblings)
{
  for (guint i = 0; i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);
      GenName *name = g_new0 (GenName, 1);

      name->member =
          gen_names_take_member (names, space, siblings, rule, &field->node, field->node.name);
      g_hash_table_insert (names->names, (gpointer) field, name);
    }
}

/* A function's whole name, of those that Apache's compiler does not make: they give way to all that it makes,
 * so that no method is called otherwise because of them. @what: it is, for the warning. */
static const gchar *
take_call (GenNames *names,
           const GenSpace *space,
           const GenName *service,
           const IdlFunction *function,
           const gchar *suffix,
           const gchar *what)
{
  const GenName *name = gen_names_get (names, function);
  GenClash first = { NULL };
  const gchar *taken =
      gen_names_take_alone (names, space, &function->node, GEN_TAKEN_FUNCTION,
                            KEEP (names, "%s_client_%s_%s", service->lower, name->lower, suffix),
                            &first);

  if (first.name != NULL)
    {
      g_autofree gchar *reason = gen_clash_describe (&first);

      gen_names_add_rename (names, &function->node, what, first.name, reason, taken);
    }
  return taken;
}

static void
name_calls (GenNames *names,
            const GenSpace *space,
            const GenName *service,
            const IdlFunction *function)
{
  GenName *name = g_hash_table_lookup (names->names, function);

  name->calls->with =
      take_call (names, space, service, function, "with", "the call with options of ");
  name->calls->async =
      take_call (names, space, service, function, "async", "the asynchronous call of ");
  name->calls->finish =
      take_call (names, space, service, function, "finish", "the end of the asynchronous call of ");
}

/* What these functions call their own parameters, beside @siblings, the method's. */
static GenCallNames *
name_call_parameters (GenNames *names, const GenSpace *space, GHashTable *siblings)
{
  GenCallNames *calls = g_new0 (GenCallNames, 1);
  const struct
  {
    const gchar **name;
    const gchar *wish;
  } parameters[] = {
    { &calls->client, "client" },           { &calls->options, "options" },
    { &calls->cancellable, "cancellable" }, { &calls->callback, "callback" },
    { &calls->user_data, "user_data" },     { &calls->result, "result" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    *parameters[i].name = gen_names_take_member (names, space, siblings, &gen_argument_rule, NULL,
                                                 parameters[i].wish);
  return calls;
}

void
gen_names_name_functions (GenNames *names, const GenSpace *space, const IdlDefinition *service)
{
  const GenName *service_name = gen_names_get (names, service);
  g_autoptr (GHashTable) vfuncs = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autoptr (GHashTable) siblings = g_hash_table_new (g_str_hash, g_str_equal);

      name_function (names, space, service_name, function);

      GenName *name = g_hash_table_lookup (names->names, function);

      name->member = gen_names_take_member (names, space, vfuncs, &gen_vfunc_rule, &function->node,
                                            name->lower);
      name_parameters (names, space, &gen_argument_rule, function->arguments, siblings);
      name_parameters (names, space, &gen_exception_rule, function->throws, siblings);
      name->calls = name_call_parameters (names, space, siblings);
    }

  for (guint i = 0; i < service->members->len; i++)
    name_calls (names, space, service_name, g_ptr_array_index (service->members, i));
  for (guint i = 0; i < service->members->len; i++)
    gen_names_take_for_cxx (names, space, vfuncs,
                            g_hash_table_lookup (names->names,
                                                 g_ptr_array_index (service->members, i)));
}
