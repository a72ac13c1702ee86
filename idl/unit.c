/* Owns a run of the front end: which files it has read, where includes are looked for, and the
 * order of the steps. A file is known by its canonical path and read once, however it is included.
 */
#include "include-path.h"
#include "unit-private.h"

#include <string.h>

IdlUnit *
idl_unit_new (void)
{
  IdlUnit *unit = g_new0 (IdlUnit, 1);

  unit->arena = idl_arena_new ();
  unit->diagnostics = idl_diagnostics_new ();
  unit->include_dirs = g_ptr_array_new_with_free_func (g_free);
  unit->programs = g_ptr_array_new ();
  unit->all_programs = g_ptr_array_new ();
  unit->by_path = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  unit->loading = g_hash_table_new (NULL, NULL);
  unit->sources = g_ptr_array_new_with_free_func ((GDestroyNotify) idl_source_free);
  return unit;
}

/* The hash tables that hang on the model; the arena owns all the rest. */
static void
free_indexes (IdlProgram *program)
{
  g_clear_pointer (&program->types, g_hash_table_unref);
  g_clear_pointer (&program->constants, g_hash_table_unref);
  for (guint i = 0; i < program->definitions->len; i++)
    {
      IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      g_clear_pointer (&definition->members_by_name, g_hash_table_unref);
      g_clear_pointer (&definition->members_by_value, g_hash_table_unref);
    }
}

void
idl_unit_free (IdlUnit *unit)
{
  if (unit == NULL)
    return;
  g_ptr_array_foreach (unit->all_programs, (GFunc) (void (*) (void)) free_indexes, NULL);
  g_ptr_array_unref (unit->all_programs);
  g_ptr_array_unref (unit->programs);
  g_hash_table_unref (unit->by_path);
  g_hash_table_unref (unit->loading);
  g_ptr_array_unref (unit->include_dirs);
  idl_diagnostics_free (unit->diagnostics);
  g_ptr_array_unref (unit->sources);
  idl_revision_free (unit->revision);
  idl_arena_free (unit->arena);
  g_free (unit);
}

void
idl_unit_add_include_dir (IdlUnit *unit, const gchar *directory)
{
  g_ptr_array_add (unit->include_dirs, g_strdup (directory));
}

void
idl_unit_keep_negative_ids (IdlUnit *unit)
{
  unit->negative_ids = TRUE;
}

/* (nullable) (transfer full): the one path of the file, or text in its place, at @path. */
static gchar *
resolve_path (const IdlUnit *unit, const gchar *path)
{
  gchar *canonical = idl_include_path_resolve (path);

  if (canonical == NULL && unit->overlay != NULL && idl_overlay_has (unit->overlay, path))
    canonical = idl_overlay_canonicalize (path);
  return canonical;
}

void
idl_unit_set_overlay (IdlUnit *unit, const IdlOverlay *overlay)
{
  unit->overlay = overlay;
}

IdlProgram *
idl_unit_find_program (const IdlUnit *unit, const gchar *path)
{
  g_autofree gchar *canonical = resolve_path (unit, path);

  return canonical == NULL ? NULL : g_hash_table_lookup (unit->by_path, canonical);
}

IdlDiagnostics *
idl_unit_get_diagnostics (IdlUnit *unit)
{
  return unit->diagnostics;
}

const GPtrArray *
idl_unit_get_programs (IdlUnit *unit)
{
  return unit->programs;
}

const gchar *
idl_unit_name_from_path (IdlUnit *unit, const gchar *path)
{
  const gchar *slash = strrchr (path, '/');
  const gchar *base = slash == NULL ? path : slash + 1;
  const gchar *dot = strrchr (base, '.');

  return idl_arena_strndup (unit->arena, base, dot == NULL ? strlen (base) : (gsize) (dot - base));
}

/* Whether the file is to be read from git. */
static gboolean
is_in_revision (const IdlUnit *unit, const gchar *path)
{
  return unit->revision != NULL && idl_revision_has_name (unit->revision, path);
}

