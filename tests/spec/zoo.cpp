// xdr.x: the zoo in C++, from what a wire type can be made of.
#include <array>
#include <cstdint>

#include "tests/spec/tables.hpp"

namespace berth::spec {

namespace {

using xdr::Array;
using xdr::Case;
using xdr::List;
using xdr::Opaque;
using xdr::Optional;
using xdr::Otherwise;
using xdr::String;
using xdr::Union;
using xdr::Void;

enum class Color : std::uint32_t { red = 2, yellow = 3, blue = 5 };
constexpr bool is_valid(Color color) {
    return color == Color::red || color == Color::yellow || color == Color::blue;
}

enum class Values : std::int32_t {
    lowest = INT32_MIN,
    minus = -5,
    zero = 0,
    sixteen = 16,
    highest = INT32_MAX
};
constexpr bool is_valid(Values value) {
    return value == Values::lowest || value == Values::minus || value == Values::zero ||
           value == Values::sixteen || value == Values::highest;
}

enum class Switch : std::uint32_t { off = 0, on = 1 };
constexpr bool is_valid(Switch value) {
    return value <= Switch::on;
}

struct Struct {
    struct Inner {
        std::array<std::byte, 3> tag;
        String<5> label;
    };
    std::int32_t small;
    std::uint64_t large;
    bool flag;
    Color color;
    Inner inner;
    Array<std::uint32_t, 4> counts;
    std::array<std::int32_t, 2> pair;
    float ratio;
};

using UnionInt = Union<std::int32_t, Case<-5, std::int64_t>, Case<0, Void>, Case<1, String<9>>,
                       Case<2, String<9>>, Otherwise<std::array<std::byte, 5>>>;
using UnionIntClosed = Union<std::int32_t, Case<-1, bool>, Case<INT32_MAX, Void>>;
using UnionUnsigned =
    Union<std::uint32_t, Case<0U, Opaque<13>>, Case<0xFFFFFFFFU, Struct>, Otherwise<Void>>;
using UnionUnsignedClosed =
    Union<std::uint32_t, Case<3U, std::int32_t>, Case<0x80000000U, Array<std::int32_t, 3>>>;
using UnionBool = Union<bool, Case<true, std::int64_t>, Case<false, Void>>;
using UnionBoolDefault = Union<bool, Case<false, Color>, Otherwise<double>>;
struct Blue {
    String<8> shade;
    UnionBool depth;
};
using UnionEnum = Union<Color, Case<Color::red, std::uint32_t>, Case<Color::yellow, Void>,
                        Case<Color::blue, Blue>>;
using UnionEnumDefault =
    Union<Values, Case<Values::lowest, Array<String<11>, 4>>, Otherwise<std::int32_t>>;
using UnionEnumPartial = Union<Color, Case<Color::red, std::int32_t>, Case<Color::blue, Void>>;

struct ListItem {
    std::int64_t id;
    Optional<std::uint32_t> note;
    List<String<>> names;
};
struct ListAndEnd {
    List<ListItem> items;
    bool eof;
};

enum class FileKind : std::uint32_t { text = 0, data = 1, exec = 2 };
constexpr bool is_valid(FileKind kind) {
    return kind <= FileKind::exec;
}
using FileType = Union<FileKind, Case<FileKind::text, Void>, Case<FileKind::data, String<255>>,
                       Case<FileKind::exec, String<255>>>;
struct File {
    String<255> filename;
    FileType type;
    String<32> owner;
    Opaque<65535> data;
};

constexpr TypeLine types[] = {
    type<std::int32_t>("zoo_int"),
    type<std::uint32_t>("zoo_unsigned"),
    type<std::int64_t>("zoo_hyper"),
    type<std::uint64_t>("zoo_unsigned_hyper"),
    type<bool>("zoo_bool"),
    type<Color>("colors"),
    type<Values>("zoo_enum"),
    type<Switch>("zoo_typedef_enum"),
    type<float>("zoo_float"),
    type<double>("zoo_double"),
    type<xdr::Quadruple>("zoo_quadruple"),
    type<std::array<std::byte, 1>>("zoo_opaque_fixed_1"),
    type<std::array<std::byte, 4>>("zoo_opaque_fixed_4"),
    type<std::array<std::byte, 7>>("zoo_opaque_fixed_7"),
    type<std::array<std::byte, 8>>("zoo_opaque_fixed_8"),
    type<Opaque<13>>("zoo_opaque_bounded"),
    type<Opaque<64>>("zoo_opaque_64"),
    type<Opaque<>>("zoo_opaque"),
    type<String<11>>("zoo_string_bounded"),
    type<String<255>>("zoo_string_255"),
    type<String<>>("zoo_string"),
    type<std::int32_t>("egg"),
    type<std::array<std::int32_t, 12>>("eggbox"),
    type<std::array<std::int64_t, 3>>("zoo_array_fixed"),
    type<std::array<String<11>, 2>>("zoo_array_fixed_strings"),
    type<Array<std::uint32_t, 7>>("zoo_array_bounded"),
    type<Array<std::int64_t>>("zoo_array"),
    type<Array<bool, 4>>("zoo_array_bools"),
    type<Array<Opaque<13>, 5>>("zoo_array_opaques"),
    type<Array<Array<std::uint32_t, 7>, 3>>("zoo_array_arrays"),
    type<Struct>("zoo_struct"),
    type<Array<Struct, 3>>("zoo_array_structs"),
    type<UnionInt>("zoo_union_int"),
    type<UnionIntClosed>("zoo_union_int_closed"),
    type<UnionUnsigned>("zoo_union_unsigned"),
    type<UnionUnsignedClosed>("zoo_union_unsigned_closed"),
    type<UnionBool>("zoo_union_bool"),
    type<UnionBoolDefault>("zoo_union_bool_default"),
    type<UnionEnum>("zoo_union_enum"),
    type<UnionEnumDefault>("zoo_union_enum_default"),
    type<UnionEnumPartial>("zoo_union_enum_partial"),
    type<Array<String<11>, 4>>("zoo_array_strings"),
    type<Array<UnionEnum, 4>>("zoo_array_unions"),
    type<Struct>("zoo_typedef_struct"),
    type<Struct>("zoo_typedef_typedef"),
    type<Optional<std::uint32_t>>("zoo_optional_int"),
    type<Optional<Struct>>("zoo_optional_struct"),
    type<Optional<Optional<std::uint32_t>>>("zoo_optional_optional"),
    type<Array<Optional<std::uint32_t>, 4>>("zoo_array_optionals"),
    type<Node<String<>>>("stringentry"),
    type<List<String<>>>("stringlist"),
    type<List<String<>>>("zoo_list_as_union"),
    type<Node<String<>>>("zoo_array_entry"),
    type<List<String<>>>("zoo_list_as_array"),
    type<Node<ListItem>>("zoo_list_item"),
    type<ListAndEnd>("zoo_list"),
    type<FileKind>("filekind"),
    type<FileType>("filetype"),
    type<File>("file"),
};

constexpr ConstantLine constants[] = {
    constant("RED", Color::red),
    constant("YELLOW", Color::yellow),
    constant("BLUE", Color::blue),
    constant("ZOO_LOWEST", Values::lowest),
    constant("ZOO_MINUS", Values::minus),
    constant("ZOO_ZERO", Values::zero),
    constant("ZOO_SIXTEEN", Values::sixteen),
    constant("ZOO_HIGHEST", Values::highest),
    constant("ZOO_OFF", Switch::off),
    constant("ZOO_ON", Switch::on),
    constant("TEXT", FileKind::text),
    constant("DATA", FileKind::data),
    constant("EXEC", FileKind::exec),
};

constexpr std::string_view why_bound = "a bound; the types that have it are compared";
constexpr Exempt exempt[] = {
    {"DOZEN", why_bound},        {"ZOO_HEXADECIMAL", why_bound}, {"ZOO_OCTAL", why_bound},
    {"ZOO_NEGATIVE", why_bound}, {"MAXUSERNAME", why_bound},     {"MAXFILELEN", why_bound},
    {"MAXNAMELEN", why_bound},
};

}  // namespace

Specification zoo() {
    return {"xdr.x", types, {}, constants, exempt};
}

}  // namespace berth::spec
