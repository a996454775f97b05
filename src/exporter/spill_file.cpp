#include "exporter/spill_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

#include "base/file_io.hpp"
#include "exporter/crc32c.hpp"

namespace valinor::exporter {
namespace {

// Numbers in the file are the host's: it stays on this machine.
constexpr std::uint64_t kMagic = 0x324c4c4950535641;  // "AVSPILL2"
constexpr std::uint32_t kBlockMagic = 0x4b4c4256;     // "VBLK"
constexpr std::uint64_t kPositionAt = 4096;
constexpr std::uint64_t kPositionEvery = 512;  // a disk's sector: one torn write, one position
constexpr std::uint64_t kBlocksAt = 8192;

/// Space is given back to the disk in pieces of this size, and when the queue is empty.
constexpr std::uint64_t kFreeEvery = std::uint64_t{16} << 20;

constexpr std::uint32_t kMaybeStored = 1;  // BlockHeader::flags
constexpr std::uint32_t kSkip = 2;         // nothing here: the next block is at the file's start

struct Header {
  std::uint64_t magic = kMagic;
  std::uint64_t capacity = 0;
  std::uint32_t key = 0;
  std::uint32_t store_bytes = 0;
  std::array<char, 1000> store{};
};
static_assert(sizeof(Header) == 1024);

struct Position {
  std::uint64_t generation = 0;
  std::uint64_t head = 0;
  std::uint64_t number = 0;  // of the block at the head
  std::uint32_t reserved = 0;
  std::uint32_t checksum = 0;  // of what is before it
};

/// Written again when the batch is sent. A write that is torn leaves a wrong checksum, which means
/// that it was not sent.
struct SentId {
  BatchId id{};
  std::uint32_t checksum = 0;  // of `id`, starting with the block's number
  std::uint32_t reserved = 0;
};

struct BlockHeader {
  std::uint32_t magic = kBlockMagic;
  std::uint32_t checksum = 0;  // of what follows, rows included, `sent` not
  std::uint64_t number = 0;
  std::uint32_t bytes = 0;  // of rows
  std::uint32_t records = 0;
  std::uint32_t flags = 0;
  std::uint32_t reserved = 0;
  SentId sent{};
};
static_assert(sizeof(BlockHeader) == 56);

/// CRC32C over whole words; the last one is filled up with zeros.
std::uint32_t checksum(std::uint32_t crc, std::span<const std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    crc = crc32c::add(crc, word);
  }
  return crc;
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span{&value, 1});
}

std::uint32_t checksum(const BlockHeader& header, std::span<const std::byte> rows) {
  constexpr std::size_t kFrom = offsetof(BlockHeader, number);
  constexpr std::size_t kTo = offsetof(BlockHeader, sent);
  return checksum(checksum(~0U, bytes_of(header).subspan(kFrom, kTo - kFrom)), rows);
}

std::uint32_t checksum(const Position& position) {
  return checksum(~0U, bytes_of(position).first(offsetof(Position, checksum)));
}

SentId make_sent_id(std::uint64_t number, BatchId id) {
  return {.id = id, .checksum = checksum(static_cast<std::uint32_t>(number), bytes_of(id))};
}

BatchId read_sent_id(const BlockHeader& header) {
  const SentId sound = make_sent_id(header.number, header.sent.id);
  return header.sent.checksum == sound.checksum ? header.sent.id : BatchId{};
}

constexpr std::uint64_t aligned(std::uint64_t bytes) { return (bytes + 7) & ~std::uint64_t{7}; }

template <class T>
int read_value(int fd, T& value, std::uint64_t at) {
  return read_at(fd, std::as_writable_bytes(std::span{&value, 1}), at);
}

}  // namespace

struct SpillFile::Block {
  BlockHeader header;
  std::vector<std::byte> rows;
  std::uint64_t place = 0;  // in the file
  std::uint64_t end = 0;    // offset behind it, and behind the rest of the round that it leaves out
};

