/* What an IDL file offers: its services and methods, found by name. */
#ifndef CLI_IDL_H
#define CLI_IDL_H

#include "cli-tables.h"
#include "idl.h"

G_BEGIN_DECLS

typedef struct
{
  IdlUnit *unit;
  const IdlProgram *program;
  CliTables *tables;
} CliIdl;

/* A method and the service that was asked for it, which may have inherited it. */
typedef struct
{
  const IdlDefinition *service;
  const IdlFunction *function;
  const TallyMethod *table;
} CliMethod;

/* Reads @path ("-": standard input); includes are looked for in @include_dirs (nullable) too. What is wrong with it is
 * printed to standard error. (nullable) (transfer full) */
CliIdl *cli_idl_load (const gchar *path, const gchar *const *include_dirs, GError **error);
void cli_idl_free (CliIdl *self);

/* The service called @name, also "program.Service" of an included file. (nullable) */
const IdlDefinition *cli_idl_find_service (const CliIdl *self, const gchar *name, GError **error);
/* By "Service.method", or "method" where the file has one service. The table is made. */
gboolean cli_idl_find_method (CliIdl *self, const gchar *name, CliMethod *method, GError **error);
/* Some method called @name, whatever the service; NULL: there is none. */
const TallyMethod *cli_idl_find_any_method (CliIdl *self, const gchar *name);
/* Methods of @service that are called like @name: "add, addAll", or "". (transfer full) */
gchar *cli_idl_list_near (const IdlDefinition *service, const gchar *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliIdl, cli_idl_free)

G_END_DECLS

#endif /* CLI_IDL_H */
