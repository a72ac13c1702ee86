/**
 * The service of the admin example: a shop, some of whose answers take their time.
 */
namespace c_glib Demo

exception SoldOut {
  1: string item
}

service Shop {
  i32 price (1: string item) (idempotent),

  void order (1: string item) throws (1: SoldOut sold_out),

  /** Takes as many milliseconds to answer. */
  i32 count_stock (1: i32 milliseconds) (idempotent)
}
