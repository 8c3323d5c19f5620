# Defines the target cooper4j_libtorch: LibTorch's headers and libraries.
#
#   Torch_DIR or CMAKE_PREFIX_PATH   an installed LibTorch, or Python's torch of the same version; else
#   COOPER4J_LIBTORCH_LIB            the folder of JavaCPP's libtorch_cpu.so (Maven passes it), with
#   COOPER4J_LIBTORCH_INCLUDE        its headers; by default fetched once from PyPI, see below.

set(COOPER4J_TORCH_VERSION 2.10.0)
set(COOPER4J_LIBTORCH_LIB "" CACHE PATH "Folder of libtorch_cpu.so and libc10.so")
set(COOPER4J_LIBTORCH_INCLUDE "" CACHE PATH "LibTorch's include folder")

# No JavaCPP jar holds LibTorch's headers. The smallest file that does is this wheel; where its headers
# differ from Linux's (ATen/Config.h, caffe2/core/macros.h, generated *_native.h) nothing here uses them.
set(wheel torch-2.10.0-2-cp311-none-macosx_11_0_arm64.whl)
set(wheel_sha256 418997cb02d0a0f1497cf6a09f63166f9f5df9f3e16c8a716ab76a72127c714f)

function(cooper4j_fetch_headers result)
  if(DEFINED ENV{COOPER4J_CACHE})
    set(cache $ENV{COOPER4J_CACHE})
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(cache $ENV{XDG_CACHE_HOME}/cooper4j)
  else()
    set(cache $ENV{HOME}/.cache/cooper4j)
  endif()
  string(SUBSTRING ${wheel_sha256} 0 12 digest)
  set(home ${cache}/libtorch-headers-${COOPER4J_TORCH_VERSION}-${digest})
  set(${result} ${home}/torch/include PARENT_SCOPE)
  if(EXISTS ${home}/torch/include/ATen/ATen.h)
    return()
  endif()

  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  string(RANDOM LENGTH 8 suffix)
  set(work ${home}.${suffix})
  message(STATUS "cooper4j: fetching LibTorch ${COOPER4J_TORCH_VERSION}'s headers (79 MB, once) into ${home}")
  execute_process(
    COMMAND ${Python3_EXECUTABLE} -m pip download torch==${COOPER4J_TORCH_VERSION} --quiet --no-deps
            --only-binary=:all: --platform macosx_11_0_arm64 --python-version 3.11 --dest ${work}
    RESULT_VARIABLE failed)
  if(failed OR NOT EXISTS ${work}/${wheel})
    file(REMOVE_RECURSE ${work})
    message(FATAL_ERROR "cooper4j: pip could not download ${wheel}. Check the network, or name an "
                        "installed LibTorch ${COOPER4J_TORCH_VERSION} with -DTorch_DIR=…/share/cmake/Torch")
  endif()
  file(SHA256 ${work}/${wheel} found)
  if(NOT found STREQUAL wheel_sha256)
    file(REMOVE_RECURSE ${work})
    message(FATAL_ERROR "cooper4j: ${wheel} has sha256 ${found}, expected ${wheel_sha256}; not used")
  endif()
  file(ARCHIVE_EXTRACT INPUT ${work}/${wheel} DESTINATION ${work} PATTERNS "torch/include/*")
  file(REMOVE ${work}/${wheel})
  # Another build may have finished first; either copy is the same.
  file(RENAME ${work} ${home} RESULT lost_race)
  if(lost_race)
    file(REMOVE_RECURSE ${work})
  endif()
endfunction()

add_library(cooper4j_libtorch INTERFACE)

if(COOPER4J_LIBTORCH_LIB)
  if(NOT EXISTS ${COOPER4J_LIBTORCH_LIB}/libtorch_cpu.so)
    message(FATAL_ERROR "cooper4j: no libtorch_cpu.so in COOPER4J_LIBTORCH_LIB=${COOPER4J_LIBTORCH_LIB}")
  endif()
  set(include ${COOPER4J_LIBTORCH_INCLUDE})
  if(NOT include)
    cooper4j_fetch_headers(include)
  endif()
  # Fixed names for Maven's binding step, which compiles outside CMake: the headers, and the option
  # that keeps their folder out of the binary.
  file(CREATE_LINK ${include} ${PROJECT_BINARY_DIR}/libtorch-include SYMBOLIC)
  file(REAL_PATH ${include} real_include) # JavaCPP resolves links
  file(WRITE ${PROJECT_BINARY_DIR}/libtorch-options "-ffile-prefix-map=${real_include}=libtorch\n")
  target_include_directories(cooper4j_libtorch SYSTEM INTERFACE
    $<BUILD_INTERFACE:${include}> $<BUILD_INTERFACE:${include}/torch/csrc/api/include>)
  target_compile_options(cooper4j_libtorch INTERFACE
    $<BUILD_INTERFACE:-ffile-prefix-map=${include}=libtorch>)
  target_link_libraries(cooper4j_libtorch INTERFACE
    ${COOPER4J_LIBTORCH_LIB}/libtorch_cpu.so ${COOPER4J_LIBTORCH_LIB}/libc10.so)
  # libtorch_cpu.so's own needs (OpenBLAS, OpenMP) lie beside it.
  target_link_options(cooper4j_libtorch INTERFACE
    -Wl,-rpath,${COOPER4J_LIBTORCH_LIB} -Wl,-rpath-link,${COOPER4J_LIBTORCH_LIB} -Wl,--disable-new-dtags)
else()
  find_package(Torch QUIET)
  if(NOT Torch_FOUND)
    message(FATAL_ERROR "cooper4j: no LibTorch. Either run `mvn -q generate-resources` and configure with "
      "-DCOOPER4J_LIBTORCH_LIB=target/libtorch (JavaCPP's copy), or name an installed LibTorch "
      "${COOPER4J_TORCH_VERSION} with -DTorch_DIR=…/share/cmake/Torch (Python's torch has one: "
      "python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')")
  endif()
  if(NOT Torch_VERSION VERSION_EQUAL COOPER4J_TORCH_VERSION)
    message(WARNING "cooper4j is tested with LibTorch ${COOPER4J_TORCH_VERSION}, found ${Torch_VERSION}")
  endif()
  target_link_libraries(cooper4j_libtorch INTERFACE ${TORCH_LIBRARIES})
endif()
