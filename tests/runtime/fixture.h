/* Tables written by hand in the shape in which tallyc emits them: a value of every type in every
 * position. Knows no test. */
#ifndef TESTS_RUNTIME_FIXTURE_H
#define TESTS_RUNTIME_FIXTURE_H

#include "codec-private.h"
#include "tally-struct.h"

G_BEGIN_DECLS

/* enum Color { ZERO = 0, RED = 1, BLUE = -7 } */
typedef enum
{
  FIX_COLOR_ZERO = 0,
  FIX_COLOR_RED = 1,
  FIX_COLOR_BLUE = -7
} FixColor;
extern const TallyEnumInfo fix_color_info;

/* struct Point { 1: required i32 x; 2: optional list<string> tags = ["a", "b"]; -3: i64 far = 5 }
 */
typedef struct
{
  ThriftStruct parent;
  gint32 x;
  GPtrArray *tags;
  gboolean __isset_tags;
  gint64 far;
  gboolean __isset_far;
} FixPoint;
extern const TallyStructInfo fix_point_info;
GType fix_point_get_type (void);

/* union Choice { 1: i32 number, 2: string text, 3: Point point, 4: list<i32> numbers } */
typedef struct
{
  ThriftStruct parent;
  gint32 number;
  gboolean __isset_number;
  gchar *text;
  gboolean __isset_text;
  FixPoint *point;
  gboolean __isset_point;
  GArray *numbers;
  gboolean __isset_numbers;
} FixChoice;
extern const TallyStructInfo fix_choice_info;
GType fix_choice_get_type (void);

/* struct Node { 1: i32 value, 2: Node next, 3: list<Node> children } */
typedef struct _FixNode FixNode;
struct _FixNode
{
  ThriftStruct parent;
  gint32 value;
  gboolean __isset_value;
  FixNode *next;
  gboolean __isset_next;
  GPtrArray *children;
  gboolean __isset_children;
};
extern const TallyStructInfo fix_node_info;
GType fix_node_get_type (void);

/* struct Empty {} */
typedef struct
{
  ThriftStruct parent;
} FixEmpty;
extern const TallyStructInfo fix_empty_info;
GType fix_empty_get_type (void);

/* exception Oops { 1: string message, 2: i32 code } */
typedef struct
{
  ThriftStruct parent;
  gchar *message;
  gboolean __isset_message;
  gint32 code;
  gboolean __isset_code;
} FixOops;
extern const TallyStructInfo fix_oops_info;
GType fix_oops_get_type (void);
GQuark fix_oops_error_quark (void);

/* Every type as a field and as an element, key and value; ids 1, 2, … but for the last, 1000. The
 * isset flags follow the values in the same order. */
typedef struct
{
  ThriftStruct parent;
  gboolean a_bool;
  gint8 a_i8;
  gint16 a_i16;
  gint32 a_i32;
  gint64 a_i64;
  gdouble a_double;
  FixColor a_color;
  TallyUuid a_uuid;
  gchar *a_string;
  GByteArray *a_binary;
  FixPoint *a_point;
  GArray *bools;
  GArray *i8s;
  GArray *i16s;
  GArray *i32s;
  GArray *i64s;
  GArray *doubles;
  GArray *colors;
  GArray *uuids;
  GPtrArray *strings;
  GPtrArray *binaries;
  GPtrArray *points;
  GPtrArray *lists; /* list<list<i32>> */
  GPtrArray *sets;  /* list<set<string>> */
  GPtrArray *maps;  /* list<map<i32, string>> */
  GHashTable *bool_set;
  GHashTable *i8_set;
  GHashTable *i64_set;
  GHashTable *double_set;
  GHashTable *color_set;
  GHashTable *uuid_set;
  GHashTable *string_set;
  GHashTable *binary_set;
  GHashTable *point_set;
  GHashTable *list_set; /* set<list<i32>> */
  GHashTable *i16_to_i32;
  GHashTable *i32_to_double;
  GHashTable *string_to_point;
  GHashTable *color_to_color;
  GHashTable *binary_to_bool;
  GHashTable *point_to_i64;
  GHashTable *string_to_set; /* map<string, set<i64>> */
  GHashTable *uuid_to_list;  /* map<uuid, list<string>> */
  gint32 last;
  gboolean isset[44];
} FixAll;
#define FIX_ALL_FIELDS 44
extern const TallyStructInfo fix_all_info;
GType fix_all_get_type (void);

/* An All with something in every field, also the smallest and largest numbers, zeros and empties.
 * (transfer full) */
FixAll *fix_all_new_full (gboolean with_uuids);
/* A Point. (transfer full) */
FixPoint *fix_point_new (gint32 x, const gchar *tag);

/* args of `void call (1: string text = none, 2: binary bytes, 3: list<i32> numbers, 4: Point point,
 * 5: i32 count = 7, 6: string word = "hello")` */
typedef struct
{
  gchar *text;
  GByteArray *bytes;
  GArray *numbers;
  FixPoint *point;
  gint32 count;
  gchar *word;
} FixArgs;
extern const TallyStructInfo fix_args_info;

/* result of `list<i32> call () throws (1: Oops oops)` and of `i32 count ()` */
typedef struct
{
  GArray *success;
  FixOops *oops;
} FixListResult;
extern const TallyStructInfo fix_list_result_info;
typedef struct
{
  gint32 success;
  gboolean __isset_success;
} FixCountResult;
extern const TallyStructInfo fix_count_result_info;

/* Keeps an object of Apache's until the process ends, and returns it: finalizers there do not chain
 * up, and leak what GObject has for the object. */
gpointer test_keep (gpointer object);

/* Every protocol's. */
extern const TallyCodec *const fix_codecs[2];
#define FOR_EACH_CODEC(codec)                                                                      \
  for (guint codec##_ = 0; codec##_ < G_N_ELEMENTS (fix_codecs); codec##_++)                       \
    for (const TallyCodec *codec = fix_codecs[codec##_]; codec != NULL; codec = NULL)
TallyBuffer
fix_encode (const TallyCodec *codec, const TallyStructInfo *info, gconstpointer instance);

extern const TallyType fix_list_i32;
extern const TallyType fix_map_string_point;

G_END_DECLS

#endif /* TESTS_RUNTIME_FIXTURE_H */
