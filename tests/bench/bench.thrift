/* What the benchmark sends: a string of 16 bytes, and a rich struct of about 15.7 kB. */
namespace c_glib Bench

struct Item
{
  1: i32 id
  2: string name
  3: i64 stamp
  4: double weight
  5: bool active
}

struct Payload
{
  1: i64 id
  2: string title
  3: list<Item> items          /* 100 */
  4: map<string, string> tags  /* 50 */
  5: list<i32> samples         /* 1,000 */
  6: binary blob               /* 4 KiB */
}

service Echo
{
  string echo (1: string text)
  Payload echo_payload (1: Payload payload)
}
