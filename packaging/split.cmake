# Makes of PROGRAM a stripped copy in the folder INTO, and in INTO/debug what debuggers look for beside it:
# .build-id/ab/cdef.debug, which the copy names.
execute_process(COMMAND ${READELF} --notes ${PROGRAM} OUTPUT_VARIABLE notes COMMAND_ERROR_IS_FATAL ANY)
if(NOT notes MATCHES "Build ID: ([0-9a-f][0-9a-f])([0-9a-f]+)")
    message(FATAL_ERROR "${PROGRAM} has no build id")
endif()
set(symbols ${INTO}/debug/.build-id/${CMAKE_MATCH_1}/${CMAKE_MATCH_2}.debug)
get_filename_component(folder ${symbols} DIRECTORY)
get_filename_component(name ${PROGRAM} NAME)

# Those of an earlier build would be installed too.
file(REMOVE_RECURSE ${INTO}/debug)
file(MAKE_DIRECTORY ${folder})
execute_process(
    COMMAND ${OBJCOPY} --only-keep-debug --compress-debug-sections ${PROGRAM} ${symbols}
    COMMAND_ERROR_IS_FATAL ANY)
execute_process(
    COMMAND ${OBJCOPY} --strip-unneeded --remove-section=.comment --add-gnu-debuglink=${symbols} ${PROGRAM} ${INTO}/${name}
    COMMAND_ERROR_IS_FATAL ANY)
