#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "base/failure.hpp"
#include "base/file_io.hpp"
#include "base/unique_fd.hpp"
#include "exporter/npy.hpp"
#include "exporter/record_file.hpp"
#include "exporter/record_source.hpp"
#include "exporter/spill_file.hpp"
#include "exporter/spill_folder.hpp"
#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {
namespace {

namespace fs = std::filesystem;

/// One read(2): more than the largest record, of 65,535 hops, has.
constexpr std::size_t kPieceBytes = std::size_t{8} << 20;

[[noreturn]] void refuse_to_read(const std::string& path, int error) {
  throw Failure{ExitStatus::host_not_ready,
                {"EXPORT-READ-01", "cannot read records from " + path, describe_errno(error),
                 error == EWOULDBLOCK ? "end the run that uses it first" : "ls -l " + path}};
}

[[noreturn]] void refuse_kind(const std::string& path) {
  throw Failure{ExitStatus::host_not_ready,
                {"EXPORT-READ-02", path + " holds no records",
                 "it begins as none of the files that a run writes: NAME.npy, NAME.npy.records, "
                 "NAME.spill; or it is of another version or another kind of machine",
                 "head -c 64 " + path + " | xxd"}};
}

/// A file of rows or records behind a header.
class PlainFileSource final : public RecordSource {
 public:
  explicit PlainFileSource(const fs::path& path) : path_{path.string()} {
    fd_ = UniqueFd{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (!fd_ || ::fstat(fd_.get(), &status) != 0) refuse_to_read(path_, errno);
    end_ = static_cast<std::uint64_t>(status.st_size);
    read_header();
  }

  [[nodiscard]] std::string name() const override { return path_; }
  [[nodiscard]] double progress() const override {
    return end_ == 0 ? 1 : static_cast<double>(at_) / static_cast<double>(end_);
  }
  [[nodiscard]] std::string damage() const override { return damage_; }

  [[nodiscard]] bool read_some(const Take& take) override {
    if (at_ >= end_ || !damage_.empty()) return false;
    const std::span<const std::byte> bytes = read_piece();
    const std::size_t taken = is_npy_ ? take_rows(bytes, take) : take_records(bytes, take);
    at_ += taken;
    if (taken != 0 || !damage_.empty()) return taken != 0;
    damage_ = fmt::format("it ends within a record, at byte {}", at_);
    return false;
  }

 private:
  void read_header() {
    const std::span<const std::byte> start = read_piece();
    if (has_record_header(start)) {
      at_ = sizeof(RecordFileHeader);
      return;
    }
    const auto content = parse_npy_header(start);
    if (!content) refuse_kind(path_);
    is_npy_ = true;
    at_ = content->header_bytes;
    const std::uint64_t there = (end_ - at_) / kValinorRowBytes;
    if (there < content->entries) {
      short_by_ =
          fmt::format("its header promises {} records, and it has {}", content->entries, there);
    }
    end_ = at_ + std::min(content->entries, there) * kValinorRowBytes;
    if (at_ == end_) damage_ = short_by_;
  }

  std::span<const std::byte> read_piece() {
    piece_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, end_ - at_)));
    const int error = read_at(fd_.get(), piece_, at_);
    if (error != 0) refuse_to_read(path_, error);
    return piece_;
  }

  std::size_t take_rows(std::span<const std::byte> bytes, const Take& take) {
    const std::size_t rows = bytes.size() / kValinorRowBytes;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto row = bytes.subspan(i * kValinorRowBytes).first<kValinorRowBytes>();
      const telemetry::PacketRecord record = to_record(to_entry(row));
      take({record, {}});
    }
    if (at_ + rows * kValinorRowBytes >= end_) damage_ = short_by_;
    return rows * kValinorRowBytes;
  }

  /// Stops where what follows can be no record.
  std::size_t take_records(std::span<const std::byte> bytes, const Take& take) {
    bool sound = true;
    std::size_t good = 0;
    const std::size_t whole = for_each_record(bytes, [&](const telemetry::RecordView& record) {
      using telemetry::Format;
      sound = sound && record.packet.format >= Format::p4netintel &&
              record.packet.format <= Format::valinor_entry &&
              record.packet.hop_count <= record.packet.hops_claimed;
      if (!sound) return;
      take(record);
      good += sizeof record.packet + record.hops.size_bytes();
    });
    if (good != whole) damage_ = fmt::format("what stands at byte {} is no record", at_ + good);
    return good;
  }

  std::string path_;
  UniqueFd fd_;
  std::uint64_t at_ = 0;
  std::uint64_t end_ = 0;
  bool is_npy_ = false;
  std::vector<std::byte> piece_;
  std::string short_by_;
  std::string damage_;
};

/// Batches that wait on disk. They are read as the next run would, and not settled: they stay.
class SpillSource final : public RecordSource {
 public:
  explicit SpillSource(const std::vector<fs::path>& paths) {
    for (const fs::path& path : paths) {
      Result<SpillFile> file = SpillFile::open(path);
      if (!file) {
        const int error = file.error().code.value();
        if (error == EBADMSG || error == ENODATA) refuse_kind(path.string());
        refuse_to_read(path.string(), error);
      }
      all_ += file->records();
      files_.push_back(std::move(*file));
    }
  }

  [[nodiscard]] std::string name() const override {
    if (files_.size() == 1) return files_.front().path().string();
    return fmt::format("{} files of {}", files_.size(),
                       files_.front().path().parent_path().string());
  }
  [[nodiscard]] double progress() const override {
    return all_ == 0 ? 1 : static_cast<double>(read_) / static_cast<double>(all_);
  }
  [[nodiscard]] std::string damage() const override { return damage_; }

  [[nodiscard]] bool read_some(const Take& take) override {
    for (; next_ < files_.size(); ++next_) {
      SpillFile& file = files_[next_];
      if (!file.has_unread()) continue;
      const Result<Batch> batch = file.read_next();
      if (!batch) {
        damage_ = batch.error().doing + ": " + batch.error().code.message();
        continue;
      }
      read_ += batch->records;
      take_batch(*batch, file.owner(), take);
      return true;
    }
    return false;
  }

 private:
  static void take_batch(const Batch& batch, const SpillOwner& owner, const Take& take) {
    if (owner.store.starts_with("redis stream ")) {
      for_each_record(batch.rows, take);
      return;
    }
    const std::span<const std::byte> rows{batch.rows};
    for (std::size_t at = 0; at + kValinorRowBytes <= rows.size(); at += kValinorRowBytes) {
      const telemetry::PacketRecord record =
          to_record(to_entry(rows.subspan(at).first<kValinorRowBytes>()));
      take({record, {}});
    }
  }

  std::vector<SpillFile> files_;
  std::size_t next_ = 0;
  std::uint64_t all_ = 0;   // records
  std::uint64_t read_ = 0;  // of them
  std::string damage_;
};

}  // namespace

std::unique_ptr<RecordSource> open_spill_source(const std::vector<fs::path>& paths) {
  return std::make_unique<SpillSource>(paths);
}

std::unique_ptr<RecordSource> open_file_source(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    const std::vector<fs::path> spills = find_spills(path);
    if (spills.empty()) refuse_to_read(path.string() + "/*.spill", ENOENT);
    return open_spill_source(spills);
  }
  if (path.extension() == ".spill") return open_spill_source({path});
  return std::make_unique<PlainFileSource>(path);
}

}  // namespace valinor::exporter
