// Every type in every position: what test-round-trip.c sends through the codecs.
namespace c_glib Every

include "every_base.thrift"

union Choice {
  1: i32 number
  2: string text
  3: list<every_base.Inner> inners
}

exception Broken {
  1: string why
  2: optional i32 code
}

typedef bool BoolAlias

struct OfBool {
  1: bool plain
  2: optional bool maybe
  3: required bool needed
  4: BoolAlias alias
  5: list<bool> listed
  6: set<bool> collected
  7: map<bool, i32> keyed
  8: map<i32, bool> mapped
  9: list<list<bool>> listed_twice
  10: list<set<bool>> sets_listed
  11: set<list<bool>> lists_collected
  12: set<set<bool>> sets_collected
  13: map<list<bool>, set<bool>> lists_keyed
  14: map<string, map<bool, list<bool>>> maps_mapped
  15: list<BoolAlias> aliases_listed
  16: set<BoolAlias> aliases_collected
  17: map<BoolAlias, BoolAlias> aliases_mapped
}

union OneOfBool {
  1: bool plain
  2: list<bool> listed
  3: map<bool, bool> mapped
}

typedef i8 I8Alias

struct OfI8 {
  1: i8 plain
  2: optional i8 maybe
  3: required i8 needed
  4: I8Alias alias
  5: list<i8> listed
  6: set<i8> collected
  7: map<i8, i32> keyed
  8: map<i32, i8> mapped
  9: list<list<i8>> listed_twice
  10: list<set<i8>> sets_listed
  11: set<list<i8>> lists_collected
  12: set<set<i8>> sets_collected
  13: map<list<i8>, set<i8>> lists_keyed
  14: map<string, map<i8, list<i8>>> maps_mapped
  15: list<I8Alias> aliases_listed
  16: set<I8Alias> aliases_collected
  17: map<I8Alias, I8Alias> aliases_mapped
}

union OneOfI8 {
  1: i8 plain
  2: list<i8> listed
  3: map<i8, i8> mapped
}

typedef i16 I16Alias

struct OfI16 {
  1: i16 plain
  2: optional i16 maybe
  3: required i16 needed
  4: I16Alias alias
  5: list<i16> listed
  6: set<i16> collected
  7: map<i16, i32> keyed
  8: map<i32, i16> mapped
  9: list<list<i16>> listed_twice
  10: list<set<i16>> sets_listed
  11: set<list<i16>> lists_collected
  12: set<set<i16>> sets_collected
  13: map<list<i16>, set<i16>> lists_keyed
  14: map<string, map<i16, list<i16>>> maps_mapped
  15: list<I16Alias> aliases_listed
  16: set<I16Alias> aliases_collected
  17: map<I16Alias, I16Alias> aliases_mapped
}

union OneOfI16 {
  1: i16 plain
  2: list<i16> listed
  3: map<i16, i16> mapped
}

typedef i32 I32Alias

struct OfI32 {
  1: i32 plain
  2: optional i32 maybe
  3: required i32 needed
  4: I32Alias alias
  5: list<i32> listed
  6: set<i32> collected
  7: map<i32, i32> keyed
  8: map<i32, i32> mapped
  9: list<list<i32>> listed_twice
  10: list<set<i32>> sets_listed
  11: set<list<i32>> lists_collected
  12: set<set<i32>> sets_collected
  13: map<list<i32>, set<i32>> lists_keyed
  14: map<string, map<i32, list<i32>>> maps_mapped
  15: list<I32Alias> aliases_listed
  16: set<I32Alias> aliases_collected
  17: map<I32Alias, I32Alias> aliases_mapped
}

union OneOfI32 {
  1: i32 plain
  2: list<i32> listed
  3: map<i32, i32> mapped
}

typedef i64 I64Alias

