/* From a checked model to a reference that people read. Nothing here reads or writes a file. */
#ifndef GEN_DOCS_H
#define GEN_DOCS_H

#include "gen.h"

G_BEGIN_DECLS

typedef enum
{
  GEN_DOCS_HTML,
  GEN_DOCS_MARKDOWN
} GenDocsForm;

/* (element-type GenFile) (transfer full): an index, and a page for each of @programs. */
GPtrArray *gen_docs (const GPtrArray *programs, GenDocsForm form);

G_END_DECLS

#endif /* GEN_DOCS_H */
