# The JNI binding, of the sources that JavaCPP's generator wrote. Maven asks for it:
#
#   COOPER4J_BINDING_SOURCES   the folder of jnicooper4j.cpp and jnijavacpp.cpp
#   COOPER4J_BINDING_OUTPUT    where the libraries jnicooper4j and jnicooper4jpreload go
#   COOPER4J_JNI_INCLUDE       the folder of jni.h
set(jni_platform $<IF:$<PLATFORM_ID:Darwin>,darwin,$<IF:$<PLATFORM_ID:Windows>,win32,linux>>)
set(jni_include ${COOPER4J_JNI_INCLUDE} ${COOPER4J_JNI_INCLUDE}/${jni_platform})

# JNI's functions are all that a library shows, and no folder of the build is in it: LibTorch is loaded
# before it, and found by name: the SONAME, macOS's @rpath/…, Windows' base name.
function(cooper4j_jni_library name)
  set_target_properties(${name} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${COOPER4J_BINDING_OUTPUT}
    RUNTIME_OUTPUT_DIRECTORY ${COOPER4J_BINDING_OUTPUT}
    ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
    SKIP_BUILD_RPATH ON)
  target_include_directories(${name} SYSTEM PRIVATE ${jni_include})
  target_compile_options(${name} PRIVATE ${COOPER4J_PREFIX_MAP})
  if(APPLE)
    set_target_properties(${name} PROPERTIES INSTALL_NAME_DIR "@rpath" BUILD_WITH_INSTALL_NAME_DIR ON)
    if(CMAKE_CXX_COMPILER_ID STREQUAL AppleClang)  # another's linker may not know it
      target_link_options(${name} PRIVATE -Wl,-exported_symbol,_JNI_On* -Wl,-exported_symbol,_Java_* -Wl,-x)
    endif()
  elseif(UNIX)
    target_link_options(${name} PRIVATE -Wl,-z,defs -Wl,-s
      -Wl,--version-script=${PROJECT_SOURCE_DIR}/native/cmake/jni.map)
  endif()
endfunction()

find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_custom_command(
  OUTPUT jnicooper4j.cpp
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/native/cmake/sort_functions.py
          ${COOPER4J_BINDING_SOURCES}/jnicooper4j.cpp jnicooper4j.cpp
  DEPENDS native/cmake/sort_functions.py ${COOPER4J_BINDING_SOURCES}/jnicooper4j.cpp)

add_library(jnicooper4j SHARED
  ${PROJECT_BINARY_DIR}/jnicooper4j.cpp ${COOPER4J_BINDING_SOURCES}/jnijavacpp.cpp)
cooper4j_jni_library(jnicooper4j)
target_include_directories(jnicooper4j PRIVATE native/include native/src native/src/jni)
target_include_directories(jnicooper4j SYSTEM PRIVATE
  $<TARGET_PROPERTY:cooper4j_libtorch,INTERFACE_SYSTEM_INCLUDE_DIRECTORIES>)
target_link_libraries(jnicooper4j PRIVATE $<TARGET_FILE:cooper4j> ${COOPER4J_LIBTORCH_LIBRARIES})
add_dependencies(jnicooper4j cooper4j)
if(UNIX AND NOT APPLE)
  # JavaCPP keeps a function of the binding (memory_watch.h): it is never unmapped. macOS never unmaps
  # what has variables of a thread.
  target_link_options(jnicooper4j PRIVATE -Wl,-rpath-link,${COOPER4J_LIBTORCH_LIB} -Wl,-z,nodelete)
endif()

# Loaded before LibTorch: it needs the C library and nothing else.
add_library(jnicooper4jpreload SHARED native/src/preload/openmp.cc)
cooper4j_jni_library(jnicooper4jpreload)
if(NOT MSVC)
  target_compile_options(jnicooper4jpreload PRIVATE -fno-exceptions -fno-rtti)
endif()
if(UNIX AND NOT APPLE)
  target_link_options(jnicooper4jpreload PRIVATE -Wl,--as-needed)
endif()
