// Constants and defaults of every type: what test-constants.c looks at.
namespace c_glib Values

include "every_base.thrift"

enum Color {
  WHITE = 0
  BLACK = 1
}

typedef i32 Number
typedef string Name
typedef list<Number> Numbers

const bool YES = true
const i8 SMALL = -128
const i16 MIDDLE = 0x7fff
const i32 LOW = -2147483648
const Number FIVE = 5
const i64 HIGH = 9223372036854775807
const i64 LOWEST = -9223372036854775808
const double PI = 3.141592653589793
const double WHOLE = 2
const double TINY = 1e-300
const Name QUOTED = "say \"hi\"\n\ttwice ??/ \\"
const binary BYTES = "aüb"
const uuid ID = "00112233-4455-6677-8899-aabbccddeeff"
const Color DARK = Color.BLACK
const every_base.Color FOREIGN = every_base.Color.BLUE
const i32 camelCase = FIVE
const Numbers NUMBERS = [1, FIVE, -3]
const list<list<string>> NESTED = [["a", "b"], [], ["c"]]
const set<binary> BINARIES = ["x", "y"]
const map<Color, list<i64>> BY_COLOR = { Color.WHITE: [1], Color.BLACK: [2, 3] }
const every_base.Inner INNER = { "number": 12, "text": QUOTED }
const list<every_base.Inner> INNERS = [{}, { "text": "t" }]

struct Needy {
  1: required i32 number
  2: required string text
  3: required list<i32> numbers
}

const Needy NEEDED = { "number": 1, "text": "needed", "numbers": [4, 5] }

union Either {
  1: i32 left
  2: string right
}

const Either CHOSEN = { "right": "r" }

struct Defaults {
  1: bool yes = true
  2: i8 small = -7
  3: i16 middle = 1000
  4: i32 number = FIVE
  5: i64 high = 5000000000
  6: double exact = 0.1234567890123456
  7: double large = 33554433.0
  8: string text = "two\nlines"
  9: binary bytes = "é"
  10: uuid id = "00112233-4455-6677-8899-aabbccddeeff"
  11: Color color = Color.BLACK
  12: list<Number> numbers = [1, 2]
  13: set<string> names = ["n", "m"]
  14: map<string, Color> colors = { "b": Color.BLACK }
  15: every_base.Inner inner = { "text": "inner" }
  16: optional i32 maybe = 9
  17: required string needed = "needed"
  18: list<every_base.Inner> inners = [{ "number": 3 }]
  19: list<list<i16>> nested = [[1], [2, 3]]
  20: Either either = { "left": 4 }
  21: i32 plain
  22: string nothing
  23: list<string> empty
}