Result<UniqueFd> SpillFile::lock(const std::filesystem::path& path, bool is_new) {
  constexpr mode_t kMode = 0600;
  UniqueFd fd{::open(path.c_str(), O_RDWR | O_CLOEXEC | (is_new ? O_CREAT : 0), kMode)};
  if (!fd) return fail_errno(errno, "open " + path.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return fail_errno(errno, "lock " + path.string());
  return fd;
}

Result<SpillFile> SpillFile::create(const std::filesystem::path& path, const SpillOwner& owner,
                                    std::uint64_t max_bytes) {
  auto fd = lock(path, true);
  if (!fd) return tl::unexpected{fd.error()};
  SpillFile file{std::move(*fd), path};
  file.owner_ = owner;
  file.capacity_ = std::max(max_bytes & ~std::uint64_t{4095}, kSmallest);
  if (::ftruncate(file.fd_.get(), 0) != 0) return fail_errno(errno, "empty " + path.string());
  if (const auto written = file.write_header(); !written) return tl::unexpected{written.error()};
  file.write_position();
  return file;
}

Result<SpillFile> SpillFile::open(const std::filesystem::path& path) {
  auto fd = lock(path, false);
  if (!fd) return tl::unexpected{fd.error()};
  SpillFile file{std::move(*fd), path};
  if (const auto read = file.read_header(); !read) return tl::unexpected{read.error()};
  file.read_position();
  file.find_tail();
  file.left_behind_ = file.tail_number_;
  return file;
}

Result<void> SpillFile::write_header() {
  Header header;
  header.capacity = capacity_;
  header.key = owner_.key;
  if (owner_.store.size() > header.store.size()) {
    return fail_errno(ENAMETOOLONG, "note the store's name in " + path_.string());
  }
  header.store_bytes = static_cast<std::uint32_t>(owner_.store.size());
  std::copy(owner_.store.begin(), owner_.store.end(), header.store.begin());
  const int error = write_at(fd_.get(), bytes_of(header), 0);
  if (error != 0) return fail_errno(error, "write " + path_.string());
  return {};
}

Result<void> SpillFile::read_header() {
  Header header;
  const int error = read_value(fd_.get(), header, 0);
  const bool is_ours = error == 0 && header.magic == kMagic && header.capacity >= kSmallest &&
                       header.capacity % 4096 == 0 && header.store_bytes <= header.store.size();
  if (!is_ours) return fail_errno(EBADMSG, "read " + path_.string());
  capacity_ = header.capacity;
  owner_ = {std::string{header.store.data(), header.store_bytes}, header.key};
  return {};
}

/// The newer of the two that are whole; none: the beginning.
void SpillFile::read_position() {
  for (const std::uint64_t slot : {0U, 1U}) {
    Position found;
    if (read_value(fd_.get(), found, kPositionAt + slot * kPositionEvery) != 0) continue;
    if (found.checksum != checksum(found) || found.generation < generation_) continue;
    generation_ = found.generation;
    head_ = found.head;
    head_number_ = found.number;
  }
  read_at_ = tail_ = freed_ = head_;
  read_number_ = tail_number_ = head_number_;
}

/// Where it cannot be written, the next process has some batches twice: they are maybe_stored.
void SpillFile::write_position() {
  Position position{.generation = ++generation_, .head = head_, .number = head_number_};
  position.checksum = checksum(position);
  (void)write_at(fd_.get(), bytes_of(position), kPositionAt + generation_ % 2 * kPositionEvery);
}

void SpillFile::find_tail() {
  while (tail_ - head_ < capacity_) {
    const auto block = read_block(tail_, tail_number_);
    if (!block) return;
    records_ += block->header.records;
    tail_ = block->end;
    ++tail_number_;
  }
}

/// The block at an offset, or behind the end of the round there.
Result<SpillFile::Block> SpillFile::read_block(std::uint64_t at, std::uint64_t number) const {
  for (int round = 0; round < 2; ++round) {
    const std::uint64_t place = at % capacity_;
    const std::uint64_t room = capacity_ - place;
    Block block;
    if (room >= sizeof block.header) {
      if (const int error = read_value(fd_.get(), block.header, kBlocksAt + place); error != 0) {
        return fail_errno(error, "read " + path_.string());
      }
      const BlockHeader& header = block.header;
      const bool is_sound = header.magic == kBlockMagic && header.number == number &&
                            header.bytes <= room - sizeof header;
      if (!is_sound) return fail_errno(EBADMSG, "read " + path_.string());
      block.rows.resize(header.bytes);
      const int error = read_at(fd_.get(), block.rows, kBlocksAt + place + sizeof header);
      if (error != 0) return fail_errno(error, "read " + path_.string());
      if (checksum(header, block.rows) != header.checksum) {
        return fail_errno(EBADMSG, "read " + path_.string());
      }
      if ((header.flags & kSkip) == 0) {
        block.place = kBlocksAt + place;
        block.end = at + aligned(sizeof header + header.bytes);
        return block;
      }
    }
    at += room;
  }
  return fail_errno(EBADMSG, "read " + path_.string());
}

Result<void> SpillFile::append(const Batch& batch) {
  const std::uint64_t needed = aligned(sizeof(BlockHeader) + batch.rows.size());
  const std::uint64_t place = tail_ % capacity_;
  const std::uint64_t room = capacity_ - place;
  const std::uint64_t skipped = needed <= room ? 0 : room;
  const std::string doing = "write " + path_.string();
  if (tail_ - head_ + skipped + needed > capacity_) return fail_errno(ENOSPC, doing);
  if (skipped >= sizeof(BlockHeader)) {
    BlockHeader skip{.number = tail_number_, .flags = kSkip};
    skip.checksum = checksum(skip, {});
    if (const int error = write_at(fd_.get(), bytes_of(skip), kBlocksAt + place); error != 0) {
      return fail_errno(error, doing);
    }
  }
  const std::uint64_t at = kBlocksAt + (tail_ + skipped) % capacity_;
  BlockHeader header{.number = tail_number_,
                     .bytes = static_cast<std::uint32_t>(batch.rows.size()),
                     .records = static_cast<std::uint32_t>(batch.records),
                     .flags = batch.maybe_stored ? kMaybeStored : 0,
                     .sent = make_sent_id(tail_number_, batch.id)};
  header.checksum = checksum(header, batch.rows);
  // Rows first: a header without its rows must not be found.
  int error = write_at(fd_.get(), batch.rows, at + sizeof header);
  if (error == 0) error = write_at(fd_.get(), bytes_of(header), at);
  if (error != 0) return fail_errno(error, doing);
  tail_ += skipped + needed;
  ++tail_number_;
  records_ += batch.records;
  return {};
}

Result<Batch> SpillFile::read_next() {
  auto block = read_block(read_at_, read_number_);
  if (!block) {
    give_up_unread();
    return tl::unexpected{block.error()};
  }
  reads_.push_back({.name = ++read_number_,
                    .place = block->place,
                    .end = block->end,
                    .records = block->header.records});
  read_at_ = block->end;
  Batch batch{
      .rows = std::move(block->rows),
      .records = block->header.records,
      .maybe_stored = (block->header.flags & kMaybeStored) != 0 || read_number_ <= left_behind_};
  batch.spilled = read_number_;
  batch.id = read_sent_id(block->header);
  return batch;
}

void SpillFile::note_id(std::uint64_t spilled, BatchId id) {
  const auto found = std::ranges::find(reads_, spilled, &Read::name);
  if (found == reads_.end()) return;
  const SentId sent = make_sent_id(found->name - 1, id);
  (void)write_at(fd_.get(), bytes_of(sent), found->place + offsetof(BlockHeader, sent));
}

void SpillFile::give_up_unread() {
  records_ = 0;
  for (const Read& read : reads_) records_ += read.settled ? 0 : read.records;
  read_at_ = tail_;
  read_number_ = tail_number_;
  if (!reads_.empty()) return;
  head_ = tail_;
  head_number_ = tail_number_;
  write_position();
}

void SpillFile::settle(std::uint64_t spilled) {
  const auto found = std::ranges::find(reads_, spilled, &Read::name);
  if (found == reads_.end() || found->settled) return;
  found->settled = true;
  records_ -= found->records;
  if (found != reads_.begin()) return;
  while (!reads_.empty() && reads_.front().settled) {
    head_ = reads_.front().end;
    head_number_ = reads_.front().name;
    reads_.pop_front();
  }
  if (reads_.empty()) {  // what was given up behind them goes as well
    head_ = read_at_;
    head_number_ = read_number_;
  }
  write_position();
  free_disk();
}

/// A file system that cannot do so keeps what it has: it is bounded all the same.
void SpillFile::free_disk() {
  if (head_ != tail_ && head_ - freed_ < kFreeEvery) return;
  // What the tail has written over since is in use again.
  const std::uint64_t unused = std::max(freed_, tail_ > capacity_ ? tail_ - capacity_ : 0);
  const std::uint64_t bytes = head_ - std::min(unused, head_);
  const std::uint64_t from = unused % capacity_;
  const std::uint64_t first = std::min(bytes, capacity_ - from);
  const auto free_piece = [&](std::uint64_t at, std::uint64_t length) {
    if (length == 0) return;
    (void)::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      static_cast<off_t>(kBlocksAt + at), static_cast<off_t>(length));
  };
  free_piece(from, first);
  free_piece(0, bytes - first);
  freed_ = head_;
}

}  // namespace valinor::exporter
