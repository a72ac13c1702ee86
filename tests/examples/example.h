/* What tests of the example programs run them with. */
#ifndef TESTS_EXAMPLES_EXAMPLE_H
#define TESTS_EXAMPLES_EXAMPLE_H

#include "program.h"

#define CALCULATOR_SERVER EXAMPLES_DIR "/tutorial/calculator-server"

#define assert_contains(text, part) assert_contains_at ((text), (part), __LINE__)
void assert_contains_at (const gchar *text, const gchar *part, int line);

/* Ends a server as an administrator does. */
void example_stop (TestProgram *server);
/* Runs @command to its end. (transfer full): its output. */
gchar *example_run (const gchar *const *command, gint expected_status);

#endif /* TESTS_EXAMPLES_EXAMPLE_H */
