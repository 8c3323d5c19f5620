// FileSource on Windows: others may read, replace or delete the file meanwhile, as they may
// elsewhere.
#ifdef _WIN32
#include <algorithm>

#include "checkpoint/zip/byte_source.h"
#include "checkpoint/zip/file_kind.h"
#include "cooper4j/checkpoint.h"
#include "windows_api.h"

namespace cooper4j {

FileSource::FileSource(const std::filesystem::path& path)
    : handle_(CreateFileW(path.c_str(), GENERIC_READ,
                          FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                          OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)) {
  if (handle_ == INVALID_HANDLE_VALUE) {
    const std::string reason = last_error();
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) throw CheckpointError(no_file_kind(path));
    throw CheckpointError("cannot be opened: " + reason);
  }
  LARGE_INTEGER size;
  if (GetFileType(handle_) != FILE_TYPE_DISK || !GetFileSizeEx(handle_, &size)) {
    CloseHandle(handle_);
    throw CheckpointError(no_file_kind(path));
  }
  size_ = static_cast<uint64_t>(size.QuadPart);
}

FileSource::~FileSource() { CloseHandle(handle_); }

void FileSource::fetch(uint64_t offset, char* out, size_t count) const {
  constexpr size_t kAtOnce = size_t{1} << 30;
  while (count > 0) {
    OVERLAPPED at{};
    at.Offset = static_cast<DWORD>(offset);
    at.OffsetHigh = static_cast<DWORD>(offset >> 32);
    DWORD got = 0;
    const bool read =
        ReadFile(handle_, out, static_cast<DWORD>(std::min(count, kAtOnce)), &got, &at);
    if (!read && GetLastError() != ERROR_HANDLE_EOF)
      throw CheckpointError("cannot be read: " + last_error());
    if (got == 0) throw CheckpointError("became shorter while it was read");
    out += got;
    offset += got;
    count -= got;
  }
}

}  // namespace cooper4j
#endif
