/// One of ethtool's structs with the entries that follow it in the same memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace valinor::nic {

/// Zeroed. `Head` ends with a flexible array member; `bytes` are the bytes of its entries.
template <class Head>
class WithEntries {
 public:
  WithEntries(std::uint32_t command, std::size_t bytes)
      : words_((sizeof(Head) + bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t)) {
    head()->cmd = command;
  }
  [[nodiscard]] Head* head() noexcept { return reinterpret_cast<Head*>(words_.data()); }
  [[nodiscard]] Head* operator->() noexcept { return head(); }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace valinor::nic
