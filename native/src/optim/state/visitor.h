// What a layout may say about a value of a state dict, and the class path of its one enum.
#pragma once

namespace cooper4j::optim {

enum class Zero { kFloat, kInt };  ///< how Python's default writes 0
enum class Need { kOptional, kRequired };

inline Need needed_if(bool condition) { return condition ? Need::kRequired : Need::kOptional; }

inline constexpr const char* kNuPIInitTypeClass =
    "cooper.optim.torch_optimizers.nupi_optimizer.nuPIInitType";

}  // namespace cooper4j::optim
