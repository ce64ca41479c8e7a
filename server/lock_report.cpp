#include "server/lock_report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include <spdlog/fmt/fmt.h>

#include "rpc/text/quoted.hpp"
#include "server/admin_socket.hpp"
#include "server/printable.hpp"
#include "server/state_directory.hpp"

namespace berth::server {
namespace {

using Shown = nlm::LockTable::Shown;

/// How the answer begins if the client had none.
constexpr std::string_view nothing_released = "no locks of";

/// A text that a client has chosen, as a word of a line.
std::string shown(std::string_view text) {
    return printable(fmt::format("{}", text::Word{text}));
}

std::string range_of(const vfs::ByteRange& range) {
    if (range.last < vfs::ByteRange::byte_max) return fmt::format("{}-{}", range.first, range.last);
    return fmt::format("{}-end", range.first);
}

std::string what_of(const Shown& lock) {
    static constexpr std::array share_names{"none", "read", "write", "both"};
    if (lock.what == Shown::What::share)
        return fmt::format("share {}, deny {}", share_names.at(lock.share.access),
                           share_names.at(lock.share.mode));
    const auto* kind = lock.range.kind == vfs::LockKind::exclusive ? "exclusive" : "shared";
    return fmt::format("{} {} {}", lock.what == Shown::What::wait ? "waits for" : "holds", kind,
                       range_of(lock.range.range));
}

/// The name that the client has chosen which is displayed like this, with or without the quotes: a
/// shell takes those away.
std::string named(nlm::Services& locks, std::string_view typed) {
    for (const auto& host : locks.table().hosts()) {
        const auto name = shown(host.name);
        if (name == typed || name == fmt::format("'{}'", typed)) return host.name;
    }
    return std::string{typed};
}

std::string all_locks(nlm::Services& locks) {
    std::string text;
    for (const auto& lock : locks.table().all()) {
        if (lock.what == Shown::What::busy) {
            text += fmt::format("{} {}: locks of a file that does not answer\n",
                                lock.owner.host.address.text(), shown(lock.owner.host.name));
            continue;
        }
        text += fmt::format("{} {} svid {}: {} of {}\n", lock.owner.host.address.text(),
                            shown(lock.owner.host.name), lock.owner.svid, what_of(lock),
                            lock.file.empty() ? "a file" : shown(lock.file));
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
        const auto client = named(locks, request.substr(release.size()));
        const auto count = locks.release(client);
        if (count == 0)
            return fmt::format("{} {}; 'berth locks' shows who has some\n", nothing_released,
                               shown(client));
        return fmt::format("{} lock(s) of {} released\n", count, shown(client));
    }
    return "not understood\n";
}

}  // namespace berth::server
