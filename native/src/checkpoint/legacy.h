// The format of torch.save before 1.6, and with _use_new_zipfile_serialization=False: five pickles
// (a magic number, a version, the system, the object, its storages' keys), then each storage as its
// count of elements and its bytes. The tar files of before 0.1.10 are not read.
#pragma once

#include "checkpoint/zip/byte_source.h"
#include "cooper4j/checkpoint.h"

namespace cooper4j {

Document load_legacy(const ByteSource& source, const LoadOptions& options);

}  // namespace cooper4j
