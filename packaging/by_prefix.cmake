# A part of the installation: the files that name the place they are installed for. Expects berth_packaging, the folder
# of this file, and berth_made, the folder with what the build has made.
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
    set(etc /etc)
else()
    set(etc "${CMAKE_INSTALL_PREFIX}/etc")
endif()

file(READ "${berth_packaging}/berth.service" unit)
string(REPLACE "=/usr/bin/berth " "=${CMAKE_INSTALL_PREFIX}/bin/berth " unit "${unit}")
string(REPLACE "/etc/berth/" "${etc}/berth/" unit "${unit}")
file(WRITE "${berth_made}/berth.service" "${unit}")
file(INSTALL "${berth_made}/berth.service" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")

# The administrator's file stays as it is.
if(NOT EXISTS "$ENV{DESTDIR}${etc}/berth/berth.toml")
    file(INSTALL "${berth_made}/berth.toml" DESTINATION "${etc}/berth")
endif()
