/* An IDL by its text, and calls' arguments by theirs, without a server. */
#ifndef TESTS_CLI_TEST_H
#define TESTS_CLI_TEST_H

#include "cli-fill.h"
#include "cli-idl.h"

G_BEGIN_DECLS

/* Loads the IDL @text and finds @name in it; fails the test where that fails. */
CliIdl *cli_test_load (const gchar *text);
CliMethod cli_test_find (CliIdl *idl, const gchar *name);
/* Fills the arguments of @name with @json, writes and reads them with both protocols, and shows what came. (transfer full):
 * JSON in one line without an end, or the error's message. */
gchar *cli_test_pass (const gchar *idl, const gchar *name, const gchar *json);

G_END_DECLS

#endif /* TESTS_CLI_TEST_H */
