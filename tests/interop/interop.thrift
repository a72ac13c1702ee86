/* What the peers say to each other: every base type, container and kind of definition, and every way in
 * which a call may end. Debian's compiler is of 0.17, so that there is no uuid here. */
namespace c_glib Peer
namespace cpp peer
namespace py peer

typedef i64 Stamp
typedef list<i32> Numbers

enum Color
{
  RED = 0
  GREEN = 1
  DARK = -5
  FAR = 2147483647
}

struct Scalars
{
  1: bool yes
  2: i8 tiny
  3: i16 small
  4: i32 medium
  5: i64 large
  6: double number
  7: string text
  8: binary bytes
  9: Color color
  10: Stamp stamp
  /* ids that compact cannot write as a short delta, and one below the last */
  300: bool no
  32767: i32 last
}

struct Point
{
  1: required i32 x
  2: required i32 y
  3: optional string label
}

union Choice
{
  1: i32 number
  2: string text
  3: Point point
  4: Numbers numbers
}

struct Nested
{
  1: list<bool> flags
  2: list<i8> tinies
  3: list<i16> smalls
  4: Numbers numbers
  5: list<i64> larges
  6: list<double> doubles
  7: list<string> names
  8: list<binary> blobs
  9: list<Point> points
  10: list<Color> colors
  11: set<i32> chosen
  12: set<string> words
  13: map<string, i32> ages
  14: map<i64, string> titles
  15: map<i32, bool> switches
  16: map<string, list<i32>> series
  17: map<i16, Point> corners
  18: list<list<i32>> matrix
  19: map<string, map<string, double>> tables
  20: list<map<string, i32>> records
  21: optional Point origin
  22: optional Choice choice
  23: optional list<Scalars> scalars
  24: optional bool maybe
  25: optional i32 never
}

/* What Apache C GLib loses or mangles: echoed only by peers of other languages. */
struct Wide
{
  1: list<set<i32>> sets
  2: map<string, set<string>> groups
  3: set<Color> colors
  4: map<Color, string> names
  5: list<Stamp> stamps
  6: set<binary> blobs
  7: map<binary, i32> sizes
  8: set<double> doubles
  9: set<bool> bools
  10: map<double, bool> levels
  11: list<list<list<string>>> deep
}

exception Refusal
{
  1: i32 code
  2: string reason
  3: Point spot
}

exception Overflow
{
  1: i64 limit
}

service Probe
{
  void nothing ()
  bool echo_bool (1: bool value)
  i8 echo_i8 (1: i8 value)
  i16 echo_i16 (1: i16 value)
  i32 echo_i32 (1: i32 value)
  i64 echo_i64 (1: i64 value)
  double echo_double (1: double value)
  string echo_string (1: string value)
  binary echo_binary (1: binary value)
  Color echo_color (1: Color value)
  Scalars echo_scalars (1: Scalars value)
  Nested echo_nested (1: Nested value)
  Choice echo_choice (1: Choice value)
  Wide echo_wide (1: Wide value)
  list<bool> echo_flags (1: list<bool> value)
  /* Apache C GLib takes a set or map argument that is called `value` for a variable of its own. */
  map<string, list<Point>> echo_paths (1: map<string, list<Point>> paths)
  set<string> echo_words (1: set<string> words)
  /* "yes|7|hello|a,b" */
  string join (1: bool yes, 2: i32 number, 3: string text, 4: list<string> parts)
  /* 0 returns 1; 1 throws Refusal, 2 Overflow; anything else fails without a declared exception */
  i32 check (1: i32 kind) throws (1: Refusal refusal, 2: Overflow overflow)
  void check_nothing (1: i32 kind) throws (1: Refusal refusal)
  oneway void remember (1: i64 token)
  i64 remembered ()
}

service Extended extends Probe
{
  string whoami ()
}

/* No server has it: its caller learns that the method is unknown. */
service Stranger
{
  i32 unheard_of (1: string text)
}
