# Defines the target cooper4j_libtorch: LibTorch's headers and libraries. Installed, too: what
# find_package(cooper4j) finds looks for LibTorch with it again.
#
#   Torch_DIR or CMAKE_PREFIX_PATH   an official LibTorch, or Python's torch of the same version, which
#                                    has the same folders; with its CUDA libraries if it has any; else
#   COOPER4J_LIBTORCH_LIB            the folder of JavaCPP's libtorch_cpu (Maven passes it), with
#   COOPER4J_LIBTORCH_INCLUDE        its headers; by default fetched once from PyPI, see below.

# pom.xml says which version it is; Maven passes its own, and what is installed remembers it.
if(NOT COOPER4J_TORCH_VERSION)
  file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/../../pom.xml COOPER4J_TORCH_VERSION REGEX "<libtorch.version>")
  string(REGEX REPLACE ".*>([0-9.]+)<.*" "\\1" COOPER4J_TORCH_VERSION "${COOPER4J_TORCH_VERSION}")
endif()
set(COOPER4J_LIBTORCH_LIB "" CACHE PATH "Folder of LibTorch's libraries")
set(COOPER4J_LIBTORCH_INCLUDE "" CACHE PATH "LibTorch's include folder")

# What to link with of a library: itself, or on Windows its import library.
function(cooper4j_library result folder name)
  if(WIN32)
    set(${result} ${folder}/${name}.lib PARENT_SCOPE)
  else()
    set(${result} ${folder}/lib${name}${CMAKE_SHARED_LIBRARY_SUFFIX} PARENT_SCOPE)
  endif()
endfunction()

function(cooper4j_fetch_headers result)
  # No JavaCPP jar holds LibTorch's headers. The smallest file that does is this wheel; where its headers
  # differ from Linux's (ATen/Config.h, caffe2/core/macros.h, generated *_native.h) nothing here uses them.
  # Nor do JavaCPP's jars hold the import libraries that Windows links with: those are taken of its wheel.
  if(WIN32)
    set(platform win_amd64)
    set(import_libraries torch/lib/torch_cpu.lib torch/lib/c10.lib)
    set(sha256_of_2.10.0 29b7009dba4b7a1c960260fc8ac85022c784250af43af9fb0ebafc9883782ebd)
  else()
    set(platform macosx_11_0_arm64)
    set(import_libraries "")
    set(sha256_of_2.10.0 418997cb02d0a0f1497cf6a09f63166f9f5df9f3e16c8a716ab76a72127c714f)
  endif()
  set(wheel_sha256 ${sha256_of_${COOPER4J_TORCH_VERSION}})
  if(NOT wheel_sha256)
    message(FATAL_ERROR "cooper4j: no sha256 of the wheel with LibTorch ${COOPER4J_TORCH_VERSION}'s headers is known here. "
                        "Add it, or name the headers with -DCOOPER4J_LIBTORCH_INCLUDE=…/torch/include")
  endif()
  if(DEFINED ENV{COOPER4J_CACHE})
    file(TO_CMAKE_PATH "$ENV{COOPER4J_CACHE}" cache) # on Windows it may have backslashes
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(cache $ENV{XDG_CACHE_HOME}/cooper4j)
  elseif(WIN32)
    file(TO_CMAKE_PATH "$ENV{LOCALAPPDATA}/cooper4j" cache)
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
  message(STATUS "cooper4j: fetching LibTorch ${COOPER4J_TORCH_VERSION}'s headers (about 100 MB, once) into ${home}")
  execute_process(
    COMMAND ${Python3_EXECUTABLE} -m pip download torch==${COOPER4J_TORCH_VERSION} --quiet --no-deps
            --only-binary=:all: --platform ${platform} --python-version 3.11 --dest ${work}
    RESULT_VARIABLE failed)
  file(GLOB wheel RELATIVE ${work} ${work}/torch-*.whl)
  if(failed OR NOT wheel)
    file(REMOVE_RECURSE ${work})
    message(FATAL_ERROR "cooper4j: pip could not download torch ${COOPER4J_TORCH_VERSION} for ${platform}. Check the network, or name an "
                        "installed LibTorch ${COOPER4J_TORCH_VERSION} with -DTorch_DIR=…/share/cmake/Torch")
  endif()
  file(SHA256 ${work}/${wheel} found)
  if(NOT found STREQUAL wheel_sha256)
    file(REMOVE_RECURSE ${work})
    message(FATAL_ERROR "cooper4j: ${wheel} has sha256 ${found}, expected ${wheel_sha256}; not used")
  endif()
  file(ARCHIVE_EXTRACT INPUT ${work}/${wheel} DESTINATION ${work} PATTERNS "torch/include/*" ${import_libraries})  # one that is not there would be an error
  file(REMOVE ${work}/${wheel})
  # Another build may have finished first; either copy is the same.
  file(RENAME ${work} ${home} RESULT lost_race)
  if(lost_race)
    file(REMOVE_RECURSE ${work})
  endif()
