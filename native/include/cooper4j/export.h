// Symbols are hidden by default; what a C++ user may call carries COOPER4J_EXPORT.
#pragma once

#if defined(_WIN32)
#define COOPER4J_EXPORT  // the library is a static one, and Windows hides what no .dll exports
#else
#define COOPER4J_EXPORT __attribute__((visibility("default")))
#endif
