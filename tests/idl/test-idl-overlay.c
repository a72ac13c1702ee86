/* Texts in the place of files. */
#include "idl-test.h"
#include "overlay.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  gchar *directory;
  IdlOverlay *overlay;
  IdlUnit *unit;
} Fixture;

static void
begin (Fixture *fixture)
{
  fixture->directory = idl_test_make_directory ();
  fixture->overlay = idl_overlay_new ();
  fixture->unit = idl_unit_new ();
  idl_unit_set_overlay (fixture->unit, fixture->overlay);
}

static void
end (Fixture *fixture)
{
  idl_unit_free (fixture->unit);
  idl_overlay_free (fixture->overlay);
  idl_test_remove_directory (fixture->directory);
  g_free (fixture->directory);
}

static void
set (Fixture *fixture, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (fixture->directory, name, NULL);

  idl_overlay_set (fixture->overlay, path, text, strlen (text));
}

static IdlProgram *
load (Fixture *fixture, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (fixture->directory, name, NULL);

  return idl_unit_load (fixture->unit, path);
}

static void
a_text_goes_before_its_file (void)
{
  Fixture fixture;
  g_autofree gchar *said = NULL;

  begin (&fixture);
  idl_test_write (fixture.directory, "t.thrift", "include 'a.thrift' struct S { 1: a.A a }");
  idl_test_write (fixture.directory, "a.thrift", "struct A {}");
  set (&fixture, "a.thrift", "struct B {}");
  CU_ASSERT_PTR_NULL (load (&fixture, "t.thrift"));
  said = idl_test_diagnostics (fixture.unit);
  assert_string (said, "1:34: error: unknown type 'a.A'; did you mean 'a.B'?\n");
  end (&fixture);
}

/* It has one name, however it is reached. */
static void
a_text_needs_no_file (void)
{
  Fixture fixture;
  g_autofree gchar *said = NULL;
  g_autofree gchar *path = NULL;

  begin (&fixture);
  set (&fixture, "t.thrift",
       "include 'a.thrift' include './../nowhere/../a.thrift' struct S { 1: a.A a }");
  set (&fixture, "a.thrift", "include 't.thrift' struct A {}");
  CU_ASSERT_PTR_NULL (load (&fixture, "t.thrift"));
  path = g_build_filename (fixture.directory, "a.thrift", NULL);
  CU_ASSERT_PTR_NOT_NULL (idl_unit_find_program (fixture.unit, path));
  said = idl_test_diagnostics (fixture.unit);
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "include cycle: 't.thrift' is being included already"));
  end (&fixture);
}

static void
a_link_leads_to_its_file (void)
{
  Fixture fixture;
  g_autofree gchar *link = NULL;

  begin (&fixture);
  link = g_build_filename (fixture.directory, "link.thrift", NULL);
  idl_test_write (fixture.directory, "t.thrift", "include 'link.thrift'");
  idl_test_write (fixture.directory, "a.thrift", "struct A");
  CU_ASSERT_EQUAL (symlink ("a.thrift", link), 0);
  set (&fixture, "a.thrift", "struct A {}");
  CU_ASSERT_PTR_NOT_NULL (load (&fixture, "t.thrift"));
  end (&fixture);
}

static void
what_is_removed_is_read_from_its_file (void)
{
  Fixture fixture;
  g_autofree gchar *path = NULL;

  begin (&fixture);
  path = g_build_filename (fixture.directory, "t.thrift", NULL);
  idl_test_write (fixture.directory, "t.thrift", "struct S {}");
  set (&fixture, "t.thrift", "struct S");
  idl_overlay_remove (fixture.overlay, path);
  CU_ASSERT_FALSE (idl_overlay_has (fixture.overlay, path));
  CU_ASSERT_PTR_NOT_NULL (load (&fixture, "t.thrift"));
  end (&fixture);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_text_goes_before_its_file),
    TEST (a_text_needs_no_file),
    TEST (a_link_leads_to_its_file),
    TEST (what_is_removed_is_read_from_its_file),
    { NULL },
  };

  return test_main ("idl-overlay", cases, argc, argv);
}
