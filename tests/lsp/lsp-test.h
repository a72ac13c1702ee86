/* A client of the language server in this process: it sends messages and shows what comes back. */
#ifndef TESTS_LSP_TEST_H
#define TESTS_LSP_TEST_H

#include "harness.h"
#include "lsp.h"

typedef struct
{
  LspServer *server;
  gchar *directory; /* of the files; "DIR" in what is shown */
  gchar *uri;
  guint last_id;
  gchar *document; /* the name of what was set last, and the place in it */
  guint line;
  guint character;
  GHashTable *open;
} LspTest;

/* A session with a client that says @capabilities (JSON), initialized, the directory its folder. */
void lsp_test_begin (LspTest *test, const gchar *capabilities);
void lsp_test_end (LspTest *test);

/* A file on disk. */
void lsp_test_write (LspTest *test, const gchar *name, const gchar *text);
/* Opens the document, or changes all of it. `|` is the cursor, and not in the text. */
void lsp_test_set (LspTest *test, const gchar *name, const gchar *text);
void lsp_test_close (LspTest *test, const gchar *name);
/* Sends a notification; DIR in @params is the directory's URI. */
void lsp_test_notify (LspTest *test, const gchar *method, const gchar *params);
/* `"result": …` or `"error": …` of a request. (transfer full) */
gchar *lsp_test_ask (LspTest *test, const gchar *method, const gchar *params);
/* lsp_test_ask () about the cursor's place; @more (nullable) are further members. */
gchar *lsp_test_ask_here (LspTest *test, const gchar *method, const gchar *more);
/* Bytes as they are. */
void lsp_test_send (LspTest *test, const gchar *bytes);
/* All that the server sent since the last call, one line for each message, after it has published what
 * it had to. (transfer full) */
gchar *lsp_test_take (LspTest *test);

/* @text contains @part; shows it when it does not. */
#define assert_has(text, part) lsp_test_assert_has ((text), (part), TRUE, __FILE__, __LINE__)
#define assert_has_not(text, part) lsp_test_assert_has ((text), (part), FALSE, __FILE__, __LINE__)
void lsp_test_assert_has (
    const gchar *text, const gchar *part, gboolean wanted, const gchar *file, int line);
/* Of a request at the cursor, the answer has @part. */
#define assert_here(test, method, more, part)                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree gchar *answer_ = lsp_test_ask_here ((test), (method), (more));                      \
    assert_has (answer_, (part));                                                                  \
  }                                                                                                \
  G_STMT_END

#endif /* TESTS_LSP_TEST_H */