endfunction()

# A function, since find_package() runs this among its caller's variables.
function(cooper4j_find_libtorch)
  # Imported, so that an installed cooper4j names it without owning it.
  add_library(cooper4j_libtorch INTERFACE IMPORTED GLOBAL)

  set(lib ${COOPER4J_LIBTORCH_LIB})
  set(include ${COOPER4J_LIBTORCH_INCLUDE})
  if(NOT lib)
    # Not find_package(Torch): a CUDA build's TorchConfig.cmake wants the CUDA toolkit, which programs
    # that call LibTorch alone do not need.
    find_path(Torch_DIR TorchConfig.cmake HINTS ${CMAKE_PREFIX_PATH}
              PATH_SUFFIXES Torch share/cmake/Torch NO_DEFAULT_PATH)
    if(NOT Torch_DIR)
      message(FATAL_ERROR "cooper4j: no LibTorch. Either run `mvn -q generate-resources` and configure with "
        "-DCOOPER4J_LIBTORCH_LIB=target/libtorch (JavaCPP's copy), or name an installed LibTorch "
        "${COOPER4J_TORCH_VERSION} with -DTorch_DIR=…/share/cmake/Torch (Python's torch has one: "
        "python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')")
    endif()
    get_filename_component(lib ${Torch_DIR}/../../../lib ABSOLUTE)
    get_filename_component(include ${Torch_DIR}/../../../include ABSOLUTE)
  endif()
  set(COOPER4J_LIBTORCH_LOADED ${lib} PARENT_SCOPE)
  if(NOT include)
    cooper4j_fetch_headers(include)
  endif()
  if(WIN32 AND NOT EXISTS ${lib}/torch_cpu.lib)
    set(lib ${include}/../lib)  # JavaCPP has the DLLs alone
  endif()
  cooper4j_library(torch_cpu ${lib} torch_cpu)
  cooper4j_library(c10 ${lib} c10)
  foreach(library ${torch_cpu} ${c10})
    if(NOT EXISTS ${library})
      message(FATAL_ERROR "cooper4j: no ${library}; LibTorch of another system cannot be linked with")
    endif()
  endforeach()
  if(NOT EXISTS ${include}/torch/headeronly/version.h)
    message(FATAL_ERROR "cooper4j: no headers of LibTorch ${COOPER4J_TORCH_VERSION} in ${include}")
  endif()
  file(STRINGS ${include}/torch/headeronly/version.h version
       REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH)")
  string(REGEX REPLACE "[^0-9;]" "" version "${version}")
  string(REPLACE ";" "." version "${version}")
  if(NOT version VERSION_EQUAL COOPER4J_TORCH_VERSION)
    message(WARNING "cooper4j is tested with LibTorch ${COOPER4J_TORCH_VERSION}, found ${version}")
  endif()

  set(COOPER4J_LIBTORCH_HEADERS ${include} PARENT_SCOPE)
  target_include_directories(cooper4j_libtorch SYSTEM INTERFACE
    ${include} ${include}/torch/csrc/api/include)
  set(COOPER4J_LIBTORCH_LIBRARIES ${torch_cpu} ${c10} PARENT_SCOPE)
  target_link_libraries(cooper4j_libtorch INTERFACE ${torch_cpu} ${c10})
  if(NOT COOPER4J_LIBTORCH_LIB AND EXISTS ${lib}/libtorch_cuda.so)
    # Nothing refers to the CUDA kernels by name: they register themselves when loaded.
    target_link_options(cooper4j_libtorch INTERFACE
      "LINKER:--no-as-needed,${lib}/libtorch_cuda.so,${lib}/libc10_cuda.so,--as-needed")
  endif()
  # LibTorch's own needs (OpenBLAS, OpenMP) lie beside it.
  if(APPLE)
    target_link_options(cooper4j_libtorch INTERFACE -Wl,-rpath,${lib})
  elseif(UNIX)
    target_link_options(cooper4j_libtorch INTERFACE
      -Wl,-rpath,${lib} -Wl,-rpath-link,${lib} -Wl,--disable-new-dtags)
  endif()
endfunction()

if(NOT TARGET cooper4j_libtorch)
  cooper4j_find_libtorch()
endif()