struct OfI64 {
  1: i64 plain
  2: optional i64 maybe
  3: required i64 needed
  4: I64Alias alias
  5: list<i64> listed
  6: set<i64> collected
  7: map<i64, i32> keyed
  8: map<i32, i64> mapped
  9: list<list<i64>> listed_twice
  10: list<set<i64>> sets_listed
  11: set<list<i64>> lists_collected
  12: set<set<i64>> sets_collected
  13: map<list<i64>, set<i64>> lists_keyed
  14: map<string, map<i64, list<i64>>> maps_mapped
  15: list<I64Alias> aliases_listed
  16: set<I64Alias> aliases_collected
  17: map<I64Alias, I64Alias> aliases_mapped
}

union OneOfI64 {
  1: i64 plain
  2: list<i64> listed
  3: map<i64, i64> mapped
}

typedef double DoubleAlias

struct OfDouble {
  1: double plain
  2: optional double maybe
  3: required double needed
  4: DoubleAlias alias
  5: list<double> listed
  6: set<double> collected
  7: map<double, i32> keyed
  8: map<i32, double> mapped
  9: list<list<double>> listed_twice
  10: list<set<double>> sets_listed
  11: set<list<double>> lists_collected
  12: set<set<double>> sets_collected
  13: map<list<double>, set<double>> lists_keyed
  14: map<string, map<double, list<double>>> maps_mapped
  15: list<DoubleAlias> aliases_listed
  16: set<DoubleAlias> aliases_collected
  17: map<DoubleAlias, DoubleAlias> aliases_mapped
}

union OneOfDouble {
  1: double plain
  2: list<double> listed
  3: map<double, double> mapped
}

typedef string StringAlias

struct OfString {
  1: string plain
  2: optional string maybe
  3: required string needed
  4: StringAlias alias
  5: list<string> listed
  6: set<string> collected
  7: map<string, i32> keyed
  8: map<i32, string> mapped
  9: list<list<string>> listed_twice
  10: list<set<string>> sets_listed
  11: set<list<string>> lists_collected
  12: set<set<string>> sets_collected
  13: map<list<string>, set<string>> lists_keyed
  14: map<string, map<string, list<string>>> maps_mapped
  15: list<StringAlias> aliases_listed
  16: set<StringAlias> aliases_collected
  17: map<StringAlias, StringAlias> aliases_mapped
}

union OneOfString {
  1: string plain
  2: list<string> listed
  3: map<string, string> mapped
}

typedef binary BinaryAlias

struct OfBinary {
  1: binary plain
  2: optional binary maybe
  3: required binary needed
  4: BinaryAlias alias
  5: list<binary> listed
  6: set<binary> collected
  7: map<binary, i32> keyed
  8: map<i32, binary> mapped
  9: list<list<binary>> listed_twice
  10: list<set<binary>> sets_listed
  11: set<list<binary>> lists_collected
  12: set<set<binary>> sets_collected
  13: map<list<binary>, set<binary>> lists_keyed
  14: map<string, map<binary, list<binary>>> maps_mapped
  15: list<BinaryAlias> aliases_listed
  16: set<BinaryAlias> aliases_collected
  17: map<BinaryAlias, BinaryAlias> aliases_mapped
}

union OneOfBinary {
  1: binary plain
  2: list<binary> listed
  3: map<binary, binary> mapped
}

typedef uuid UuidAlias

struct OfUuid {
  1: uuid plain
  2: optional uuid maybe
  3: required uuid needed
  4: UuidAlias alias
  5: list<uuid> listed
  6: set<uuid> collected
  7: map<uuid, i32> keyed
  8: map<i32, uuid> mapped
  9: list<list<uuid>> listed_twice
  10: list<set<uuid>> sets_listed
  11: set<list<uuid>> lists_collected
  12: set<set<uuid>> sets_collected
  13: map<list<uuid>, set<uuid>> lists_keyed
  14: map<string, map<uuid, list<uuid>>> maps_mapped
  15: list<UuidAlias> aliases_listed
  16: set<UuidAlias> aliases_collected
  17: map<UuidAlias, UuidAlias> aliases_mapped
}

