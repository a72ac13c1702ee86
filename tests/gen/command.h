/* Runs of tallyc in a directory with a few IDL files. */
#ifndef TESTS_GEN_COMMAND_H
#define TESTS_GEN_COMMAND_H

#include <glib.h>

/* Makes the directory: base.thrift, demo.thrift, which includes it, and bad.thrift. */
void command_begin (void);
void command_end (void);
void command_write (const gchar *name, const gchar *text);
/* (nullable) (transfer full): the text of a file there. */
gchar *command_read (const gchar *name);
gboolean command_is_there (const gchar *name);
/* Runs `tallyc ARGUMENTS` there, by the shell; @said (nullable) is what it prints. Returns its exit
 * status. */
int command_run (const gchar *arguments, gchar **said);
/* Returns whether `tallyc ARGUMENTS` exits with @status and says @expected (nullable), and tells what
 * it did instead. */
gboolean command_does (const gchar *arguments, int status, const gchar *expected);

#endif /* TESTS_GEN_COMMAND_H */
