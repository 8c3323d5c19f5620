// Symbols are hidden by default; what a C++ user may call carries COOPER4J_EXPORT.
#pragma once

#define COOPER4J_EXPORT __attribute__((visibility("default")))