static IdlProgram *
new_program (IdlUnit *unit, IdlSource *source)
{
  IdlProgram *program = idl_arena_new_node (unit->arena, IdlProgram);
  const gchar *path = idl_source_get_path (source);

  if (is_in_revision (unit, path)) /* a revision's name may have slashes and dots */
    path = idl_revision_skip_name (unit->revision, path);
  g_ptr_array_add (unit->sources, source);
  g_ptr_array_add (unit->all_programs, program);
  program->source = source;
  program->name = idl_unit_name_from_path (unit, path);
  program->includes = idl_arena_array (unit->arena);
  program->cpp_includes = idl_arena_array (unit->arena);
  program->c_includes = idl_arena_array (unit->arena);
  program->namespaces = idl_arena_array (unit->arena);
  program->definitions = idl_arena_array (unit->arena);
  return program;
}

static void load_include (IdlUnit *unit, IdlProgram *program, IdlInclude *include);

/* UTF-16 looks like a flood of stray bytes otherwise. */
static gboolean
refuse_utf16 (IdlUnit *unit, IdlSource *source)
{
  gsize length;
  const gchar *text = idl_source_get_text (source, &length);
  IdlLocation location = { source, 0, 1 };

  if (length < 2 || (memcmp (text, "\377\376", 2) != 0 && memcmp (text, "\376\377", 2) != 0))
    return FALSE;
  idl_diagnostics_add (unit->diagnostics, IDL_RULE_ENCODING, IDL_ERROR, &location,
                       "the file is UTF-16; Thrift files are UTF-8");
  return TRUE;
}

/* The steps for one file whose text is there. */
static IdlProgram *
load_source (IdlUnit *unit, IdlSource *source, const gchar *canonical)
{
  guint errors = idl_diagnostics_count (unit->diagnostics, IDL_ERROR);
  IdlProgram *program = new_program (unit, source);

  if (canonical != NULL)
    g_hash_table_insert (unit->by_path, g_strdup (canonical), program);
  g_hash_table_add (unit->loading, program);
  if (!refuse_utf16 (unit, source))
    idl_parse (unit, program);
  for (guint i = 0; i < program->includes->len; i++)
    load_include (unit, program, g_ptr_array_index (program->includes, i));
  idl_resolve (unit, program);
  idl_check (unit, program);
  g_hash_table_remove (unit->loading, program);
  if (idl_diagnostics_count (unit->diagnostics, IDL_ERROR) > errors)
    program->is_broken = TRUE;
  g_ptr_array_add (unit->programs, program);
  return program;
}

static void
report_not_found (IdlUnit *unit, const IdlProgram *program, const IdlInclude *include)
{
  const gchar *includer = idl_source_get_path (program->source);
  /* As for names: not for every one of a thousand. */
  gboolean is_shown =
      idl_diagnostics_count (unit->diagnostics, IDL_ERROR) < IDL_DIAGNOSTICS_MAX_KEPT
      && !is_in_revision (unit, includer);
  g_autofree gchar *similar =
      is_shown ? idl_include_path_suggest (includer, include->path, unit->include_dirs) : NULL;

  idl_diagnostics_add (unit->diagnostics, IDL_RULE_INCLUDE_NOT_FOUND, IDL_ERROR, &include->location,
                       "included file '%s' is not found%s%s%s", include->path,
                       similar == NULL ? "" : "; did you mean '", similar == NULL ? "" : similar,
                       similar == NULL ? "" : "'?");
}

/* (nullable) (transfer full): the source of what stands in the place of the file @path. */
static IdlSource *
read_overlay (const IdlUnit *unit, const gchar *path)
{
  gsize length = 0;
  gchar *text = unit->overlay == NULL ? NULL : idl_overlay_dup_text (unit->overlay, path, &length);

  return text == NULL ? NULL : idl_source_new (path, text, length);
}

static IdlSource *
read_source (const IdlUnit *unit, const gchar *path, GError **error)
{
  IdlSource *source = read_overlay (unit, path);

  if (source != NULL)
    return source;
  return is_in_revision (unit, path) ? idl_revision_read (unit->revision, path, error)
                                     : idl_source_read (path, error);
}

static void
read_include (IdlUnit *unit,
              IdlProgram *program,
              IdlInclude *include,
              const gchar *path,
              const gchar *canonical)
{
  g_autoptr (GError) error = NULL;
  IdlSource *source = read_source (unit, path, &error);

  if (source == NULL)
    {
      idl_diagnostics_add (unit->diagnostics, IDL_RULE_UNREADABLE_FILE, IDL_ERROR,
                           &include->location, "%s", error->message);
      program->is_broken = TRUE;
      return;
    }
  include->program = load_source (unit, source, canonical);
  if (include->program->is_broken)
    {
      idl_diagnostics_add_note (unit->diagnostics, &include->location, "'%s' is included here",
                                include->path);
      program->is_broken = TRUE;
    }
}

