// A document's tree, for programs and for people.
#pragma once

#include <cstdint>
#include <string>

#include "cooper4j/document.h"

namespace cooper4j {

/// The tree of `inspect --json`.
std::string json_tree(const Document& document);

/// Indented lines, each with its name, type, shape and what is small.
std::string text_tree(const Document& document);

/// "1.5 MB"
std::string format_bytes(uint64_t bytes);

}  // namespace cooper4j
