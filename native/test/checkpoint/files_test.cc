// Files as the system gives them: replaced whole or not at all, whatever their names.
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "checkpoint/zip/atomic_file.h"
#include "checkpoint/zip/byte_source.h"
#include "cooper4j/checkpoint.h"
#include "cooper4j/command.h"

namespace fs = std::filesystem;
using cooper4j::AtomicFile;
using cooper4j::FileSource;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fs::u8path("cooper4j λ 😀 files");
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  size_t count() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
};

void save(const fs::path& target, const std::string& text) {
  AtomicFile file(target);
  static_cast<cooper4j::ByteSink&>(file).write(text);
  file.commit();
}

std::string load(const fs::path& path) {
  const FileSource file(path);
  return file.read_string(0, file.size());
}

TEST(a_file_of_any_name_is_saved_replaced_and_loaded) {
  const Folder folder;
  std::string long_name;
  for (int i = 0; i < 27; ++i) long_name += "→λ😀";  // 243 bytes, cut within a character
  for (const std::string& name : {std::string("plain"), std::string("∂L 日本.pt"), long_name}) {
    const fs::path path = folder.path / fs::u8path(name);
    save(path, "one");
    save(path, "two, longer");
    CHECK(load(path) == "two, longer");
  }
  CHECK(folder.count() == 3);
}

TEST(what_is_not_committed_leaves_the_old_file_and_no_litter) {
  const Folder folder;
  const fs::path path = folder.path / "file.pt";
  save(path, "old");
  {
    AtomicFile file(path);
    static_cast<cooper4j::ByteSink&>(file).write(std::string(100000, 'x'));
    CHECK(folder.count() == 2);
  }
  CHECK(load(path) == "old");
  CHECK(folder.count() == 1);
}

TEST(litter_of_a_saver_that_died_goes_and_a_living_savers_file_stays) {
  const Folder folder;
  const fs::path path = folder.path / fs::u8path("λ.pt");
  std::ofstream(folder.path / fs::u8path(".λ.pt.123.cooper4j-tmp")) << "litter";
  std::ofstream(folder.path / fs::u8path(".μ.pt.123.cooper4j-tmp")) << "another file's";
  AtomicFile living(path);
  save(path, "second");
  CHECK(folder.count() == 3);  // the other's litter, the living saver's file, the target
  static_cast<cooper4j::ByteSink&>(living).write("first");
  living.commit();
  CHECK(load(path) == "first");
  CHECK(folder.count() == 2);
}

TEST(a_reader_keeps_what_it_opened_while_the_file_is_replaced) {
  const Folder folder;
  const fs::path path = folder.path / "file.pt";
  save(path, "old");
  const FileSource reader(path);
  try {
    save(path, "new");
    CHECK(load(path) == "new");
  } catch (const cooper4j::CheckpointError& e) {
#if defined(_WIN32)  // before 1809, or not on NTFS
    CHECK(std::string(e.what()).find("; nothing was changed") != std::string::npos);
    CHECK(load(path) == "old");
#else
    throw;
#endif
  }
  CHECK(reader.read_string(0, 3) == "old");
  CHECK(folder.count() == 1);
}

TEST(folders_and_absent_files_are_named) {
  const Folder folder;
  CHECK_THROWS(FileSource(folder.path), "is a folder");
  CHECK_THROWS(FileSource(folder.path / "absent"), "cannot be opened");
  CHECK_THROWS(AtomicFile(folder.path), "is not a regular file");
  CHECK_THROWS(AtomicFile(folder.path / "no" / "x"), "cannot create a file in");
}

TEST(threads_that_save_one_file_leave_one_of_theirs) {
  const Folder folder;
  const fs::path path = folder.path / "file.pt";
  std::vector<std::thread> threads;
  for (char c = 'a'; c < 'e'; ++c) {
    threads.emplace_back([&path, c] {
      for (int i = 0; i < 5; ++i) save(path, std::string(70000, c));
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = load(path);
  CHECK(text == std::string(70000, text[0]));
  CHECK(folder.count() == 1);
}

}  // namespace

CHECK_MAIN()
