# What `cmake --install` adds so that find_package(cooper4j) finds the library.
include(CMakePackageConfigHelpers)

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
