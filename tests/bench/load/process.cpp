#include "tests/bench/load/process.hpp"

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

#include <boost/filesystem/directory.hpp>

namespace berth::bench {

namespace {

std::string file_of(pid_t process, const char* name) {
    std::ifstream file{"/proc/" + std::to_string(process) + "/" + name};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

CpuTime cpu_time(pid_t process) {
    if (process == 0) return {};
    const std::string text = file_of(process, "stat");
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return {};
    std::istringstream fields{text.substr(name_end + 1)};
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    const double us_per_tick = 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK));
    return {.in_all = (user + system) * us_per_tick, .in_kernel = system * us_per_tick};
}

std::uint64_t resident_kib(pid_t process) {
    if (process == 0) return 0;
    const std::string text = file_of(process, "status");
    const auto at = text.find("VmRSS:");
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + 6));
}

Pinned::Pinned(pid_t process, int cpu) {
    cpu_set_t where;
    CPU_ZERO(&where);
    CPU_SET(static_cast<unsigned>(cpu), &where);
    pin(0, where);
    if (process == 0) return;
    for (const auto& entry :
         boost::filesystem::directory_iterator{"/proc/" + std::to_string(process) + "/task"}) {
        const std::string name = entry.path().filename().string();
        pid_t thread = 0;
        std::from_chars(name.data(), name.data() + name.size(), thread);
        pin(thread, where);
    }
}

void Pinned::pin(pid_t thread, const cpu_set_t& where) {
    cpu_set_t before;
    if (sched_getaffinity(thread, sizeof before, &before) != 0) return;
    if (sched_setaffinity(thread, sizeof where, &where) == 0) before_[thread] = before;
}

Pinned::~Pinned() {
    for (const auto& [thread, where] : before_) sched_setaffinity(thread, sizeof where, &where);
}

}  // namespace berth::bench
