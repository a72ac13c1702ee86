/* Runs the compiler on IDL in memory and gives back what it would write. */
#ifndef TESTS_GEN_GENERATE_H
#define TESTS_GEN_GENERATE_H

#include <glib.h>

/* (transfer full): the text of generated file @file; "" after an error in the IDL, which fails the
 * test. The IDL is file `demo.thrift`. */
gchar *generate (const gchar *idl, const gchar *file);
/* Writes all that @idl becomes into @directory. FALSE after an error, which fails the test. */
gboolean generate_into (const gchar *directory, const gchar *idl);
/* generate_into () for a file and all that it includes. @include_dirs: (nullable), NULL-terminated.
 * @message: (out) (transfer full): what is wrong with the IDL, instead of failing the test. */
gboolean generate_file_into (const gchar *directory,
                             const gchar *path,
                             const gchar *const *include_dirs,
                             gchar **message);

/* Fails, showing @text, unless @part is in it, or unless it is not. */
#define assert_contains(text, part) assert_contains_ ((text), (part), TRUE, __FILE__, __LINE__)
#define assert_lacks(text, part) assert_contains_ ((text), (part), FALSE, __FILE__, __LINE__)
void assert_contains_ (
    const gchar *text, const gchar *part, gboolean wanted, const gchar *file, int line);

/* (transfer full): a new directory under the system's; test_remove_directory () takes it away. */
gchar *test_make_directory (void);
void test_remove_directory (const gchar *directory);

#endif /* TESTS_GEN_GENERATE_H */
