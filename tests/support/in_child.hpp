/// Does something in a child of the test, because what it gives up is gone for good.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>

namespace valinor::test {

/// What `attempt` answers in the child, or the code of the Failure that it ends in ("done" is a
/// good answer where there is none); at most 4 KiB. Behind it, where a signal ended the child:
/// "killed by SIGSYS".
[[nodiscard]] std::string in_child(const std::function<std::string()>& attempt);

/// Of linux/capability.h.
using Capabilities = std::initializer_list<int>;

/// The calling process keeps these capabilities and no others.
void keep_only(Capabilities kept);

}  // namespace valinor::test
