/* The tables that tallyc emits and that the runtime's engine walks.
 *
 * A type is described by a TallyType, a struct by a TallyStructInfo (which begins with its
 * TallyType), a method by a TallyMethod, a service by a TallyService. All of them are constant
 * data. The macros below are the only way generated code writes them down.
 *
 * Worked example: for `struct Point { 1: required i32 x, 2: optional list<string> tags = ["a"] }`
 * tallyc emits
 *
 *   static const TallyType list_string = TALLY_LIST_OF (&tally_type_string);
 *   static const TallyValue point_tags_items[] = { TALLY_STRING_VALUE ("a") };
 *   static const TallyField point_fields[] = {
 *     { .name = "x", .id = 1, .type = &tally_type_i32, TALLY_REQUIRED_SLOT (DemoPoint, x) },
 *     { .name = "tags", .id = 2, .type = &list_string, TALLY_OPTIONAL_SLOT (DemoPoint, tags),
 *       .value = &(const TallyValue) TALLY_ITEMS_VALUE (point_tags_items) },
 *   };
 *   const TallyStructInfo demo_point_info =
 *     TALLY_STRUCT_INFO (TALLY_FORM_STRUCT, "Point", DemoPoint, demo_point, point_fields);
 *   TALLY_DEFINE_STRUCT (DemoPoint, demo_point)
 */
#ifndef TALLY_TYPES_H
#define TALLY_TYPES_H

#include <glib-object.h>
#include <thrift/c_glib/thrift_struct.h>

#include "tally-macros.h"

G_BEGIN_DECLS

typedef struct _TallyType TallyType;
typedef struct _TallyEnumInfo TallyEnumInfo;
typedef struct _TallyEnumValue TallyEnumValue;
typedef struct _TallyValue TallyValue;
typedef struct _TallyField TallyField;
typedef struct _TallyStructInfo TallyStructInfo;
typedef struct _TallyLoadedInfo TallyLoadedInfo;
typedef struct _TallyMethod TallyMethod;
typedef struct _TallyService TallyService;

/**
 * TallyUuid:
 * @bytes: the sixteen bytes in the order in which the text form shows them.
 *
 * The C type of IDL's `uuid`: a plain value.
 */
typedef struct
{
  guint8 bytes[16];
} TallyUuid;

/**
 * TallyKind:
 *
 * What a type is. The C type of a slot (a struct's field, an argument, a GArray's element):
 * gboolean, gint8, gint16, gint32, gint64, gdouble, a C enum (32 bits), TallyUuid, gchar *,
 * GByteArray *, a pointer to the struct, GArray * or GPtrArray *, GHashTable *, GHashTable *.
 *
 * A string is a C string and so holds no NUL. One that comes with a NUL in it is refused as invalid
 * data instead of being cut; IDL's `binary` carries any bytes. UTF-8 is passed on unchecked.
 */
typedef enum
{
  TALLY_KIND_BOOL,
  TALLY_KIND_I8,
  TALLY_KIND_I16,
  TALLY_KIND_I32,
  TALLY_KIND_I64,
  TALLY_KIND_DOUBLE,
  TALLY_KIND_ENUM,
  TALLY_KIND_UUID,
  TALLY_KIND_STRING,
  TALLY_KIND_BINARY,
  TALLY_KIND_STRUCT,
  TALLY_KIND_LIST,
  TALLY_KIND_SET,
  TALLY_KIND_MAP
} TallyKind;

#define TALLY_TYPE_KIND (tally_kind_get_type ())
TALLY_API GType tally_kind_get_type (void);

/**
 * TallyStorage:
 *
 * How a value lies in memory and who frees it. One flavour of types uses one set of these; the
 * engine's storage.c is the only place that knows what they mean.
 */
typedef enum
{
  TALLY_STORAGE_PLAIN,    /* the bytes of the slot are the value */
  TALLY_STORAGE_STRING,   /* gchar *, owned, g_free() */
  TALLY_STORAGE_BYTES,    /* GByteArray *, owned */
  TALLY_STORAGE_OBJECT,   /* GObject that derives from TallyStruct, owned */
  TALLY_STORAGE_INLINE,   /* a C struct that lies where it is used: arguments, results */
  TALLY_STORAGE_ARRAY,    /* GArray of slots */
  TALLY_STORAGE_PTRARRAY, /* GPtrArray whose pointers are the slots */
  TALLY_STORAGE_TABLE /* GHashTable with owned keys and values: numbers on the heap, enums in it */
} TallyStorage;

