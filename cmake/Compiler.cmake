# Warnings, sanitizers, and the tools that make a rebuild short.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(REPRISE_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them: address,undefined or thread")
if(REPRISE_SANITIZE)
  add_compile_options(-fsanitize=${REPRISE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${REPRISE_SANITIZE})
endif()

# The targets themselves are linked with -fsanitize=fuzzer: tests/fuzz.
option(REPRISE_FUZZ "build libFuzzer's targets (clang only)" OFF)
if(REPRISE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
