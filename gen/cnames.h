/* The C names of everything in a model, as docs/compatibility.md says, and the one rule for
 * clashes.
 *
 * The rule: a name that C, C++, GLib, an enclosing scope or an earlier definition has already taken
 * gets one `_` at its end, and another as long as that is taken too. All C identifiers that a
 * definition brings about count: `struct FooClass` gives way to `struct Foo`, whose class has that
 * name. Types come before enumerators, these before services, services before constants, and what
 * is included before what includes it. Files that one file includes side by side are seen together,
 * the earlier include first; they then have to be generated together too, with -r. A member that
 * only C++ reserves keeps its name in C. */
#ifndef GEN_NAMES_H
#define GEN_NAMES_H

#include "diagnostics.h"
#include "model.h"

G_BEGIN_DECLS

typedef struct _GenName GenName;

/**
 * GenCallNames:
 * @with: the call with options, a whole function's name, `t_test_bonk_client_test_void_with`.
 * @async: the asynchronous call, such a name.
 * @finish: its end, such a name.
 * @client: what the client is called in their parameters.
 * @later: the handler's asynchronous function, a vfunc, `test_void_async`.
 * @handler: what the handler is called in its parameters.
 * @reply: what the reply is called there, and in the functions that answer.
 * @value: what the value is called there.
 *
 * What Apache's compiler does not make: a method's further functions of client and handler, and the parameters that
 * they have beside the method's, by name.
 */
typedef struct
{
  const gchar *with;
  const gchar *async;
  const gchar *finish;
  const gchar *client;
  const gchar *options;
  const gchar *cancellable;
  const gchar *callback;
  const gchar *user_data;
  const gchar *result;
  GenName *later;
  const gchar *handler;
  const gchar *reply;
  const gchar *value;
} GenCallNames;

/**
 * GenName:
 * @type: a definition's C type, `TTestBonk`.
 * @lower: a definition's prefix for functions, `t_test_bonk`; a method's part of function names,
 *   `test_void`.
 * @upper: the prefix of a definition's macros, `T_TEST_BONK`; an enumerator's or constant's name.
 * @space: a definition's namespace in macros, `T_TEST_`.
 * @bare: the rest of @upper, `BONK`.
 * @local: a definition's part of the names that are local to a file, `bonk`; a service's: what all
 *   names begin with that are local to its source, `t_test_bonk__`.
 * @member: a field's, argument's or vfunc's name.
 * @calls: (nullable): a method's further functions of client and handler.
 * @answer: (nullable): of a method that is answered, and of each of its exceptions: the function that answers a
 *   reply so, a whole name, `t_test_bonk_reply_test_void`.
 * @cxx: (nullable): what @member is called in C++, which reserves the word.
 *
 * The C names of one node of the model.
 */
struct _GenName
{
  const gchar *type;
  const gchar *lower;
  const gchar *upper;
  const gchar *space;
  const gchar *bare;
  const gchar *local;
  const gchar *member;
  GenCallNames *calls;
  const gchar *answer;
  const gchar *cxx;
};

typedef struct _GenNames GenNames;

/* Names all of @programs (of IdlProgram), what is included before what includes it. */
GenNames *gen_names_new (const GPtrArray *programs);
void gen_names_free (GenNames *names);
/* @node: an IdlDefinition, IdlEnumerator, IdlFunction or IdlField of one of the programs. */
const GenName *gen_names_get (const GenNames *names, gconstpointer node);
/* The name of @program's types files without their suffixes: `t_test_thrift_test_types`. */
const gchar *gen_names_get_file (const GenNames *names, const IdlProgram *program);
/* What the names begin with that are local to @program's types source. */
const gchar *gen_names_get_prefix (const GenNames *names, const IdlProgram *program);

/* Warns of every part of the programs that is called otherwise in C, and says why. */
void gen_names_report (const GenNames *names, IdlDiagnostics *diagnostics);

/* (transfer full): first character lowered, each later capital with a `_` in front. */
gchar *gen_initial_caps_to_underscores (const gchar *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GenNames, gen_names_free)

G_END_DECLS

#endif /* GEN_NAMES_H */