union OneOfUuid {
  1: uuid plain
  2: list<uuid> listed
  3: map<uuid, uuid> mapped
}

typedef every_base.Color ColorAlias

struct OfColor {
  1: every_base.Color plain
  2: optional every_base.Color maybe
  3: required every_base.Color needed
  4: ColorAlias alias
  5: list<every_base.Color> listed
  6: set<every_base.Color> collected
  7: map<every_base.Color, i32> keyed
  8: map<i32, every_base.Color> mapped
  9: list<list<every_base.Color>> listed_twice
  10: list<set<every_base.Color>> sets_listed
  11: set<list<every_base.Color>> lists_collected
  12: set<set<every_base.Color>> sets_collected
  13: map<list<every_base.Color>, set<every_base.Color>> lists_keyed
  14: map<string, map<every_base.Color, list<every_base.Color>>> maps_mapped
  15: list<ColorAlias> aliases_listed
  16: set<ColorAlias> aliases_collected
  17: map<ColorAlias, ColorAlias> aliases_mapped
}

union OneOfColor {
  1: every_base.Color plain
  2: list<every_base.Color> listed
  3: map<every_base.Color, every_base.Color> mapped
}

typedef every_base.Inner InnerAlias

struct OfInner {
  1: every_base.Inner plain
  2: optional every_base.Inner maybe
  3: required every_base.Inner needed
  4: InnerAlias alias
  5: list<every_base.Inner> listed
  6: set<every_base.Inner> collected
  7: map<every_base.Inner, i32> keyed
  8: map<i32, every_base.Inner> mapped
  9: list<list<every_base.Inner>> listed_twice
  10: list<set<every_base.Inner>> sets_listed
  11: set<list<every_base.Inner>> lists_collected
  12: set<set<every_base.Inner>> sets_collected
  13: map<list<every_base.Inner>, set<every_base.Inner>> lists_keyed
  14: map<string, map<every_base.Inner, list<every_base.Inner>>> maps_mapped
  15: list<InnerAlias> aliases_listed
  16: set<InnerAlias> aliases_collected
  17: map<InnerAlias, InnerAlias> aliases_mapped
}

union OneOfInner {
  1: every_base.Inner plain
  2: list<every_base.Inner> listed
  3: map<every_base.Inner, every_base.Inner> mapped
}

typedef Choice ChoiceAlias

struct OfChoice {
  1: Choice plain
  2: optional Choice maybe
  3: required Choice needed
  4: ChoiceAlias alias
  5: list<Choice> listed
  6: set<Choice> collected
  7: map<Choice, i32> keyed
  8: map<i32, Choice> mapped
  9: list<list<Choice>> listed_twice
  10: list<set<Choice>> sets_listed
  11: set<list<Choice>> lists_collected
  12: set<set<Choice>> sets_collected
  13: map<list<Choice>, set<Choice>> lists_keyed
  14: map<string, map<Choice, list<Choice>>> maps_mapped
  15: list<ChoiceAlias> aliases_listed
  16: set<ChoiceAlias> aliases_collected
  17: map<ChoiceAlias, ChoiceAlias> aliases_mapped
}

union OneOfChoice {
  1: Choice plain
  2: list<Choice> listed
  3: map<Choice, Choice> mapped
}

typedef Broken BrokenAlias

struct OfBroken {
  1: Broken plain
  2: optional Broken maybe
  3: required Broken needed
  4: BrokenAlias alias
  5: list<Broken> listed
  6: set<Broken> collected
  7: map<Broken, i32> keyed
  8: map<i32, Broken> mapped
  9: list<list<Broken>> listed_twice
  10: list<set<Broken>> sets_listed
  11: set<list<Broken>> lists_collected
  12: set<set<Broken>> sets_collected
  13: map<list<Broken>, set<Broken>> lists_keyed
  14: map<string, map<Broken, list<Broken>>> maps_mapped
  15: list<BrokenAlias> aliases_listed
  16: set<BrokenAlias> aliases_collected
  17: map<BrokenAlias, BrokenAlias> aliases_mapped
}

