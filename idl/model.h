/* The checked model: what an IDL file means, with every name resolved. The parser builds it, the
 * checks complete it, the generator and the tools read it and change nothing. All of it is owned by
 * the IdlUnit that was parsed for the command line; nodes are valid as long as that unit. */
#ifndef IDL_MODEL_H
#define IDL_MODEL_H

#include <glib.h>

#include "source.h"

G_BEGIN_DECLS

typedef struct _IdlType IdlType;
typedef struct _IdlValue IdlValue;
typedef struct _IdlField IdlField;
typedef struct _IdlFunction IdlFunction;
typedef struct _IdlEnumerator IdlEnumerator;
typedef struct _IdlDefinition IdlDefinition;
typedef struct _IdlProgram IdlProgram;

/* An annotation: (name = "value"), or (name) with the value "1". */
typedef struct
{
  IdlLocation location;
  const gchar *name;
  const gchar *value;
} IdlAnnotation;

/* What every named thing has. */
typedef struct
{
  IdlLocation location; /* of the name */
  IdlLocation extent;   /* from its first token to its last, without a separator */
  const gchar *name;
  const gchar *doc;       /* (nullable): the doc comment's text, without its stars */
  GPtrArray *annotations; /* (nullable): of IdlAnnotation */
} IdlNode;

typedef enum
{
  IDL_TYPE_VOID,
  IDL_TYPE_BOOL,
  IDL_TYPE_I8,
  IDL_TYPE_I16,
  IDL_TYPE_I32,
  IDL_TYPE_I64,
  IDL_TYPE_DOUBLE,
  IDL_TYPE_STRING,
  IDL_TYPE_BINARY,
  IDL_TYPE_UUID,
  IDL_TYPE_LIST,
  IDL_TYPE_SET,
  IDL_TYPE_MAP,
  IDL_TYPE_NAMED /* a definition: enum, typedef, struct, union or exception */
} IdlTypeKind;

struct _IdlType
{
  IdlTypeKind kind;
  IdlLocation location;
  const gchar *name;               /* NAMED: as written, "shared.Thing" */
  const IdlDefinition *definition; /* NAMED: what it resolved to */
  IdlType *key;                    /* MAP */
  IdlType *element;                /* LIST, SET: the element; MAP: the value */
  const gchar *cpp_type;           /* (nullable) */
  GPtrArray *annotations;          /* (nullable): of IdlAnnotation */
};

typedef enum
{
  IDL_VALUE_INTEGER,
  IDL_VALUE_DOUBLE,
  IDL_VALUE_STRING,
  IDL_VALUE_LIST,
  IDL_VALUE_MAP,
  IDL_VALUE_NAMED /* a reference to a constant or an enumerator */
} IdlValueKind;

/* A literal as written. idl_value_resolve() follows references. */
struct _IdlValue
{
  IdlValueKind kind;
  IdlLocation location;
  gboolean is_boolean; /* INTEGER: written as true or false */
  gint64 integer;      /* INTEGER; NAMED: the enumerator's value */
  gdouble number;
  const gchar *text;               /* STRING: the bytes, escapes resolved; NAMED: as written */
  gsize length;                    /* STRING: bytes; may contain NUL */
  GPtrArray *items;                /* LIST: elements; MAP: keys and values in turn; of IdlValue */
  const IdlDefinition *constant;   /* NAMED: the constant, or NULL */
  const IdlEnumerator *enumerator; /* NAMED, or INTEGER for an enum: the enumerator, or NULL */
  const IdlType *type; /* (nullable): what the checks took it for; typedefs not followed */
};

typedef enum
{
  IDL_DEFAULT,
  IDL_REQUIRED,
  IDL_OPTIONAL
} IdlRequiredness;

/* A field of a struct, an argument, or an exception that a function throws. */
struct _IdlField
{
  IdlNode node;
  gint32 id; /* as on the wire; implicit ids count down from -1 */
  gboolean id_is_implicit;
  IdlLocation id_location; /* of the id, or of the name when the id is implicit */
  IdlRequiredness requiredness;
  IdlType *type;
  IdlValue *value;       /* (nullable): the default */
  gboolean is_reference; /* `&` */
  gboolean xsd_optional; /* what follows has no meaning but is kept */
  gboolean xsd_nillable;
  GPtrArray *xsd_attributes; /* (nullable): of IdlField */
};

struct _IdlFunction
{
  IdlNode node;
  gboolean oneway;
  IdlType *returns;     /* VOID when nothing */
  GPtrArray *arguments; /* of IdlField, declaration order */
  GPtrArray *throws;    /* of IdlField */
};

struct _IdlEnumerator
{
  IdlNode node;
  gint32 value;
  const IdlDefinition *owner;
};

