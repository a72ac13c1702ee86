/* The system's C and C++ compilers on generated files, as a strict user would call them: GCC's, and
 * clang's where they are installed. */
#ifndef TESTS_GEN_COMPILER_H
#define TESTS_GEN_COMPILER_H

#include <glib.h>

/* <tally.h> precompiled by each of them, in a directory of its own. */
typedef struct
{
  gchar *directory;
  gchar **flags;
  gboolean have_clang;
} Compiler;

/* FALSE when there is no compiler or pkg-config; the test is then skipped. */
gboolean compiler_init (Compiler *compiler);
void compiler_clear (Compiler *compiler);

/* (transfer full) (nullable): what the compilers say about the sources in @directory, all of them as
 * one unit of C, and about the headers, as C++: -Wall -Wextra -pedantic -Werror. %NULL when there is
 * nothing to say. They run at once. */
gchar *compiler_check (const Compiler *compiler, const gchar *directory);
/* Compiles by GCC alone, with @headers, lines of #include, first and then last. */
gchar *
compiler_check_beside (const Compiler *compiler, const gchar *directory, const gchar *headers);

#endif /* TESTS_GEN_COMPILER_H */
