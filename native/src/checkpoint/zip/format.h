// The parts of PKWARE's APPNOTE.TXT that torch.save uses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cooper4j::zip {

inline constexpr uint32_t kLocalSignature = 0x04034b50;
inline constexpr uint32_t kCentralSignature = 0x02014b50;
inline constexpr uint32_t kDescriptorSignature = 0x08074b50;
inline constexpr uint32_t kEndSignature = 0x06054b50;
inline constexpr uint32_t kEnd64Signature = 0x06064b50;
inline constexpr uint32_t kLocator64Signature = 0x07064b50;

inline constexpr size_t kLocalSize = 30;
inline constexpr size_t kCentralSize = 46;
inline constexpr size_t kEndSize = 22;
inline constexpr size_t kEnd64Size = 56;
inline constexpr size_t kLocator64Size = 20;

inline constexpr uint16_t kHasDescriptor = 0x0008;
inline constexpr uint16_t kUtf8Names = 0x0800;

inline constexpr uint16_t kZip64Extra = 0x0001;
inline constexpr uint16_t kUnicodePathExtra = 0x7075;
inline constexpr uint16_t kPaddingExtra = 0x4246;  // "FB"

inline constexpr uint32_t kInZip64 = 0xFFFFFFFF;
inline constexpr uint16_t kInZip64Short = 0xFFFF;

}  // namespace cooper4j::zip