typedef enum
{
  IDL_DEFINITION_ENUM,
  IDL_DEFINITION_TYPEDEF,
  IDL_DEFINITION_STRUCT,
  IDL_DEFINITION_UNION,
  IDL_DEFINITION_EXCEPTION,
  IDL_DEFINITION_CONST,
  IDL_DEFINITION_SERVICE
} IdlDefinitionKind;

struct _IdlDefinition
{
  IdlNode node;
  IdlDefinitionKind kind;
  IdlProgram *program;
  guint index;        /* position in program->definitions */
  IdlType *type;      /* TYPEDEF: what it names; CONST: its type */
  IdlValue *value;    /* CONST */
  GPtrArray *members; /* ENUM: of IdlEnumerator; SERVICE: of IdlFunction; structs: of IdlField */
  const gchar *extends_name; /* SERVICE (nullable): as written */
  IdlLocation extends_location;
  const IdlDefinition *extends; /* SERVICE (nullable): what it resolved to */
  gboolean xsd_all;             /* STRUCT, UNION: no meaning, but kept */
  /* The rest is the front end's own. */
  gboolean is_broken;      /* an error within has been reported; members may be missing */
  const IdlType *resolved; /* TYPEDEF (nullable): the end of the chain, once found */
  const IdlValue *literal; /* CONST (nullable): the end of the references, once found */
  guint8 mark;             /* of a search for cycles */
  guint32 type_depth; /* TYPEDEF: how deep the type nests, typedefs expanded; SERVICE: ancestors;
                       * CONST: how deep the value nests, references expanded */
  guint32 type_size;  /* TYPEDEF, CONST: of how many parts it consists, all expanded */
  GPtrArray
      *obligatory; /* STRUCT, EXCEPTION (nullable): fields that a literal must have, once needed */
  GHashTable *members_by_name;  /* (nullable): made by the first look-up */
  GHashTable *members_by_value; /* ENUM (nullable): likewise */
};

typedef struct
{
  IdlLocation location; /* of the file name's literal */
  const gchar *path;    /* as written */
  IdlProgram *program;
} IdlInclude;

typedef struct
{
  IdlLocation location;
  const gchar *scope; /* "c_glib", "java", "*" */
  const gchar *name;  /* "t_test" */
  GPtrArray *annotations;
} IdlNamespace;

/* One file. */
struct _IdlProgram
{
  const gchar *name; /* the file's base name without ".thrift" */
  const gchar *doc;  /* (nullable): the program's doc comment */
  IdlSource *source;
  GPtrArray *includes;     /* of IdlInclude */
  GPtrArray *cpp_includes; /* of const gchar * */
  GPtrArray *c_includes;   /* of const gchar * */
  GPtrArray *namespaces;   /* of IdlNamespace */
  GPtrArray *definitions;  /* of IdlDefinition, in the order of the file */
  /* The rest is the front end's own. */
  gboolean is_broken;    /* it, or what it includes, has an error */
  gboolean has_gaps;     /* something in it was passed over after a mistake */
  GHashTable *types;     /* name to IdlDefinition: types and services */
  GHashTable *constants; /* name to IdlDefinition */
};

/* The namespace for @scope, or the one for `*`, or "". */
const gchar *idl_program_get_namespace (const IdlProgram *program, const gchar *scope);
/* Follows typedefs to the type itself. */
const IdlType *idl_type_resolve (const IdlType *type);
/* (nullable): the enum, struct, union or exception that @type is, typedefs followed. */
const IdlDefinition *idl_type_get_definition (const IdlType *type);
/* Follows references to constants down to a literal or to an enumerator (kind NAMED with
 * ->enumerator). */
const IdlValue *idl_value_resolve (const IdlValue *value);
/* (nullable): the enumerator, field or function of that name. A service's inherited functions are
 * not looked at. Not thread-safe: the first call makes the index. */
gpointer idl_definition_find_member (const IdlDefinition *definition, const gchar *name);
/* (nullable): the first enumerator of value @value. Not thread-safe either. */
const IdlEnumerator *idl_definition_find_enumerator (const IdlDefinition *definition, gint32 value);
/* "struct", "enum", … as in the IDL. */
const gchar *idl_definition_kind_get_name (IdlDefinitionKind kind);
/* "i32", "map", … as in the IDL; not of IDL_TYPE_NAMED. */
const gchar *idl_type_kind_get_name (IdlTypeKind kind);
/* The type as an IDL would write it, without annotations: "map<string, list<shared.Thing>>".
 * (transfer full) */
gchar *idl_type_to_string (const IdlType *type);
/* Whether both are the same on the wire and in C: typedefs followed, names of definitions equal by
 * identity. */
gboolean idl_type_equal (const IdlType *one, const IdlType *other);
/* Whether both are the same value: references followed, an enumerator equal to its number. */
gboolean idl_value_equal (const IdlValue *one, const IdlValue *other);
/* (nullable): the annotation's value. */
const gchar *idl_annotations_get (const GPtrArray *annotations, const gchar *name);

G_END_DECLS

#endif /* IDL_MODEL_H */
