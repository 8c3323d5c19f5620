#include <iostream>

#include "cooper4j/command.h"

int main(int argc, char** argv) {
  return cooper4j::run_command({argv + 1, argv + argc}, std::cout, std::cerr);
}
