/* From a checked model to the text of C files. Nothing here reads or writes a file; tallyc does. */
#ifndef GEN_H
#define GEN_H

#include "cycles.h"
#include "cnames.h"

G_BEGIN_DECLS

/* One generated file. */
typedef struct
{
  gchar *name;
  gchar *text;
} GenFile;

void gen_file_free (GenFile *file);

/* (element-type GenFile) (transfer full): the types header and source of @program, then a header
 * and a source for each service in the order of the IDL. */
GPtrArray *gen_program (const GenNames *names, const GenCycles *cycles, const IdlProgram *program);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GenFile, gen_file_free)

G_END_DECLS

#endif /* GEN_H */
