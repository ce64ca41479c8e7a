// The types of RFC 4506 that plain C++ lacks. A wire struct is an aggregate of these, of
// fixed-width integers, bool, float, double, enums, std::array and other aggregates. Opaque and
// String are views: after decoding they point into the received bytes and live as long as those.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/container/static_vector.hpp>

namespace berth::xdr {

inline constexpr std::uint32_t unbounded = 0xFFFFFFFF;

/// `void` — RFC 4506 §4.16.
struct Void {
    bool operator==(const Void&) const = default;
};

/// `quadruple` — RFC 4506 §4.8: 16 bytes, carried as they are (C++ has no portable type for it).
struct Quadruple {
    std::array<std::byte, 16> bytes{};
    bool operator==(const Quadruple&) const = default;
};

/// `opaque name<Max>` — RFC 4506 §4.10: a view of at most Max bytes.
template <std::uint32_t Max = unbounded>
class Opaque {
public:
    static constexpr std::uint32_t bytes_max = Max;

    Opaque() = default;
    Opaque(std::span<const std::byte> bytes) : bytes_(bytes) {}

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

private:
    std::span<const std::byte> bytes_;
};

/// `string name<Max>` — RFC 4506 §4.11: a counted view of arbitrary bytes.
template <std::uint32_t Max = unbounded>
class String {
public:
    static constexpr std::uint32_t bytes_max = Max;

    String() = default;
    String(std::string_view text) : text_(text) {}

    [[nodiscard]] std::string_view view() const noexcept { return text_; }
    operator std::string_view() const noexcept { return text_; }

private:
    std::string_view text_;
};

/// `T name<Max>` — RFC 4506 §4.13. Arrays with small bounds are stored in place, others on the
/// heap.
template <class T, std::uint32_t Max = unbounded>
struct Array {
    static constexpr std::uint32_t count_max = Max;
    static constexpr bool in_place = Max <= 32;
    using Items =
        std::conditional_t<in_place, boost::container::static_vector<T, in_place ? Max : 1>,
                           std::vector<T>>;

    Array() = default;
    Array(Items list) : items(std::move(list)) {}

    Items items;
};

/// `T* name` — RFC 4506 §4.19.
template <class T>
class Optional {
public:
    Optional() = default;
    Optional(T value) : value_(std::move(value)) {}

    [[nodiscard]] explicit operator bool() const noexcept { return value_.has_value(); }
    [[nodiscard]] const T& operator*() const { return *value_; }
    [[nodiscard]] T& operator*() { return *value_; }
    [[nodiscard]] const T* operator->() const { return &*value_; }
    T& emplace() { return value_.emplace(); }
    void reset() noexcept { value_.reset(); }

private:
    std::optional<T> value_;
};

/// The linked list of RFC 4506 §4.19 (each item followed by an optional next one), as a sequence.
template <class T>
struct List {
    List() = default;
    List(std::vector<T> list) : items(std::move(list)) {}

    std::vector<T> items;
};

/// One arm of a Union: discriminant `Value` selects a T.
template <auto Value, class T>
struct Case {
    static constexpr auto value = Value;
    static constexpr bool is_default = false;
    using Body = T;
};

/// The default arm of a Union, taken for every other value of the discriminant's type.
template <class T>
struct Otherwise {
    static constexpr bool is_default = true;
    using Body = T;
};

namespace detail {

template <class Arm, class D>
constexpr bool selects(D discriminant) {
    if constexpr (Arm::is_default)
        return true;
    else
        return Arm::value == discriminant;
}

}  // namespace detail

/// Discriminated union — RFC 4506 §4.15. The first arm that matches is used; Otherwise comes last.
template <class Discriminant, class... Arms>
class Union {
public:
    using DiscriminantType = Discriminant;
    using Bodies = std::variant<typename Arms::Body...>;
    static constexpr std::size_t arm_count = sizeof...(Arms);
    static constexpr std::size_t no_arm = arm_count;

    /// The arm that a discriminant selects; no_arm if there is none.
    static constexpr std::size_t arm_of(Discriminant discriminant) {
        std::size_t index = 0;
        const bool found = ((detail::selects<Arms>(discriminant) || (++index, false)) || ...);
        return found ? index : no_arm;
    }

    /// The value-initialised first arm.
    Union() : Union(first_discriminant(), std::in_place_index<0>) {}

    template <Discriminant Value>
    static Union make(typename std::variant_alternative_t<arm_of(Value), Bodies> body = {}) {
        Union made{Value, std::in_place_index<arm_of(Value)>};
        std::get<arm_of(Value)>(made.bodies_) = std::move(body);
        return made;
    }

    /// The default arm, for a discriminant without a case of its own.
    static Union otherwise(Discriminant value,
                           std::variant_alternative_t<arm_count - 1, Bodies> body = {}) {
        assert(arm_of(value) == arm_count - 1);
        Union made{value, std::in_place_index<arm_count - 1>};
        std::get<arm_count - 1>(made.bodies_) = std::move(body);
        return made;
    }

    [[nodiscard]] Discriminant discriminant() const noexcept { return discriminant_; }

    /// The body if the union is on this arm, otherwise null.
    template <Discriminant Value>
    [[nodiscard]] const auto* get_if() const noexcept {
        return std::get_if<arm_of(Value)>(&bodies_);
    }
    template <Discriminant Value>
    [[nodiscard]] auto* get_if() noexcept {
        return std::get_if<arm_of(Value)>(&bodies_);
    }
    /// The default arm's body if the union is on that arm, otherwise null.
    [[nodiscard]] const auto* get_otherwise() const noexcept {
        return std::get_if<arm_count - 1>(&bodies_);
    }

    /// For the codec: selects an arm (value-initialised); false if no arm matches.
    bool select(Discriminant discriminant) {
        const auto arm = arm_of(discriminant);
        if (arm == no_arm) return false;
        discriminant_ = discriminant;
        select_index(arm, std::index_sequence_for<Arms...>{});
        return true;
    }

    template <class Visitor>
    void visit(Visitor&& visitor) const {
        std::visit(std::forward<Visitor>(visitor), bodies_);
    }
    template <class Visitor>
    void visit(Visitor&& visitor) {
        std::visit(std::forward<Visitor>(visitor), bodies_);
    }

private:
    template <std::size_t Index>
    Union(Discriminant discriminant, std::in_place_index_t<Index> index)
        : discriminant_(discriminant),
          bodies_(index) {}

    static constexpr Discriminant first_discriminant() {
        using First = std::tuple_element_t<0, std::tuple<Arms...>>;
        if constexpr (First::is_default)
            return Discriminant{};
        else
            return First::value;
    }

    template <std::size_t... Index>
    void select_index(std::size_t arm, std::index_sequence<Index...>) {
        ((arm == Index ? void(bodies_.template emplace<Index>()) : void()), ...);
    }

    Discriminant discriminant_;
    Bodies bodies_;
};

}  // namespace berth::xdr
