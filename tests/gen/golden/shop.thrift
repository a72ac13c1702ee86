/**
 * What the golden files show: one of everything, as a user would write it.
 */
namespace c_glib Shop

include "money.thrift"

/** How an order stands. */
enum Status {
  /** Nobody has looked at it. */
  NEW = 1
  PAID
  SENT = 10
}

typedef i64 OrderId
typedef list<string> Tags
typedef money.Amount Price

/** One line of an order. */
struct Line {
  /** What is bought. */
  1: required string article
  2: i32 count = 1
  3: optional Price price
  4: Tags tags = ["new", "sale"]
}

struct Order {
  10: required OrderId id
  1: list<Line> lines
  2: Status status = Status.NEW
  3: set<binary> seals
  4: map<list<i16>, double> weights
  5: optional Order replaces
  6: optional uuid ticket (deprecated = "nobody reads it")
  7: i32 operator
}

union Payment {
  1: Price cash
  2: string card
}

/** There is not enough of it. */
exception SoldOut {
  1: string article
}

const i32 MAX_LINES = 100
const string GREETING = "Say \"hello\""
const Tags USUAL = ["a", "b"]
const Line SAMPLE = { "article": "bolt", "price": { "cents": 5 } }

/** Where orders are made. */
service Shop extends money.Bank {
  /** Makes an order, or says what is missing. */
  OrderId place (1: Order order, 2: Payment payment) throws (1: SoldOut sold_out)
  Order look_up (1: OrderId id) (idempotent)
  Status status (1: OrderId id)
  oneway void remind (1: OrderId id)
  void ping () (deprecated)
}
