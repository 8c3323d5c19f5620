# -DCOOPER4J_SANITIZE=address,undefined checks memory and undefined behaviour at run time. LibTorch
# itself is not instrumented; what crosses its boundary is checked on this side only.
set(COOPER4J_SANITIZE "" CACHE STRING "Sanitizers for everything built here, as -fsanitize= takes them")
if(COOPER4J_SANITIZE)
  add_compile_options(-fsanitize=${COOPER4J_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${COOPER4J_SANITIZE})
endif()
