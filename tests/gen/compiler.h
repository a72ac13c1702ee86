/* The system's C and C++ compilers on generated files, as a strict user would call them. */
#ifndef TESTS_GEN_COMPILER_H
#define TESTS_GEN_COMPILER_H

#include <glib.h>

/* <tally.h> precompiled for both languages, in a directory of its own. */
typedef struct
{
  gchar *directory;
  gchar **flags;
} Compiler;

/* FALSE when there is no compiler or pkg-config; the test is then skipped. */
gboolean compiler_init (Compiler *compiler);
void compiler_clear (Compiler *compiler);

/* (transfer full) (nullable): what the compilers say about the sources, as C, and the headers, as
 * C++, in @directory: -Wall -Wextra -Werror. %NULL when there is nothing to say. The two run at
 * once. */
gchar *compiler_check (const Compiler *compiler, const gchar *directory);

#endif /* TESTS_GEN_COMPILER_H */
