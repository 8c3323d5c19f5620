# What `cmake --install` adds so that find_package(cooper4j) finds the library.
include(CMakePackageConfigHelpers)

# Fixed names for Maven's binding step, which compiles outside CMake: the headers, and the option that
# keeps their folder out of the binary, so that two builds are equal.
if(COOPER4J_LIBTORCH_LIB)
  target_compile_options(cooper4j PRIVATE -ffile-prefix-map=${COOPER4J_LIBTORCH_HEADERS}=libtorch)
  file(CREATE_LINK ${COOPER4J_LIBTORCH_HEADERS} ${PROJECT_BINARY_DIR}/libtorch-include SYMBOLIC)
  file(REAL_PATH ${COOPER4J_LIBTORCH_HEADERS} real_headers) # JavaCPP resolves links
  file(WRITE ${PROJECT_BINARY_DIR}/libtorch-options "-ffile-prefix-map=${real_headers}=libtorch\n")
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/cooper4j)
install(EXPORT cooper4j NAMESPACE cooper4j:: FILE cooper4jTargets.cmake DESTINATION ${package})
configure_package_config_file(native/cmake/cooper4jConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cooper4jConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cooper4jConfigVersion.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cooper4jConfig.cmake
              ${PROJECT_BINARY_DIR}/cooper4jConfigVersion.cmake
              native/cmake/LibTorch.cmake
        DESTINATION ${package})