#define TALLY_TYPE_STORAGE (tally_storage_get_type ())
TALLY_API GType tally_storage_get_type (void);

/**
 * TallyType:
 * @kind: what it is.
 * @wire: the ThriftType that stands for it on the wire; 16 for uuid.
 * @storage: where a value lies and who frees it.
 * @size: bytes of a slot.
 * @key: a map's key.
 * @element: a list's or set's element, a map's value.
 * @hash: (nullable): hashes a value of this type as a GHashTable's key; set where a container
 *   type, which does not carry its element type in C, is used as a key.
 * @equal: (nullable): the same for equality.
 */
struct _TallyType
{
  guint8 kind;
  guint8 wire;
  guint8 storage;
  guint32 size;
  const TallyType *key;
  const TallyType *element;
  GHashFunc hash;
  GEqualFunc equal;
};

TALLY_API const TallyType tally_type_bool;
TALLY_API const TallyType tally_type_i8;
TALLY_API const TallyType tally_type_i16;
TALLY_API const TallyType tally_type_i32;
TALLY_API const TallyType tally_type_i64;
TALLY_API const TallyType tally_type_double;
TALLY_API const TallyType tally_type_uuid;
TALLY_API const TallyType tally_type_string;
TALLY_API const TallyType tally_type_binary;

#define TALLY_WIRE_UUID 16

/* A container type that is used as a key needs functions by value, as its C type does not say what
 * is in it: they are written down with its table, as
 *
 *   static guint list_i32_hash (gconstpointer key) { return tally_value_hash (&list_i32, &key); }
 *   static gboolean list_i32_equal (gconstpointer a, gconstpointer b)
 *   { return tally_value_equal (&list_i32, &a, &b); }
 *
 * and named in .hash and .equal. Keys of all other types are hashed and compared by value
 * anyway.
 */

/* From here on initialisers, of whose braces clang-format would give each a line of its own. */
/* clang-format off */

/* Each takes the element's type, which for a map follows the key's, and after it further members of
 * TallyType: a container that is itself a key has `.hash = name_hash, .equal = name_equal` of
 * TALLY_DEFINE_KEY (name). The element is among the variable arguments because strict C wants one at
 * least.
 *
 * A list whose elements are numbers, bools, enums or uuids: a GArray of the element's C type.
 */
#define TALLY_ARRAY_OF(...) \
  { .kind = TALLY_KIND_LIST, .wire = T_LIST, .storage = TALLY_STORAGE_ARRAY, \
    .size = sizeof (gpointer), .element = __VA_ARGS__ }
/* Any other list: a GPtrArray with the element's free function. */
#define TALLY_LIST_OF(...) \
  { .kind = TALLY_KIND_LIST, .wire = T_LIST, .storage = TALLY_STORAGE_PTRARRAY, \
    .size = sizeof (gpointer), .element = __VA_ARGS__ }
#define TALLY_SET_OF(...) \
  { .kind = TALLY_KIND_SET, .wire = T_SET, .storage = TALLY_STORAGE_TABLE, \
    .size = sizeof (gpointer), .element = __VA_ARGS__ }
#define TALLY_MAP_OF(key_type, ...) \
  { .kind = TALLY_KIND_MAP, .wire = T_MAP, .storage = TALLY_STORAGE_TABLE, \
    .size = sizeof (gpointer), .key = (key_type), .element = __VA_ARGS__ }

/* ---- enums ---- */

/**
 * TallyEnumValue:
 *
 * One value of an IDL enum.
 */
struct _TallyEnumValue
{
  gint32 value;
  const gchar *name;   /* as in the IDL: "ONE" */
  const gchar *c_name; /* as in C: "T_TEST_NUMBERZ_ONE" */
};

/**
 * TallyEnumInfo:
 *
 * The table of an IDL enum.
 */
struct _TallyEnumInfo
{
  TallyType type; /* first, so that a TallyType of kind ENUM is its TallyEnumInfo */
  const gchar *name;
  const TallyEnumValue *values; /* in declaration order */
  guint n_values;
};

#define TALLY_ENUM_INFO(idl_name, CType, values_table) \
  { .type = { .kind = TALLY_KIND_ENUM, .wire = T_I32, .storage = TALLY_STORAGE_PLAIN, \
              .size = sizeof (CType) }, \
    .name = (idl_name), .values = (values_table), .n_values = G_N_ELEMENTS (values_table) }

