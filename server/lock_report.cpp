#include "server/lock_report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include <spdlog/fmt/fmt.h>

#include "server/admin_socket.hpp"
#include "server/printable.hpp"
#include "server/state_directory.hpp"

namespace berth::server {
namespace {

using Shown = nlm::LockTable::Shown;

/// How the answer begins if the client had none.
constexpr std::string_view nothing_released = "no locks of";

/// The name that a client has chosen, for display.
std::string shown_name(std::string_view name) {
    constexpr std::size_t shown_max = 64;
    return printable(name.substr(0, shown_max));
}

std::string range_of(const vfs::ByteRange& range) {
    if (range.last < vfs::ByteRange::byte_max) return fmt::format("{}-{}", range.first, range.last);
    return fmt::format("{}-end", range.first);
}

std::string what_of(const Shown& shown) {
    static constexpr std::array share_names{"none", "read", "write", "both"};
    if (shown.what == Shown::What::share)
        return fmt::format("share {}, deny {}", share_names.at(shown.share.access),
                           share_names.at(shown.share.mode));
    const auto* kind = shown.range.kind == vfs::LockKind::exclusive ? "exclusive" : "shared";
    return fmt::format("{} {} {}", shown.what == Shown::What::wait ? "waits for" : "holds", kind,
                       range_of(shown.range.range));
}

/// The name that the client with this displayed name has chosen.
std::string named(nlm::Services& locks, std::string_view shown) {
    for (const auto& host : locks.table().hosts())
        if (shown_name(host.name) == shown) return host.name;
    return std::string{shown};
}

std::string all_locks(nlm::Services& locks) {
    std::string text;
    for (const auto& shown : locks.table().all()) {
        if (shown.what == Shown::What::busy) {
            text += fmt::format("{} {}: locks of a file that does not answer\n",
                                shown.owner.host.address.text(), shown_name(shown.owner.host.name));
            continue;
        }
        text += fmt::format("{} {} svid {}: {} of {}\n", shown.owner.host.address.text(),
                            shown_name(shown.owner.host.name), shown.owner.svid, what_of(shown),
                            shown.file.empty() ? "a file" : printable(shown.file));
    }
    return text.empty() ? "no locks\n" : text;
}

}  // namespace

int ask_about_locks(const LocksOptions& options) {
    const bool is_release = !options.client.empty();
    const auto answer = ask_server(StateDirectory::place(options.state) / admin_socket_name,
                                   is_release ? "release " + options.client : "locks");
    std::fwrite(answer.data(), 1, answer.size(), stdout);
    return is_release && answer.starts_with(nothing_released) ? EXIT_FAILURE : EXIT_SUCCESS;
}

std::string answer_about_locks(nlm::Services& locks, std::string_view request) {
    constexpr std::string_view release = "release ";
    if (request == "locks") return all_locks(locks);
    if (request.starts_with(release)) {
        const auto client = request.substr(release.size());
        const auto count = locks.release(named(locks, client));
        if (count == 0)
            return fmt::format("{} {}; 'berth locks' shows who has some\n", nothing_released,
                               shown_name(client));
        return fmt::format("{} lock(s) of {} released\n", count, shown_name(client));
    }
    return "not understood\n";
}

}  // namespace berth::server
