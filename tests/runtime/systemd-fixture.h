/* What systemd hears of services. Knows no test. */
#ifndef TESTS_RUNTIME_SYSTEMD_FIXTURE_H
#define TESTS_RUNTIME_SYSTEMD_FIXTURE_H

#include <glib.h>

G_BEGIN_DECLS

/* Milliseconds for what comes. */
#define MANAGER_PATIENCE_MS 240000

typedef struct
{
  gchar *address; /* where services report: in the abstract namespace, which leaves no file */
  gint fd;
} Manager;

void manager_open (Manager *self);
void manager_close (Manager *self);
/* Until it is read, it takes no more reports: it has too many, of the watchdog's. */
void manager_fill (const Manager *self);
/* (transfer full) (nullable): the next report, if it comes within @milliseconds. */
gchar *manager_read (const Manager *self, gint milliseconds);
/* The next report that is none of the watchdog's begins with @begin. (transfer full): all of it. */
gchar *manager_expect (const Manager *self, const gchar *begin);
void manager_check (const Manager *self, const gchar *begin);
/* Where the service is that says so next. (transfer full) */
gchar *manager_expect_ready (const Manager *self);

G_END_DECLS

#endif /* TESTS_RUNTIME_SYSTEMD_FIXTURE_H */
