/* What the tests of the front end share: a text in, diagnostics or a program out. */
#ifndef TESTS_IDL_TEST_H
#define TESTS_IDL_TEST_H

#include "harness.h"
#include "idl.h"

/* What is said about @text: one line "line:column: severity: message" each, without the source
 * line. The file's name is left out unless it is not "t.thrift". (transfer full) */
gchar *idl_test_check (const gchar *text);
/* Compares what @diagnostics hold, or @unit has collected, with such a text. */
gchar *idl_test_describe (const IdlDiagnostics *diagnostics);
gchar *idl_test_diagnostics (IdlUnit *unit);
/* @text says exactly @expected. */
#define assert_says(text, expected) idl_test_assert_says ((text), (expected), __FILE__, __LINE__)
void idl_test_assert_says (const gchar *text, const gchar *expected, const gchar *file, int line);
/* The program of @text, which must be without errors. Free *@unit, which owns it. */
IdlProgram *idl_test_load (const gchar *text, IdlUnit **unit);
/* The definition of that name; fails when there is none. */
const IdlDefinition *idl_test_find (const IdlProgram *program, const gchar *name);

/* A unit with the include directories of a row of the corpus' real.tsv: "-I a -I b", relative to
 * it. */
IdlUnit *idl_test_new_unit (const gchar *corpus, const gchar *directories);

/* A new directory, and a file in it. (transfer full) */
gchar *idl_test_make_directory (void);
void idl_test_write (const gchar *directory, const gchar *name, const gchar *text);
/* Removes it with the files in it. */
void idl_test_remove_directory (const gchar *directory);

#endif /* TESTS_IDL_TEST_H */
