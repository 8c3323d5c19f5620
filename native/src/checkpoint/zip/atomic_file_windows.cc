// AtomicFile's system calls on Windows. That the temporary file is open says that the saver lives:
// Windows then refuses to delete it, and lets it go with the process, however that ends.
#ifdef _WIN32
#include <algorithm>

#include "checkpoint/zip/atomic_file.h"
#include "cooper4j/checkpoint.h"
#include "windows_api.h"

namespace cooper4j {
namespace {

constexpr size_t kAtOnce = size_t{1} << 30;

/// FILE_RENAME_INFO with the flags of FileRenameInfoEx; older headers have neither.
struct RenameInfo {
  DWORD flags;
  HANDLE root;
  DWORD name_bytes;
  wchar_t name[1];
};
constexpr auto kFileRenameInfoEx = static_cast<FILE_INFO_BY_HANDLE_CLASS>(22);
constexpr DWORD kReplaceIfExists = 1;
constexpr DWORD kPosixSemantics = 2;

bool rename_open_file(HANDLE file, const std::filesystem::path& target,
                      FILE_INFO_BY_HANDLE_CLASS kind, DWORD flags) {
  const std::wstring name = std::filesystem::absolute(target).wstring();
  const size_t name_bytes = name.size() * sizeof(wchar_t);
  std::string memory(sizeof(RenameInfo) + name_bytes, '\0');
  auto* const info = reinterpret_cast<RenameInfo*>(memory.data());
  info->flags = flags;
  info->name_bytes = static_cast<DWORD>(name_bytes);
  std::copy(name.begin(), name.end(), info->name);
  return SetFileInformationByHandle(file, kind, info, static_cast<DWORD>(memory.size())) != 0;
}

/// Replaces a file that others read meanwhile, too, as rename() does elsewhere; but not before Windows
/// 10 1809, nor on file systems other than NTFS. There whoever else replaces the file, or looks it
/// over for viruses, holds it for a moment. The file stays open, so that nobody takes it for stale.
bool rename_over(HANDLE file, const std::filesystem::path& target) {
  if (rename_open_file(file, target, kFileRenameInfoEx, kReplaceIfExists | kPosixSemantics))
    return true;
  for (int tries = 50; tries > 0; --tries) {
    if (rename_open_file(file, target, FileRenameInfo, kReplaceIfExists)) return true;
    const DWORD error = GetLastError();
    if (error != ERROR_ACCESS_DENIED && error != ERROR_SHARING_VIOLATION) return false;
    Sleep(10);
    SetLastError(error);
  }
  return false;
}

}  // namespace

bool AtomicFile::try_open() {
  temporary_ = temporary_name();
  handle_ = CreateFileW(temporary_.c_str(), GENERIC_WRITE | DELETE, 0, nullptr, CREATE_NEW,
                        FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle_ != INVALID_HANDLE_VALUE) return true;
  if (GetLastError() == ERROR_FILE_EXISTS) return false;
  fail("cannot create a file in " + folder_.u8string());
}

void AtomicFile::remove_if_stale(const std::filesystem::path& file) { DeleteFileW(file.c_str()); }

AtomicFile::~AtomicFile() {
  if (handle_ == nullptr) return;
  CloseHandle(handle_);
  DeleteFileW(temporary_.c_str());
}

void AtomicFile::fail(const std::string& what) const {
  const std::string reason = last_error();
  throw CheckpointError(target_.u8string() + ": " + what + ": " + reason + "; nothing was changed");
}

void AtomicFile::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    DWORD written = 0;
    const auto count = static_cast<DWORD>(std::min(bytes.size(), kAtOnce));
    if (!WriteFile(handle_, bytes.data(), count, &written, nullptr)) fail("cannot be written");
    bytes.remove_prefix(written);
  }
}

void AtomicFile::commit() {
  write_out(buffer_);
  if (!FlushFileBuffers(handle_)) fail("cannot be synced");
  if (!rename_over(handle_, target_)) fail("cannot be renamed into place");
  FlushFileBuffers(handle_);  // some file systems refuse; the rename stands
  CloseHandle(handle_);
  handle_ = nullptr;
}

}  // namespace cooper4j
#endif
