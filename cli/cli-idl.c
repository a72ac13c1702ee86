/* Owns how an IDL file is loaded, and how its services and methods are found. */
#include "cli-idl.h"

#include <stdio.h>
#include <string.h>

#include "cli-fill.h"
#include "cli-json.h"
#include "similar.h"

CliIdl *
cli_idl_load (const gchar *path, const gchar *const *include_dirs, GError **error)
{
  g_autoptr (CliIdl) self = g_new0 (CliIdl, 1);
  IdlDiagnostics *diagnostics;

  self->unit = idl_unit_new ();
  self->tables = cli_tables_new ();
  for (guint i = 0; include_dirs != NULL && include_dirs[i] != NULL; i++)
    idl_unit_add_include_dir (self->unit, include_dirs[i]);
  self->program = idl_unit_load (self->unit, path);
  diagnostics = idl_unit_get_diagnostics (self->unit);
  idl_diagnostics_drop_warnings (diagnostics);
  idl_diagnostics_print (diagnostics, stderr);
  if (self->program != NULL && idl_diagnostics_count (diagnostics, IDL_ERROR) == 0)
    return g_steal_pointer (&self);
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s: the IDL has mistakes; nothing was sent", path);
  return NULL;
}

void
cli_idl_free (CliIdl *self)
{
  if (self == NULL)
    return;
  cli_tables_free (self->tables);
  idl_unit_free (self->unit);
  g_free (self);
}

/* ---- services ---- */

static const IdlDefinition *
find_in_program (const IdlProgram *program, const gchar *name, GPtrArray *names)
{
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (definition->kind != IDL_DEFINITION_SERVICE)
        continue;
      if (g_str_equal (definition->node.name, name))
        return definition;
      g_ptr_array_add (names, (gpointer) definition->node.name);
    }
  return NULL;
}

/* "program.Service": the file that is called so, the given one or one that it includes, however far. */
static const IdlDefinition *
find_in_included (const CliIdl *self, const gchar *name, GPtrArray *names)
{
  const GPtrArray *programs = idl_unit_get_programs (self->unit);
  const gchar *dot = strrchr (name, '.');

  for (guint i = 0; dot != NULL && i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      if (strlen (program->name) == (gsize) (dot - name)
          && strncmp (program->name, name, (gsize) (dot - name)) == 0)
        {
          const IdlDefinition *found = find_in_program (program, dot + 1, names);

          if (found != NULL)
            return found;
        }
    }
  return NULL;
}

const IdlDefinition *
cli_idl_find_service (const CliIdl *self, const gchar *name, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const IdlDefinition *found = find_in_program (self->program, name, names);
  g_autofree gchar *suggestion = NULL;

  if (found == NULL)
    found = find_in_included (self, name, names);
  if (found != NULL)
    return found;
  suggestion = cli_suggest (name, (const gchar *const *) names->pdata, names->len);
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s has no service \"%s\"%s",
               idl_source_get_path (self->program->source), name, suggestion);
  return NULL;
}

/* The one service of the file. */
static const IdlDefinition *
find_only_service (const CliIdl *self, const gchar *name, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree gchar *known = NULL;

  find_in_program (self->program, "", names);
  if (names->len == 1)
    return cli_idl_find_service (self, g_ptr_array_index (names, 0), error);
  g_ptr_array_add (names, NULL);
  known = g_strjoinv (", ", (gchar **) names->pdata);
  g_set_error (error, CLI_INPUT_ERROR, 0,
               "\"%s\": say which service's method, as Service.method; %s has %s", name,
               idl_source_get_path (self->program->source), *known != '\0' ? known : "no service");
  return NULL;
}

/* ---- methods ---- */

static const IdlFunction *
find_function (const IdlDefinition *service, const gchar *name, GPtrArray *names)
{
  for (; service != NULL; service = service->extends)
    for (guint i = 0; i < service->members->len; i++)
      {
        const IdlFunction *function = g_ptr_array_index (service->members, i);

        if (g_str_equal (function->node.name, name))
          return function;
        g_ptr_array_add (names, (gpointer) function->node.name);
      }
  return NULL;
}

gchar *
cli_idl_list_near (const IdlDefinition *service, const gchar *name)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GString) near = g_string_new (NULL);
  g_autofree gchar *folded = g_ascii_strdown (name, -1);

  find_function (service, "", names);
  for (guint i = 0; i < names->len; i++)
    {
      const gchar *other = g_ptr_array_index (names, i);
      g_autofree gchar *other_folded = g_ascii_strdown (other, -1);
      gint64 effort = 10000;
      IdlSimilar similar;

      if (g_str_equal (other, name))
        continue;
      idl_similar_init (&similar, name, &effort);
      if (idl_similar_offer (&similar, other) || strstr (folded, other_folded) != NULL
          || strstr (other_folded, folded) != NULL)
        g_string_append_printf (near, "%s%s", near->len > 0 ? ", " : "", other);
      idl_similar_clear (&similar);
    }
  return g_string_free (g_steal_pointer (&near), FALSE);
}

gboolean
cli_idl_find_method (CliIdl *self, const gchar *name, CliMethod *method, GError **error)
{
  const gchar *dot = strrchr (name, '.');
  g_autofree gchar *service_name = dot != NULL ? g_strndup (name, (gsize) (dot - name)) : NULL;
  const gchar *method_name = dot != NULL ? dot + 1 : name;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree gchar *suggestion = NULL;

  method->service = dot != NULL ? cli_idl_find_service (self, service_name, error)
                                : find_only_service (self, name, error);
  if (method->service == NULL)
    return FALSE;
  method->function = find_function (method->service, method_name, names);
  if (method->function != NULL)
    {
      method->table = cli_tables_get_method (self->tables, method->function, error);
      return method->table != NULL;
    }
  suggestion = cli_suggest (method_name, (const gchar *const *) names->pdata, names->len);
  g_set_error (error, CLI_INPUT_ERROR, 0, "the service %s has no method \"%s\"%s",
               method->service->node.name, method_name, suggestion);
  return FALSE;
}

const TallyMethod *
cli_idl_find_any_method (CliIdl *self, const gchar *name)
{
  const GPtrArray *programs = idl_unit_get_programs (self->unit);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = programs->len; i > 0; i--) /* the given file is the last */
    {
      const IdlProgram *program = g_ptr_array_index (programs, i - 1);

      for (guint j = 0; j < program->definitions->len; j++)
        {
          const IdlDefinition *definition = g_ptr_array_index (program->definitions, j);
          const IdlFunction *function = definition->kind == IDL_DEFINITION_SERVICE
                                            ? find_function (definition, name, names)
                                            : NULL;

          if (function != NULL)
            return cli_tables_get_method (self->tables, function, NULL);
        }
    }
  return NULL;
}
