#include "base/unreadable.hpp"

#include <cerrno>
#include <filesystem>

namespace valinor {

std::string advise_on_unreadable(const std::string& path, int error) {
  if (error == EISDIR) return "ls -l '" + path + "'    shows the files in it";
  if (error != ENOENT) return "ls -ld '" + path + "'    shows what it is, and who may read it";
  const std::string folder = std::filesystem::path{path}.parent_path();
  return "ls -l '" + (folder.empty() ? "." : folder) + "'    shows what is there";
}

}  // namespace valinor
