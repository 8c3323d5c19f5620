# The JNI binding, of the sources that JavaCPP's generator wrote. Maven asks for it:
#
#   COOPER4J_BINDING_SOURCES   the folder of jnicooper4j.cpp and jnijavacpp.cpp
#   COOPER4J_BINDING_OUTPUT    where libjnicooper4j.so and libjnicooper4jpreload.so go
#   COOPER4J_JNI_INCLUDE       the folder of jni.h
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_custom_command(
  OUTPUT jnicooper4j.cpp
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/native/cmake/sort_functions.py
          ${COOPER4J_BINDING_SOURCES}/jnicooper4j.cpp jnicooper4j.cpp
  DEPENDS native/cmake/sort_functions.py ${COOPER4J_BINDING_SOURCES}/jnicooper4j.cpp)

add_library(jnicooper4j SHARED
  ${PROJECT_BINARY_DIR}/jnicooper4j.cpp ${COOPER4J_BINDING_SOURCES}/jnijavacpp.cpp)
set_target_properties(jnicooper4j PROPERTIES
  LIBRARY_OUTPUT_DIRECTORY ${COOPER4J_BINDING_OUTPUT}
  # No folder of the build in the binary: LibTorch is loaded before it, and found by name.
  SKIP_BUILD_RPATH ON)
target_include_directories(jnicooper4j PRIVATE native/include native/src native/src/jni)
target_include_directories(jnicooper4j SYSTEM PRIVATE
  $<TARGET_PROPERTY:cooper4j_libtorch,INTERFACE_SYSTEM_INCLUDE_DIRECTORIES>
  ${COOPER4J_JNI_INCLUDE} ${COOPER4J_JNI_INCLUDE}/linux)
target_compile_options(jnicooper4j PRIVATE ${COOPER4J_PREFIX_MAP})
target_link_libraries(jnicooper4j PRIVATE $<TARGET_FILE:cooper4j>
  ${COOPER4J_LIBTORCH_LIB}/libtorch_cpu.so ${COOPER4J_LIBTORCH_LIB}/libc10.so)
add_dependencies(jnicooper4j cooper4j)
target_link_options(jnicooper4j PRIVATE
  -Wl,-rpath-link,${COOPER4J_LIBTORCH_LIB} -Wl,-z,defs -Wl,-s
  -Wl,--version-script=${PROJECT_SOURCE_DIR}/native/cmake/jni.map
  # JavaCPP keeps a function of the binding (memory_watch.h): it is never unmapped.
  -Wl,-z,nodelete)

# Loaded before LibTorch: it needs the C library and nothing else.
add_library(jnicooper4jpreload SHARED native/src/preload/openmp.cc)
set_target_properties(jnicooper4jpreload PROPERTIES
  LIBRARY_OUTPUT_DIRECTORY ${COOPER4J_BINDING_OUTPUT} SKIP_BUILD_RPATH ON)
target_include_directories(jnicooper4jpreload SYSTEM PRIVATE
  ${COOPER4J_JNI_INCLUDE} ${COOPER4J_JNI_INCLUDE}/linux)
target_compile_options(jnicooper4jpreload PRIVATE ${COOPER4J_PREFIX_MAP} -fno-exceptions -fno-rtti)
target_link_options(jnicooper4jpreload PRIVATE
  -Wl,--as-needed -Wl,-z,defs -Wl,-s
  -Wl,--version-script=${PROJECT_SOURCE_DIR}/native/cmake/jni.map)
