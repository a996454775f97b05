/// Moves a Value into a field of Config and back, by the field's type.
#pragma once

#include <chrono>
#include <type_traits>

#include "app/schema.hpp"

namespace valinor::app {

template <class T>
struct FieldOf;  // one for each kind of field that Config has

template <class T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) struct FieldOf<T> {
  static T from(const Value& value) { return static_cast<T>(std::get<Number>(value)); }
  static Value to(T field) { return Number{field}; }
};

template <class T>
requires std::is_enum_v<T>  // the words of the row stand in the order of the enumerators
struct FieldOf<T> {
  static T from(const Value& value) { return static_cast<T>(std::get<Number>(value)); }
  static Value to(T field) { return static_cast<Number>(field); }
};

template <class Rep, class Period>
struct FieldOf<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static Duration from(const Value& value) {
    const auto count = static_cast<std::int64_t>(std::get<Number>(value));
    return std::chrono::duration_cast<Duration>(std::chrono::nanoseconds{count});
  }
  static Value to(Duration field) {
    return static_cast<Number>(std::chrono::nanoseconds{field}.count());
  }
};

template <>
struct FieldOf<std::optional<std::uint8_t>> {  // a choice whose first word is "auto", then 0, 1,
                                               // ...
  static std::optional<std::uint8_t> from(const Value& value) {
    const Number index = std::get<Number>(value);
    if (index == 0) return std::nullopt;
    return static_cast<std::uint8_t>(index - 1);
  }
  static Value to(std::optional<std::uint8_t> field) {
    return field ? Number{*field} + 1 : Number{0};
  }
};

template <class T>
requires std::is_enum_v<T>  // a choice whose first word stands for nothing
struct FieldOf<std::optional<T>> {
  static std::optional<T> from(const Value& value) {
    const Number index = std::get<Number>(value);
    return index == 0 ? std::nullopt : std::optional{static_cast<T>(index - 1)};
  }
  static Value to(std::optional<T> field) {
    return field ? static_cast<Number>(*field) + 1 : Number{0};
  }
};

template <class T>
requires(!std::is_same_v<T, std::string> && !std::is_same_v<T, nic::SteeringConfig> &&
         !std::is_same_v<T, exporter::RedisAddress>) struct FieldOf<std::vector<T>> {
  static std::vector<T> from(const Value& value) {
    std::vector<T> out;
    for (const Number number : std::get<NumberList>(value)) {
      if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
        out.push_back(static_cast<T>(number));
      } else {
        out.push_back(T{static_cast<typename T::representation>(number)});
      }
    }
    return out;
  }
  static Value to(const std::vector<T>& field) {
    NumberList out;
    for (const T item : field) {
      if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
        out.push_back(static_cast<Number>(item));
      } else {
        out.push_back(item.value());
      }
    }
    return out;
  }
};

template <class T>
requires(std::is_same_v<T, bool> || std::is_same_v<T, std::string> || std::is_same_v<T, NameList> ||
         std::is_same_v<T, SteeringList> || std::is_same_v<T, std::optional<wire::DscpMatch>> ||
         std::is_same_v<T, std::optional<wire::MacAddress>> ||
         std::is_same_v<T, exporter::RedisAddress> ||
         std::is_same_v<T, RedisList>) struct FieldOf<T> {
  static T from(const Value& value) { return std::get<T>(value); }
  static Value to(const T& field) { return Value{std::in_place_type<T>, field}; }
};

/// Completes a row by the field that it lands in. `Reach` is a lambda (auto& config, std::size_t
/// interface) -> auto&, without captures.
template <class Reach>
constexpr SchemaKey row(SchemaKey key, Reach) {
  key.land = [](Config& config, std::size_t interface, const Value& value) {
    auto& field = Reach{}(config, interface);
    field = FieldOf<std::remove_cvref_t<decltype(field)>>::from(value);
  };
  key.get = [](const Config& config, std::size_t interface) -> Value {
    const auto& field = Reach{}(config, interface);
    return FieldOf<std::remove_cvref_t<decltype(field)>>::to(field);
  };
  return key;
}

}  // namespace valinor::app