/* TALLY_ENUM_INFO for an enum without values, whose C type is gint32. */
#define TALLY_EMPTY_ENUM_INFO(idl_name) \
  { .type = { .kind = TALLY_KIND_ENUM, .wire = T_I32, .storage = TALLY_STORAGE_PLAIN, \
              .size = sizeof (gint32) }, \
    .name = (idl_name) }

/* ---- constant values: defaults and constants ---- */

/**
 * TallyValue:
 * @integer: a bool, integer or enum.
 * @number: a double.
 * @bytes: a string, binary or uuid, of @length bytes.
 * @items: a container's or struct's parts, @length of them: a list's or set's elements; a map's
 *   keys and values in turn; a struct's field ids (as @integer) and values in turn.
 *
 * A value written down in a table; its type is known from where it is used.
 */
struct _TallyValue
{
  union
  {
    gint64 integer;
    gdouble number;
    const gchar *bytes;
    const TallyValue *items;
  };
  guint32 length;
};

#define TALLY_INTEGER_VALUE(v) { .integer = (v) }
#define TALLY_DOUBLE_VALUE(v) { .number = (v) }
#define TALLY_STRING_VALUE(literal) { .bytes = (literal), .length = sizeof (literal) - 1 }
#define TALLY_ITEMS_VALUE(array) { .items = (array), .length = G_N_ELEMENTS (array) }
#define TALLY_EMPTY_VALUE { .items = NULL, .length = 0 }

/* ---- structs ---- */

/**
 * TallyRequiredness:
 *
 * What the IDL says of a field.
 */
typedef enum
{
  TALLY_REQUIRED,   /* must be set to be written and present to be read */
  TALLY_OPTIONAL,   /* written only when set */
  TALLY_DEFAULT     /* neither said: always written, except a NULL pointer; may be absent when read */
} TallyRequiredness;

#define TALLY_TYPE_REQUIREDNESS (tally_requiredness_get_type ())
TALLY_API GType tally_requiredness_get_type (void);

/**
 * TallyForm:
 *
 * What a table of fields describes.
 */
typedef enum
{
  TALLY_FORM_STRUCT,
  TALLY_FORM_UNION,
  TALLY_FORM_EXCEPTION,
  TALLY_FORM_ARGS,   /* a method's arguments: a plain C struct on the stack */
  TALLY_FORM_RESULT  /* a method's result: the same; field 0 is `success`, the rest exceptions */
} TallyForm;

#define TALLY_TYPE_FORM (tally_form_get_type ())
TALLY_API GType tally_form_get_type (void);

#define TALLY_NO_ISSET (-1)

/* A member whose name C++ reserves (`operator`) keeps it in C and has another in C++
 * (`operator_`).
 */
#ifdef __cplusplus
#define TALLY_CXX_NAME(c_name, cxx_name) cxx_name
#else
#define TALLY_CXX_NAME(c_name, cxx_name) c_name
#endif

/**
 * TallyField:
 * @name: as in the IDL.
 * @type: what it holds.
 * @value: (nullable): the IDL's default.
 * @id: the wire's field id.
 * @requiredness: a #TallyRequiredness.
 * @starts_null: a struct field that starts NULL, because allocating it would recurse without end.
 * @offset: where in the C struct the slot lies.
 * @isset_offset: where the gboolean lies that says whether it is set, or %TALLY_NO_ISSET.
 *   Without one a pointer is set when it is not NULL and anything else always.
 */
struct _TallyField
{
  const gchar *name;
  const TallyType *type;
  const TallyValue *value;
  gint16 id;
  guint8 requiredness;
  guint8 starts_null;
  gint32 offset;
  gint32 isset_offset;
};

/* A row's requiredness and place in its C struct. Optional and default fields have an
 * `__isset_member`; required ones, arguments and a result's pointers do not.
 */
#define TALLY_REQUIRED_SLOT(CType, member) \
  .requiredness = TALLY_REQUIRED, .offset = G_STRUCT_OFFSET (CType, member), \
  .isset_offset = TALLY_NO_ISSET
