// A document's tree, for programs and for people.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "cooper4j/document.h"

namespace cooper4j {

/// The tree of `inspect --json`; without a stream only counts what it would write. Throws
/// CheckpointError where that is more than the document's file may cost.
void json_tree(const Document& document, std::ostream* out);

/// Indented lines, each with its name, type, shape and what is small. As above.
void text_tree(const Document& document, std::ostream* out);

/// "1.5 MB"
std::string format_bytes(uint64_t bytes);

}  // namespace cooper4j
