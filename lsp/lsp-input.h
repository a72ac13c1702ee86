/* From bytes to messages: headers and contents. */
#ifndef LSP_INPUT_H
#define LSP_INPUT_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  GString *bytes;
  gsize at; /* what is before it has been taken */
} LspInput;

void lsp_input_init (LspInput *input);
void lsp_input_clear (LspInput *input);
void lsp_input_feed (LspInput *input, const gchar *bytes, gsize length);
/* (nullable) (transfer full): the next message's content, ended by a NUL; NULL: it is not complete.
 * What is no message is passed over, up to the next header. */
gchar *lsp_input_take (LspInput *input, gsize *length);

G_END_DECLS

#endif /* LSP_INPUT_H */
