/* The frame every test program stands in: it registers CUnit tests, prints one TAP line for each,
 * and fails a test that leaves a descriptor open or a thread running. */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <CUnit/CUnit.h>
#include <glib.h>
#include <sys/types.h>

typedef struct
{
  const gchar *name;
  void (*run) (void);
} TestCase;

#define TEST(function)                                                                             \
  {                                                                                                \
#function, function                                                                            \
  }

/* Runs @cases (ended by one without a name) as suite @suite and returns main's exit status. With
 * arguments only the tests whose names contain one of them run. */
int test_main (const gchar *suite, const TestCase *cases, int argc, char **argv);

/* Reports the running test as skipped, because of @reason; the test then returns. */
void test_skip (const gchar *reason);

/* Thrift files to try the compiler on: $TALLY_CORPUS, or ../shared/corpus relative to the source root.
 * (nullable) (transfer full): NULL where it is absent. */
gchar *test_corpus_dir (void);

/* Descriptors this process has open. */
guint test_count_descriptors (void);

/* Whether this process' thread @id (see gettid (2)) waits in the kernel, for whatever reason: for valgrind's lock, too. */
gboolean test_thread_is_asleep (gint id);

/* Whether it waits in the kernel for a socket: to connect, to send or to receive. */
gboolean test_thread_awaits_socket (gint id);

/* fork () at a moment when every other thread is asleep: one that starts or ends may hold a lock of
 * a sanitizer's, which nobody in the child gives back. */
pid_t test_fork (void);

/* Assertions that show both sides when they fail. */
#define assert_string(actual, expected) test_assert_string (actual, expected, __FILE__, __LINE__)
void test_assert_string (const gchar *actual, const gchar *expected, const gchar *file, int line);
#define assert_int(actual, expected) test_assert_int (actual, expected, __FILE__, __LINE__)
void test_assert_int (gint64 actual, gint64 expected, const gchar *file, int line);
/* @error is set and has this domain and code, and its message contains @part (nullable). */
#define assert_error(error, domain, code, part)                                                    \
  test_assert_error (error, domain, code, part, __FILE__, __LINE__)
void test_assert_error (
    const GError *error, GQuark domain, gint code, const gchar *part, const gchar *file, int line);
/* @error is not set; shows its message when it is. */
#define assert_no_error(error) test_assert_no_error (error, __FILE__, __LINE__)
void test_assert_no_error (const GError *error, const gchar *file, int line);

#endif /* TESTS_HARNESS_H */
