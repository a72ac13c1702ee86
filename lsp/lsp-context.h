/* What may be written at a place in a text that is being typed. */
#ifndef LSP_CONTEXT_H
#define LSP_CONTEXT_H

#include <glib.h>

G_BEGIN_DECLS

/* What is expected, as bits. */
typedef enum
{
  LSP_EXPECT_NOTHING = 0,
  LSP_EXPECT_DECLARATION = 1 << 0, /* `struct`, `include`, … */
  LSP_EXPECT_REQUIREDNESS = 1 << 1,
  LSP_EXPECT_TYPE = 1 << 2,
  LSP_EXPECT_RETURN = 1 << 3, /* `void`, besides a type */
  LSP_EXPECT_ONEWAY = 1 << 4,
  LSP_EXPECT_EXCEPTION = 1 << 5,
  LSP_EXPECT_THROWS = 1 << 6, /* the word */
  LSP_EXPECT_EXTENDS = 1 << 7,
  LSP_EXPECT_SERVICE = 1 << 8,
  LSP_EXPECT_SCOPE = 1 << 9, /* a namespace's language */
  LSP_EXPECT_VALUE = 1 << 10
} LspExpected;

typedef struct
{
  guint expected;
  gsize start; /* where the word that is being typed begins; it may be empty */
  /* VALUE: the type of the constant or field, as written. */
  gsize type_start;
  gsize type_end;
} LspContext;

/* @at is a place in @text. */
void lsp_context_find (LspContext *context, const gchar *text, gsize at);

G_END_DECLS

#endif /* LSP_CONTEXT_H */
