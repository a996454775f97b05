/// Batches that wait on disk for their store: a queue in one file of bounded size.
///
///   append() ----> [ head ... settled | read, not settled | not read ... tail ] --read_next()-->
///                                                                             <--settle()------
///
/// The file is written in a circle; what is settled is given back to the disk. It outlives the
/// process: batches that were appended and not settled are there for the next one, also after a
/// crash, and are marked maybe_stored, since their store may have had them. After a power cut, what
/// the kernel had not written yet ends the queue: each block has a checksum and a number of its
/// own.
///
///   header (4 KiB)   who the records are for
///   position (4 KiB) where the head is, twice, so that a torn write leaves the other one
///   blocks           a BlockHeader and the rows of a batch, 8-byte aligned, never split at the end
///
/// All is opened at the start: afterwards no file is created, renamed or removed. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "exporter/record_store.hpp"

namespace valinor::exporter {

/// Whose records these are: rows are in the form of one store, for one key.
struct SpillOwner {
  std::string store;  // RecordStore::name()
  std::uint32_t key = 0;
  friend bool operator==(const SpillOwner&, const SpillOwner&) = default;
};

class SpillFile {
 public:
  /// Room for blocks that a new file has at least; what is asked for below that is raised.
  static constexpr std::uint64_t kSmallest = std::uint64_t{64} << 10;

  /// A new file, or one that was emptied and is used again, for `owner`; holds `max_bytes` of
  /// blocks. Errors: those of open(2), EWOULDBLOCK (another process has it).
  [[nodiscard]] static Result<SpillFile> create(const std::filesystem::path& path,
                                                const SpillOwner& owner, std::uint64_t max_bytes);

  /// A file that an earlier process left. Errors: as above, EBADMSG (not such a file).
  [[nodiscard]] static Result<SpillFile> open(const std::filesystem::path& path);

  [[nodiscard]] const SpillOwner& owner() const noexcept { return owner_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  /// Puts a batch behind all others. ENOSPC: the file is full, or the disk. After an error nothing
  /// of the batch is there.
  [[nodiscard]] Result<void> append(const Batch& batch);

  [[nodiscard]] bool has_unread() const noexcept { return read_at_ != tail_; }

  /// The oldest batch that was not read; its `spilled` names it. Only if has_unread(). After an
  /// error (EIO, or EBADMSG: not what was written) what is left unread is given up: records() no
  /// longer counts it.
  [[nodiscard]] Result<Batch> read_next();

  /// The batch read under this name is about to be sent under `id`, which it has from now on, for
  /// the next process too. Where it cannot be written, that one may store the batch twice.
  void note_id(std::uint64_t spilled, BatchId id);

  /// The batch read under this name is stored, or lost: it need not be kept any more.
  void settle(std::uint64_t spilled);

  /// Records that are not settled, and bytes that they take.
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return tail_ - head_; }
  [[nodiscard]] std::uint64_t max_bytes() const noexcept { return capacity_; }

 private:
  struct Read {
    std::uint64_t name;   // its block's number, and 1
    std::uint64_t place;  // of its header in the file
    std::uint64_t end;    // offset behind it
    std::uint64_t records;
    bool settled = false;
  };
  struct Block;

  SpillFile(UniqueFd fd, std::filesystem::path path) : fd_{std::move(fd)}, path_{std::move(path)} {}

  [[nodiscard]] static Result<UniqueFd> lock(const std::filesystem::path& path, bool is_new);
  [[nodiscard]] Result<void> write_header();
  [[nodiscard]] Result<void> read_header();
  void read_position();
  void write_position();
  void find_tail();
  [[nodiscard]] Result<Block> read_block(std::uint64_t at, std::uint64_t number) const;
  void give_up_unread();
  void free_disk();

  UniqueFd fd_;
  std::filesystem::path path_;
  SpillOwner owner_;
  std::uint64_t capacity_ = 0;
  // Offsets count on over all rounds; the place in the file is the offset modulo capacity_.
  std::uint64_t head_ = 0, read_at_ = 0, tail_ = 0;
  std::uint64_t head_number_ = 0, read_number_ = 0, tail_number_ = 0;  // of the blocks there
  std::uint64_t left_behind_ = 0;  // batches with names up to this one: another process's
  std::uint64_t freed_ = 0;        // offset up to which the disk has its space back
  std::uint64_t generation_ = 0;   // of the position on disk
  std::uint64_t records_ = 0;
  std::deque<Read> reads_;
};

}  // namespace valinor::exporter