union OneOfBroken {
  1: Broken plain
  2: list<Broken> listed
  3: map<Broken, Broken> mapped
}

typedef list<i32> ListI32Alias

struct OfListI32 {
  1: list<i32> plain
  2: optional list<i32> maybe
  3: required list<i32> needed
  4: ListI32Alias alias
  5: list<list<i32>> listed
  6: set<list<i32>> collected
  7: map<list<i32>, i32> keyed
  8: map<i32, list<i32>> mapped
  9: list<list<list<i32>>> listed_twice
  10: list<set<list<i32>>> sets_listed
  11: set<list<list<i32>>> lists_collected
  12: set<set<list<i32>>> sets_collected
  13: map<list<list<i32>>, set<list<i32>>> lists_keyed
  14: map<string, map<list<i32>, list<list<i32>>>> maps_mapped
  15: list<ListI32Alias> aliases_listed
  16: set<ListI32Alias> aliases_collected
  17: map<ListI32Alias, ListI32Alias> aliases_mapped
}

union OneOfListI32 {
  1: list<i32> plain
  2: list<list<i32>> listed
  3: map<list<i32>, list<i32>> mapped
}

typedef set<string> SetStringAlias

struct OfSetString {
  1: set<string> plain
  2: optional set<string> maybe
  3: required set<string> needed
  4: SetStringAlias alias
  5: list<set<string>> listed
  6: set<set<string>> collected
  7: map<set<string>, i32> keyed
  8: map<i32, set<string>> mapped
  9: list<list<set<string>>> listed_twice
  10: list<set<set<string>>> sets_listed
  11: set<list<set<string>>> lists_collected
  12: set<set<set<string>>> sets_collected
  13: map<list<set<string>>, set<set<string>>> lists_keyed
  14: map<string, map<set<string>, list<set<string>>>> maps_mapped
  15: list<SetStringAlias> aliases_listed
  16: set<SetStringAlias> aliases_collected
  17: map<SetStringAlias, SetStringAlias> aliases_mapped
}

union OneOfSetString {
  1: set<string> plain
  2: list<set<string>> listed
  3: map<set<string>, set<string>> mapped
}

typedef map<string, i32> MapStringI32Alias

struct OfMapStringI32 {
  1: map<string, i32> plain
  2: optional map<string, i32> maybe
  3: required map<string, i32> needed
  4: MapStringI32Alias alias
  5: list<map<string, i32>> listed
  6: set<map<string, i32>> collected
  7: map<map<string, i32>, i32> keyed
  8: map<i32, map<string, i32>> mapped
  9: list<list<map<string, i32>>> listed_twice
  10: list<set<map<string, i32>>> sets_listed
  11: set<list<map<string, i32>>> lists_collected
  12: set<set<map<string, i32>>> sets_collected
  13: map<list<map<string, i32>>, set<map<string, i32>>> lists_keyed
  14: map<string, map<map<string, i32>, list<map<string, i32>>>> maps_mapped
  15: list<MapStringI32Alias> aliases_listed
  16: set<MapStringI32Alias> aliases_collected
  17: map<MapStringI32Alias, MapStringI32Alias> aliases_mapped
}

union OneOfMapStringI32 {
  1: map<string, i32> plain
  2: list<map<string, i32>> listed
  3: map<map<string, i32>, map<string, i32>> mapped
}

typedef list<every_base.Inner> ListInnerAlias