#define TALLY_OPTIONAL_SLOT(CType, member) \
  .requiredness = TALLY_OPTIONAL, .offset = G_STRUCT_OFFSET (CType, member), \
  .isset_offset = G_STRUCT_OFFSET (CType, __isset_##member)
#define TALLY_DEFAULT_SLOT(CType, member) \
  .requiredness = TALLY_DEFAULT, .offset = G_STRUCT_OFFSET (CType, member), \
  .isset_offset = G_STRUCT_OFFSET (CType, __isset_##member)
#define TALLY_ARGUMENT_SLOT(CType, member) \
  .requiredness = TALLY_DEFAULT, .offset = G_STRUCT_OFFSET (CType, member), \
  .isset_offset = TALLY_NO_ISSET
#define TALLY_RESULT_SLOT(CType, member) \
  .requiredness = TALLY_OPTIONAL, .offset = G_STRUCT_OFFSET (CType, member), \
  .isset_offset = TALLY_NO_ISSET

/* A row of a method's arguments or result, whose C struct is `struct tag`. @slot is the middle of one of the names
 * above. Where the member is called otherwise than in the IDL: TALLY_ROW_AS.
 */
#define TALLY_ROW(slot, tag, member, number, ...) \
  TALLY_ROW_AS (slot, tag, member, #member, number, __VA_ARGS__)
#define TALLY_ROW_AS(slot, tag, member, idl_name, number, ...) \
  { .name = (idl_name), .id = (number), TALLY_##slot##_SLOT (struct tag, member), \
    .type = __VA_ARGS__ }

/**
 * TallyStructInfo:
 * @type: the struct as a type; first, so that a TallyType of kind STRUCT is its TallyStructInfo.
 * @name: as in the IDL.
 * @fields: sorted by id, so that an id is found by bisection and written in ascending order.
 * @n_fields: how many.
 * @form: a #TallyForm.
 * @is_loaded: it was made while the program runs and is the first member of a #TallyLoadedInfo, which has the
 *   GObject type.
 * @instance_size: sizeof the C struct.
 * @get_type: (nullable): the GObject type; %NULL for arguments and results, and where @is_loaded.
 * @error_quark: (nullable): an exception's error domain; its code is 0.
 */
struct _TallyStructInfo
{
  TallyType type;
  const gchar *name;
  const TallyField *fields;
  guint16 n_fields;
  guint8 form;
  guint8 is_loaded; /* lies in what was padding in 0.1 */
  guint32 instance_size;
  GType (*get_type) (void);
  GQuark (*error_quark) (void);
};

/**
 * TallyLoadedInfo: (skip)
 * @info: the table; first, so that a table whose is_loaded is set is its TallyLoadedInfo.
 * @g_type: what tally_struct_register_loaded() gave it.
 *
 * The table of a struct, union or exception that no compiler wrote: a program made it while it runs, as from an IDL
 * file. Its C struct is a ThriftStruct and behind it the fields, where their offsets say.
 *
 * Since: 0.2
 */
struct _TallyLoadedInfo
{
  TallyStructInfo info;
  GType g_type;
};

#define TALLY_STRUCT_TYPE_ \
  { .kind = TALLY_KIND_STRUCT, .wire = T_STRUCT, .storage = TALLY_STORAGE_OBJECT, \
    .size = sizeof (gpointer) }

/* A struct or union that is a GObject. Without fields: TALLY_EMPTY_STRUCT_INFO. */
#define TALLY_STRUCT_INFO(struct_form, idl_name, CType, c_prefix, fields_table) \
  { .type = TALLY_STRUCT_TYPE_, .name = (idl_name), .fields = (fields_table), \
    .n_fields = G_N_ELEMENTS (fields_table), .form = (struct_form), .instance_size = sizeof (CType), \
    .get_type = c_prefix##_get_type }
#define TALLY_EMPTY_STRUCT_INFO(struct_form, idl_name, CType, c_prefix) \
  { .type = TALLY_STRUCT_TYPE_, .name = (idl_name), .form = (struct_form), \
    .instance_size = sizeof (CType), .get_type = c_prefix##_get_type }
/* An exception: the same, with c_prefix##_error_quark () as its error domain. */
#define TALLY_EXCEPTION_INFO(idl_name, CType, c_prefix, fields_table) \
  { .type = TALLY_STRUCT_TYPE_, .name = (idl_name), .fields = (fields_table), \
    .n_fields = G_N_ELEMENTS (fields_table), .form = TALLY_FORM_EXCEPTION, \
    .instance_size = sizeof (CType), .get_type = c_prefix##_get_type, \
    .error_quark = c_prefix##_error_quark }
#define TALLY_EMPTY_EXCEPTION_INFO(idl_name, CType, c_prefix) \
  { .type = TALLY_STRUCT_TYPE_, .name = (idl_name), .form = TALLY_FORM_EXCEPTION, \
    .instance_size = sizeof (CType), .get_type = c_prefix##_get_type, \
    .error_quark = c_prefix##_error_quark }
/* A method's arguments or result: a plain C struct. */
#define TALLY_INLINE_INFO(struct_form, idl_name, CType, fields_table) \
  { .type = { .kind = TALLY_KIND_STRUCT, .wire = T_STRUCT, .storage = TALLY_STORAGE_INLINE, \
              .size = sizeof (CType) }, \
    .name = (idl_name), .fields = (fields_table), .n_fields = G_N_ELEMENTS (fields_table), \
    .form = (struct_form), .instance_size = sizeof (CType) }
/* The fields and the table of one of these, whose C struct is `struct tag`: tag_fields and tag_info. */
#define TALLY_DEFINE_ARGS(tag, idl_name, ...) \
  static const TallyField tag##_fields[] = { __VA_ARGS__ }; \
  static const TallyStructInfo tag##_info = \
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, idl_name, struct tag, tag##_fields)
#define TALLY_DEFINE_RESULT(tag, idl_name, ...) \
  static const TallyField tag##_fields[] = { __VA_ARGS__ }; \
  static const TallyStructInfo tag##_info = \
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, idl_name, struct tag, tag##_fields)
TALLY_API const TallyStructInfo tally_empty_args;
TALLY_API const TallyStructInfo tally_empty_result;

/* clang-format on */

/* ---- services ---- */

/**
 * TallyInvoke: (skip)
 * @handler: the service's handler object.
 * @args: the decoded arguments, a C struct as @method's args table says; borrowed.
 * @result: the result's C struct, initialised; the handler's return value and exceptions go there.
 *
 * Calls the handler's function for one method. Emitted by tallyc, one for each method. With @error %NULL it calls the
 * asynchronous function, which async_vfunc says is there, and @result is the #TallyReply.
 *
 * Returns: what the handler returned
 */
typedef gboolean (*TallyInvoke) (gpointer handler, gpointer args, gpointer result, GError **error);

/**
 * TallyMethod:
 *
 * The table of a method.
 */
struct _TallyMethod
{
  const gchar *name;
  guint32 name_length;
  guint8 oneway;
  guint8 idempotent; /* may be replayed: the IDL's (idempotent) annotation */
  guint16
      async_vfunc; /* which pointer of the handler's class is the asynchronous function; 0: none. It lies in what was
                        * padding in 0.1 */
  const TallyStructInfo *args;
  const TallyStructInfo *result; /* NULL for oneway */
  TallyInvoke invoke;
};

/* Where the pointer @member is in a handler's class. */
#define TALLY_ASYNC_VFUNC(CType, member) (G_STRUCT_OFFSET (CType, member) / sizeof (gpointer))
#define TALLY_METHOD_NAME(literal) .name = (literal), .name_length = sizeof (literal) - 1

/**
 * TallyService:
 *
 * The table of a service.
 */
struct _TallyService
{
  const gchar *name;
  const TallyService *parent; /* NULL, or the service that this one extends */
  const TallyMethod *methods; /* sorted by name (strcmp) */
  guint n_methods;
};

/* ---- GObject types ---- */

#define TALLY_TYPE_TYPE (tally_type_get_type ())
TALLY_API GType tally_type_get_type (void);

#define TALLY_TYPE_ENUM_VALUE (tally_enum_value_get_type ())
TALLY_API GType tally_enum_value_get_type (void);

#define TALLY_TYPE_ENUM_INFO (tally_enum_info_get_type ())
TALLY_API GType tally_enum_info_get_type (void);

#define TALLY_TYPE_VALUE (tally_value_get_type ())
TALLY_API GType tally_value_get_type (void);

#define TALLY_TYPE_FIELD (tally_field_get_type ())
TALLY_API GType tally_field_get_type (void);

#define TALLY_TYPE_STRUCT_INFO (tally_struct_info_get_type ())
TALLY_API GType tally_struct_info_get_type (void);

#define TALLY_TYPE_METHOD (tally_method_get_type ())
TALLY_API GType tally_method_get_type (void);

#define TALLY_TYPE_SERVICE (tally_service_get_type ())
TALLY_API GType tally_service_get_type (void);

G_END_DECLS

#endif /* TALLY_TYPES_H */
