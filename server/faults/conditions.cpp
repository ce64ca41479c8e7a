#include "server/faults/conditions.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <boost/algorithm/hex.hpp>
#include <boost/algorithm/string/case_conv.hpp>
#include <fnmatch.h>

#include "mount/protocol.hpp"
#include "nfs/access/caller.hpp"
#include "nfs/exports/file.hpp"
#include "nfs/protocol.hpp"
#include "server/faults/values.hpp"

namespace berth::server::faults {
namespace {

using Ranges = std::vector<NumberRange>;

bool are_met(const Ranges& ranges, std::uint64_t number) {
    return std::ranges::any_of(ranges, [=](const auto& range) { return range.contains(number); });
}

/// Something of a call that is a number.
template <class NumberOf>
Condition number_in(const Word& word, NumberOf number) {
    return [ranges = ranges_of(word), number](const Seen& seen) {
        const std::optional<std::uint64_t> found = number(seen);
        return found && are_met(ranges, *found);
    };
}

bool is_like(const std::string& pattern, const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

Condition client_in(const Word& word) {
    std::vector<exports::ClientNetwork> networks;
    for (const auto& part : parts_of(word.value)) {
        std::string problem;
        const auto pattern = exports::parse_client(part, problem);
        const bool is_address = pattern && pattern->name.empty() &&
                                (pattern->kind == exports::ClientKind::host ||
                                 pattern->kind == exports::ClientKind::network);
        if (!is_address) word.refuse("expected addresses or networks, as 192.0.2.0/24");
        networks.push_back(pattern->network);
    }
    return [networks = std::move(networks)](const Seen& seen) {
        const auto client = access::origin_of(seen.call()).client;
        return std::ranges::any_of(networks,
                                   [&](const auto& network) { return network.contains(client); });
    };
}

Condition transport_is(const Word& word) {
    const bool is_tcp = choice_of(word, {{"udp", 0}, {"tcp", 1}}) == 1;
    const auto wanted = is_tcp ? rpc::Transport::tcp : rpc::Transport::udp;
    return [wanted](const Seen& seen) { return seen.call().transport == wanted; };
}

Condition machine_like(const Word& word) {
    return [pattern = word.value](const Seen& seen) {
        return is_like(pattern, std::string{seen.call().credential.machine_name});
    };
}

/// Whether one of the objects that the call names is so.
template <class IsSo>
Condition any_object(IsSo is_so) {
    return [is_so](const Seen& seen) {
        return std::ranges::any_of(seen.named.objects,
                                   [&](const auto& object) { return is_so(seen, object); });
    };
}

Condition export_is(const Word& word) {
    auto wanted = parts_of(word.value);
    if (std::ranges::any_of(wanted, [](const auto& path) { return !path.starts_with('/'); }))
        word.refuse("expected the path of an export, which begins with '/'");
    const auto mounts_in = [wanted](const Seen& seen) {
        return std::ranges::any_of(wanted, [&](const std::string& path) {
            const auto below = path == "/" ? path : path + "/";
            return seen.mounted == path || seen.mounted.starts_with(below);
        });
    };
    auto has_object = any_object([wanted](const Seen& seen, const auto& object) {
        return std::ranges::find(wanted, seen.paths.of_export(object.handle)) != wanted.end();
    });
    return [mounts_in, has_object = std::move(has_object)](const Seen& seen) {
        return mounts_in(seen) || has_object(seen);
    };
}

Condition path_like(const Word& word) {
    const bool is_whole = word.value.find('/') != std::string::npos;
    if (is_whole && !word.value.starts_with('/') && !word.value.starts_with('*'))
        word.refuse("a path begins with '/' or '*'; without any '/', the last name is meant");
    const auto is_meant = [pattern = word.value, is_whole](const std::string& path) {
        return is_like(pattern, is_whole ? path : path.substr(path.rfind('/') + 1));
    };
    auto is_object = any_object(
        [pattern = word.value, is_whole, is_meant](const Seen& seen, const auto& object) {
            if (!is_whole && !object.name.empty())
                return is_like(pattern, std::string{object.name});
            auto path = seen.paths.of_object(object.handle);
            if (path.empty()) return false;
            if (!object.name.empty()) path += (path == "/" ? "" : "/") + std::string{object.name};
            return is_meant(path);
        });
    return [is_meant, is_object = std::move(is_object)](const Seen& seen) {
        return seen.mounted.empty() ? is_object(seen) : is_meant(std::string{seen.mounted});
    };
}

Condition handle_begins(const Word& word) {
    std::string bytes;
    try {
        boost::algorithm::unhex(word.value, std::back_inserter(bytes));
    } catch (const boost::algorithm::hex_decode_error&) {
        word.refuse("expected bytes in hexadecimal, as 0241a0");
    }
    return any_object([bytes = std::move(bytes)](const Seen&, const auto& object) {
        return object.handle_key().starts_with(bytes);
    });
}

template <class Member>
auto of_call(Member member) {
    return
        [member](const Seen& seen) -> std::optional<std::uint64_t> { return member(seen.call()); };
}

Condition version_in(const Word& word) {
    return number_in(word, of_call([](const auto& call) { return call.program.version; }));
}
Condition port_in(const Word& word) {
    return number_in(word, of_call([](const auto& call) { return call.caller.port; }));
}
// A call without a user (AUTH_NONE) has no uid.
Condition uid_in(const Word& word) {
    return number_in(word, [](const Seen& seen) -> std::optional<std::uint64_t> {
        const auto& credential = seen.call().credential;
        if (credential.flavor != rpc::AuthFlavor::sys) return {};
        return credential.uid;
    });
}
Condition gid_in(const Word& word) {
    return number_in(word, [](const Seen& seen) -> std::optional<std::uint64_t> {
        const auto& credential = seen.call().credential;
        if (credential.flavor != rpc::AuthFlavor::sys) return {};
        return credential.gid;
    });
}
Condition offset_in(const Word& word) {
    return number_in(word, [](const Seen& seen) { return seen.named.offset; });
}
Condition size_in(const Word& word) {
    return number_in(
        word, [](const Seen& seen) -> std::optional<std::uint64_t> { return seen.named.bytes; });
}

}  // namespace

bool CallName::is_of_nfs() const noexcept {
    return program == nfs::program.number;
}

bool CallName::has_path() const noexcept {
    const bool is_of_mount = program == mount::id3.number;
    return is_of_nfs() || (is_of_mount && (!procedure || *procedure == mount::Mount::id.number ||
                                           *procedure == mount::Unmount::id.number));
}

bool CallName::has_end() const noexcept {
    constexpr std::array with_end{nfs::Read::id.number, nfs::ReadDirectory::id.number,
                                  nfs::ReadDirectoryPlus::id.number};
    return is_of_nfs() && (!procedure || std::ranges::find(with_end, *procedure) != with_end.end());
}

bool CallName::has_range() const noexcept {
    constexpr std::array with_range{nfs::Read::id.number, nfs::Write::id.number,
                                    nfs::Commit::id.number};
    return is_of_nfs() &&
           (!procedure || std::ranges::find(with_range, *procedure) != with_range.end());
}

Condition is_among(std::vector<CallName> wanted, std::vector<CallName> others) {
    return [wanted = std::move(wanted), others = std::move(others)](const Seen& seen) {
        const auto is_named = [&](const CallName& name) { return name.is_of(seen.call()); };
        return (wanted.empty() || std::ranges::any_of(wanted, is_named)) &&
               std::ranges::none_of(others, is_named);
    };
}

Condition is_change() {
    std::vector<CallName> changes;
    for (const auto number :
         {nfs::SetAttributes::id.number, nfs::Write::id.number, nfs::Create::id.number,
          nfs::MakeDirectory::id.number, nfs::MakeSymbolicLink::id.number, nfs::MakeNode::id.number,
          nfs::Remove::id.number, nfs::RemoveDirectory::id.number, nfs::Rename::id.number,
          nfs::Link::id.number})
        changes.push_back({.program = nfs::program.number, .procedure = number});
    return is_among(std::move(changes), {});
}

Condition condition_of(const Word& word) {
    struct Maker {
        std::string_view key;
        Condition (*make)(const Word& word);
    };
    static constexpr std::array makers{
        Maker{"version", version_in},     Maker{"client", client_in}, Maker{"port", port_in},
        Maker{"machine", machine_like},   Maker{"uid", uid_in},       Maker{"gid", gid_in},
        Maker{"transport", transport_is}, Maker{"export", export_is}, Maker{"path", path_like},
        Maker{"handle", handle_begins},   Maker{"offset", offset_in}, Maker{"size", size_in},
    };
    const auto found = std::ranges::find(makers, std::string_view{word.key}, &Maker::key);
    if (found == makers.end()) throw std::logic_error{"no condition: " + word.key};
    auto condition = found->make(word);
    if (!word.is_denied) return condition;
    return [condition = std::move(condition)](const Seen& seen) { return !condition(seen); };
}

}  // namespace berth::server::faults
