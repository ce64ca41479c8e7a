#include "server/privileges.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include <cap-ng.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

namespace berth::server {
namespace {

struct Capability {
    unsigned number;
    std::string_view name;
    std::string_view cost;
};

constexpr std::array<Capability, 8> capabilities{{
    {CAP_SETUID, "CAP_SETUID", "every caller acts as root"},
    {CAP_SETGID, "CAP_SETGID", "every caller acts with the groups of root"},
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH",
     "objects are found by their names, and local renames make handles stale"},
    {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "clients' root has no more rights than other users"},
    {CAP_CHOWN, "CAP_CHOWN", "clients' root can't change owners"},
    {CAP_FOWNER, "CAP_FOWNER", "clients' root can't change other users' files"},
    {CAP_FSETID, "CAP_FSETID", "clients' root can't keep set-group-id bits"},
    {CAP_MKNOD, "CAP_MKNOD", "clients' root can't make device nodes"},
}};

bool has_maps(const exports::Options& options) {
    return !options.users.empty() || !options.groups.empty();
}

/// What a rule asks for in vain; empty: nothing.
std::string_view vain_in(const exports::ClientRule& rule) {
    for (const auto& options : {rule.sys, rule.none}) {
        if (!options) continue;
        if (options->squash == exports::Squash::none) return "no_root_squash";
        if (has_maps(*options)) return "map-uid and map-gid";
    }
    return {};
}

std::string vain(std::string_view what) {
    return fmt::format("{} can't work: all callers act as uid {}, because berth does not run as "
                       "root, or may not act as others; run it as root with CAP_SETUID and "
                       "CAP_SETGID, or leave that out",
                       what, ::geteuid());
}

/// Capabilities that this process lacks, each with what that costs. Empty if it does not run as
/// root.
std::vector<std::string> missing_capabilities() {
    std::vector<std::string> sentences;
    if (::geteuid() != 0) return sentences;
    if (::capng_get_caps_process() != 0) return sentences;
    for (const auto& one : capabilities)
        if (::capng_have_capability(CAPNG_EFFECTIVE, one.number) == 0)
            sentences.push_back(
                fmt::format("berth runs as root without {}: {}", one.name, one.cost));
    return sentences;
}

std::vector<std::string> vain_options(const ServeOptions& options,
                                      const ExportTrees::Opening& opening) {
    std::vector<std::string> sentences;
    const bool all_act = std::ranges::all_of(
        opening.directories, [](const auto& one) { return one.second.acts_as_callers; });
    if (all_act) return sentences;
    if (options.exports.squash == exports::Squash::none) sentences.push_back(vain("--squash none"));
    if (!options.exports.users.empty()) sentences.push_back(vain("--map-uid"));
    if (!options.exports.groups.empty()) sentences.push_back(vain("--map-gid"));
    if (options.manages_groups) sentences.push_back(vain("--manage-gids"));
    for (const auto& exported : opening.exports)
        for (const auto& rule : exported.clients.all())
            if (rule.where.line > 0)
                if (const auto what = vain_in(rule); !what.empty())
                    sentences.push_back(vain(rule.where.text() + ": " + std::string{what} + " of " +
                                             exported.path));
    return sentences;
}

/// Whether root here is root of the machine. In a user namespace it is a user, who has no more
/// rights than that user.
bool is_real_root() {
    if (::geteuid() != 0) return false;
    std::ifstream map{"/proc/self/uid_map"};  // first id here, first id outside, how many
    std::uint64_t inside = 0;
    std::uint64_t outside = 0;
    std::uint64_t count = 0;
    while (map >> inside >> outside >> count)
        if (inside == 0) return outside == 0;
    return true;
}

/// Whether all callers of the rule are to act as root anyway.
bool acts_as_root(const exports::ClientRule& rule) {
    return std::ranges::all_of(std::array{rule.sys, rule.none}, [](const auto& options) {
        return !options || (options->squash == exports::Squash::all && options->anonymous_uid == 0);
    });
}

}  // namespace

void refuse_root_for_everybody(const ExportTrees::Opening& opening) {
    if (!is_real_root()) return;
    for (const auto& exported : opening.exports) {
        const auto directory = opening.directories.find(exported.path);
        if (directory == opening.directories.end() || directory->second.acts_as_callers) continue;
        if (std::ranges::all_of(exported.clients.all(), acts_as_root)) continue;
        throw UsageError(exported.path +
                         ": berth runs as root and may not act as others, so every client would "
                         "act as root: give it CAP_SETUID and CAP_SETGID, run it as another user, "
                         "or say that everybody is root here (--squash all --anon 0:0)");
    }
}

void say_what_cannot_work(const ServeOptions& options, const ExportTrees::Opening& opening) {
    refuse_root_for_everybody(opening);
    for (const auto& doubt : options.doubts) spdlog::warn("{}", doubt);
    for (const auto& sentence : missing_capabilities()) spdlog::warn("{}", sentence);
    for (const auto& sentence : vain_options(options, opening)) spdlog::warn("{}", sentence);
}

}  // namespace berth::server