struct OfListInner {
  1: list<every_base.Inner> plain
  2: optional list<every_base.Inner> maybe
  3: required list<every_base.Inner> needed
  4: ListInnerAlias alias
  5: list<list<every_base.Inner>> listed
  6: set<list<every_base.Inner>> collected
  7: map<list<every_base.Inner>, i32> keyed
  8: map<i32, list<every_base.Inner>> mapped
  9: list<list<list<every_base.Inner>>> listed_twice
  10: list<set<list<every_base.Inner>>> sets_listed
  11: set<list<list<every_base.Inner>>> lists_collected
  12: set<set<list<every_base.Inner>>> sets_collected
  13: map<list<list<every_base.Inner>>, set<list<every_base.Inner>>> lists_keyed
  14: map<string, map<list<every_base.Inner>, list<list<every_base.Inner>>>> maps_mapped
  15: list<ListInnerAlias> aliases_listed
  16: set<ListInnerAlias> aliases_collected
  17: map<ListInnerAlias, ListInnerAlias> aliases_mapped
}

union OneOfListInner {
  1: list<every_base.Inner> plain
  2: list<list<every_base.Inner>> listed
  3: map<list<every_base.Inner>, list<every_base.Inner>> mapped
}

struct Tree {
  1: i32 value
  2: optional Tree left
  3: Tree right
  4: list<Tree> children
  5: map<string, Tree> named
}

struct Ping {
  1: optional Pong pong
}

struct Pong {
  1: Ping ping
  2: i32 count
}

struct Empty {}

service Everything extends every_base.Base {
  bool giveBool (1: bool value, 2: BoolAlias alias, 3: list<bool> listed) throws (1: Broken broken)
  i8 giveI8 (1: i8 value, 2: I8Alias alias, 3: list<i8> listed) throws (1: Broken broken)
  i16 giveI16 (1: i16 value, 2: I16Alias alias, 3: list<i16> listed) throws (1: Broken broken)
  i32 giveI32 (1: i32 value, 2: I32Alias alias, 3: list<i32> listed) throws (1: Broken broken)
  i64 giveI64 (1: i64 value, 2: I64Alias alias, 3: list<i64> listed) throws (1: Broken broken)
  double giveDouble (1: double value, 2: DoubleAlias alias, 3: list<double> listed) throws (1: Broken broken)
  string giveString (1: string value, 2: StringAlias alias, 3: list<string> listed) throws (1: Broken broken)
  binary giveBinary (1: binary value, 2: BinaryAlias alias, 3: list<binary> listed) throws (1: Broken broken)
  uuid giveUuid (1: uuid value, 2: UuidAlias alias, 3: list<uuid> listed) throws (1: Broken broken)
  every_base.Color giveColor (1: every_base.Color value, 2: ColorAlias alias, 3: list<every_base.Color> listed) throws (1: Broken broken)
  every_base.Inner giveInner (1: every_base.Inner value, 2: InnerAlias alias, 3: list<every_base.Inner> listed) throws (1: Broken broken)
  Choice giveChoice (1: Choice value, 2: ChoiceAlias alias, 3: list<Choice> listed) throws (1: Broken broken)
  Broken giveBroken (1: Broken value, 2: BrokenAlias alias, 3: list<Broken> listed) throws (1: Broken broken, 2: every_base.Other other)
  list<i32> giveListI32 (1: list<i32> value, 2: ListI32Alias alias, 3: list<list<i32>> listed) throws (1: Broken broken)
  set<string> giveSetString (1: set<string> value, 2: SetStringAlias alias, 3: list<set<string>> listed) throws (1: Broken broken)
  map<string, i32> giveMapStringI32 (1: map<string, i32> value, 2: MapStringI32Alias alias, 3: list<map<string, i32>> listed) throws (1: Broken broken)
  list<every_base.Inner> giveListInner (1: list<every_base.Inner> value, 2: ListInnerAlias alias, 3: list<list<every_base.Inner>> listed) throws (1: Broken broken)
  void nothing ()
  oneway void forget (1: i32 number)
  Tree grow (1: Tree tree)
}
