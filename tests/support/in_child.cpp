#include "support/in_child.hpp"

#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

namespace valinor::test {

std::string in_child(const std::function<std::string()>& attempt) {
  int ends[2];
  if (::pipe(ends) != 0) throw_errno("make a pipe");
  const UniqueFd reading{ends[0]};
  UniqueFd writing{ends[1]};
  const pid_t child = ::fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) {
    std::string answer;
    try {
      answer = attempt();
    } catch (const Failure& failure) {
      answer = failure.finding().code;
    } catch (const std::exception& other) {
      answer = other.what();
    }
    [[maybe_unused]] const auto written = ::write(writing.get(), answer.data(), answer.size());
    ::_exit(0);
  }
  writing.reset();
  std::string answer(4096, '\0');
  const auto bytes = ::read(reading.get(), answer.data(), answer.size());
  answer.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    answer += "killed by SIG" + std::string{::sigabbrev_np(WTERMSIG(status))};
  }
  return answer;
}

void keep_only(Capabilities kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (const int capability : kept) {
    auto& word = data[static_cast<std::size_t>(capability) / 32];
    word.effective |= 1U << (capability % 32);
    word.permitted = word.effective;
  }
  if (::syscall(SYS_capset, &header, data) != 0) throw_errno("drop capabilities");
}

}  // namespace valinor::test