/* (nullable) (transfer full): the path of the included file. */
static gchar *
find_include (const IdlUnit *unit, const IdlProgram *program, const IdlInclude *include)
{
  const gchar *includer = idl_source_get_path (program->source);

  return is_in_revision (unit, includer)
             ? idl_revision_find (unit->revision, includer, include->path, unit->include_dirs)
             : idl_include_path_find (includer, include->path, unit->include_dirs, unit->overlay);
}

/* (nullable) (transfer full): the one name of the file at @path, which is in the revision or not. */
static gchar *
get_canonical (const IdlUnit *unit, const gchar *path)
{
  return is_in_revision (unit, path) ? g_strdup (path) : resolve_path (unit, path);
}

static void
load_include (IdlUnit *unit, IdlProgram *program, IdlInclude *include)
{
  g_autofree gchar *path = find_include (unit, program, include);
  g_autofree gchar *canonical = path == NULL ? NULL : get_canonical (unit, path);
  IdlProgram *known = canonical == NULL ? NULL : g_hash_table_lookup (unit->by_path, canonical);

  if (canonical == NULL)
    report_not_found (unit, program, include);
  else if (known != NULL && g_hash_table_contains (unit->loading, known))
    idl_diagnostics_add (unit->diagnostics, IDL_RULE_INCLUDE_CYCLE, IDL_ERROR, &include->location,
                         known == program ? "'%s' includes itself"
                                          : "include cycle: '%s' is being included already",
                         include->path);
  else if (known != NULL)
    {
      include->program = known;
      program->is_broken |= known->is_broken;
    }
  else if (g_hash_table_size (unit->loading) >= IDL_MAX_INCLUDE_DEPTH)
    idl_diagnostics_add (unit->diagnostics, IDL_RULE_NESTING, IDL_ERROR, &include->location,
                         "includes nest deeper than %d", IDL_MAX_INCLUDE_DEPTH);
  else
    read_include (unit, program, include, path, canonical);
}

IdlProgram *
idl_unit_load (IdlUnit *unit, const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *canonical =
      strcmp (path, "-") == 0 ? g_strdup (path) : resolve_path (unit, path);
  IdlProgram *program = canonical == NULL ? NULL : g_hash_table_lookup (unit->by_path, canonical);

  if (program == NULL)
    {
      IdlSource *source = read_overlay (unit, path);

      if (source == NULL)
        source = idl_source_read_named (path, &error);
      if (source == NULL)
        {
          idl_diagnostics_add (unit->diagnostics, IDL_RULE_UNREADABLE_FILE, IDL_ERROR, NULL, "%s",
                               error->message);
          return NULL;
        }
      program = load_source (unit, source, canonical);
    }
  return program->is_broken ? NULL : program;
}

IdlProgram *
idl_unit_load_revision (IdlUnit *unit, const gchar *word)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = NULL;
  IdlSource *source = NULL;
  IdlProgram *program;

  g_return_val_if_fail (unit->revision == NULL, NULL);
  unit->revision = idl_revision_open (word, &path, &error);
  if (unit->revision != NULL)
    source = idl_revision_read (unit->revision, path, &error);
  if (source == NULL)
    {
      idl_diagnostics_add (unit->diagnostics, IDL_RULE_UNREADABLE_FILE, IDL_ERROR, NULL, "%s",
                           error->message);
      return NULL;
    }
  program = load_source (unit, source, path);
  return program->is_broken ? NULL : program;
}

IdlProgram *
idl_unit_load_text (IdlUnit *unit, const gchar *path, const gchar *text, gssize length)
{
  gsize size = length < 0 ? strlen (text) : (gsize) length;
  gchar *copy = g_malloc (size + 1);
  IdlProgram *program;

  if (size > 0)
    memcpy (copy, text, size);
  copy[size] = '\0';
  program = load_source (unit, idl_source_new (path, copy, size), NULL);
  return program->is_broken ? NULL : program;
}
