/* The project's sources, for tests that read them. */
#ifndef TESTS_ARCHITECTURE_SOURCES_H
#define TESTS_ARCHITECTURE_SOURCES_H

#include <glib.h>

G_BEGIN_DECLS

/* Calls @visit for each C file under @path. */
void sources_foreach (const gchar *path,
                      void (*visit) (const gchar *path, gpointer data),
                      gpointer data);

G_END_DECLS

#endif /* TESTS_ARCHITECTURE_SOURCES_H */
