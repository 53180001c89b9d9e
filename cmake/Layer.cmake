# reprise_layer(<name> SOURCES … TESTS … DEPENDS … PRIVATE_DEPENDS …)
# One folder is one layer is one target: the library reprise_<name>, and <name>_test of the tests beside
# its sources. What a layer may include is what it DEPENDS on.
function(reprise_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;TESTS;DEPENDS;PRIVATE_DEPENDS;TEST_DEPENDS" ${ARGN})
  add_library(reprise_${name} STATIC ${ARG_SOURCES})
  target_include_directories(reprise_${name} PUBLIC ${PROJECT_SOURCE_DIR}/operator)
  target_link_libraries(reprise_${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  if(REPRISE_TESTS AND ARG_TESTS)
    add_executable(${name}_test ${ARG_TESTS})
    target_link_libraries(${name}_test PRIVATE reprise_${name} ${ARG_PRIVATE_DEPENDS} ${ARG_TEST_DEPENDS}
                          GTest::gtest_main GTest::gmock)
    gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST PROPERTIES LABELS unit)
  endif()
endfunction()
