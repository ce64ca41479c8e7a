#include "nfs/exports/table.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>
#include <sodium.h>

#include "nfs/exports/in_force/answers.hpp"

namespace berth::exports {
namespace {

/// The same on every machine and in every release: handles and clients store values that depend on
/// it.
std::uint64_t hash_of(std::string_view path) {
    constexpr std::array<unsigned char, crypto_shorthash_siphash24_KEYBYTES> no_key{};
    std::array<unsigned char, crypto_shorthash_siphash24_BYTES> hash{};
    crypto_shorthash_siphash24(hash.data(), reinterpret_cast<const unsigned char*>(path.data()),
                               path.size(), no_key.data());
    std::uint64_t value = 0;
    for (const auto byte : hash) value = value << 8 | byte;
    return value;
}

ExportId id_from(std::uint64_t hash) {
    const auto half = static_cast<std::uint32_t>(hash);
    return ExportId{half == 0 ? 1 : half};
}

void refuse_twins(const Export& a, const Export& b) {
    const bool are_listed = !a.is_nested && !b.is_nested;
    if (are_listed && a.path == b.path)
        throw std::invalid_argument("'" + a.path + "' is exported twice");
    if (a.id == b.id || a.fsid == b.fsid) {
        throw std::invalid_argument(
            "the exports '" + a.path + "' and '" + b.path +
            "' happen to hash to the same id; export one of them under another path");
    }
}

/// The rest of `path` below `parent`; empty unless it is the same or below. Both are normalised.
std::optional<std::string_view> below(std::string_view parent, std::string_view path) {
    if (parent == "/") return path.substr(1);
    if (!path.starts_with(parent)) return std::nullopt;
    path.remove_prefix(parent.size());
    if (path.empty()) return path;
    if (path.front() != '/') return std::nullopt;
    return path.substr(1);
}

}  // namespace

std::optional<std::string> normalised(std::string_view path) {
    if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) return std::nullopt;
    std::string result;
    while (!path.empty()) {
        path.remove_prefix(1);
        const auto component = path.substr(0, path.find('/'));
        path.remove_prefix(component.size());
        if (component == "..") return std::nullopt;
        if (component.empty() || component == ".") continue;
        result += '/';
        result += component;
    }
    if (result.empty()) result = "/";
    return result;
}

Export make_export(std::string_view path, std::shared_ptr<vfs::FileSystem> files,
                   std::vector<ClientRule> clients, const std::optional<GivenFsid>& fsid) {
    auto clean = normalised(path);
    if (!clean) {
        throw std::invalid_argument("'" + std::string{path} +
                                    "' cannot be exported: expected an absolute path without '..'");
    }
    // No normalised path looks like this.
    const auto hash = hash_of(fsid ? "fsid=" + fsid->text : *clean);
    return {
        .id = id_from(hash),
        .path = *std::move(clean),
        .files = std::move(files),
        .clients = ClientRules{std::move(clients)},
        .fsid = fsid ? fsid->number : hash,
    };
}

Export make_export(std::string_view path, std::shared_ptr<vfs::FileSystem> files,
                   const Options& options) {
    return make_export(path, std::move(files), {{.client = {}, .sys = options, .none = options}});
}

Export make_nested_export(const Export& listed, std::string_view path,
                          std::shared_ptr<vfs::FileSystem> files, std::string_view identity) {
    const auto rules = listed.clients.all();
    auto nested = make_export(path, std::move(files), {rules.begin(), rules.end()});
    const auto listed_id = std::to_string(static_cast<std::uint32_t>(listed.id));
    nested.fsid = hash_of("in=" + listed_id + ":" + std::string{identity});
    nested.id = id_from(nested.fsid);
    nested.is_nested = true;
    return nested;
}

Table::Table() : Table(std::vector<Export>{}) {}

Table::Table(std::vector<Export> exports)
    : exports_(std::make_shared<const in_force::Numbered>(std::move(exports))),
      answers_(std::make_shared<const in_force::Answers>()) {
    boost::unordered_flat_map<std::string_view, const Export*> paths;
    boost::unordered_flat_map<std::uint64_t, const Export*> fsids;
    boost::unordered_flat_map<std::uint32_t, const Export*> ids;
    for (const auto& exported : all()) {
        const auto* with_path = &exported;
        if (!exported.is_nested)
            with_path = paths.try_emplace(exported.path, &exported).first->second;
        const auto id = static_cast<std::uint32_t>(exported.id);
        const auto* const with_fsid = fsids.try_emplace(exported.fsid, &exported).first->second;
        const auto* const with_id = ids.try_emplace(id, &exported).first->second;
        for (const auto* twin : {with_path, with_fsid, with_id})
            if (twin != &exported) refuse_twins(*twin, exported);
    }
}

std::span<const Export> Table::all() const noexcept {
    return exports_->exports;
}

const Export* Table::find(ExportId id) const noexcept {
    const auto found = std::ranges::find(exports_->exports, id, &Export::id);
    return found == exports_->exports.end() ? nullptr : &*found;
}

std::vector<Match> Table::matches(std::string_view path) const {
    std::vector<Match> found;
    const auto clean = normalised(path);
    if (!clean) return found;
    for (const auto& candidate : all())
        if (const auto rest = below(candidate.path, *clean))
            found.push_back({&candidate, std::string{*rest}});
    std::ranges::stable_sort(found, std::ranges::greater{},
                             [](const Match& match) { return match.found->path.size(); });
    return found;
}

Admission Table::admit(const Export& exported, const CallOrigin& from) const noexcept {
    constexpr std::uint16_t first_free_port = 1024;
    const in_force::KnownClient* known = nullptr;
    bool is_unknown = false;
    const auto* rule = exported.clients.find(from.client, [&](std::size_t at) {
        if (known == nullptr) known = answers_->find(from.client);
        const auto answer = known == nullptr ? in_force::Answer::unknown
                                             : known->answers[exports_->question(exported, at)];
        // While it is not known whether this entry matches, no later one may decide.
        is_unknown = answer == in_force::Answer::unknown;
        return answer != in_force::Answer::no;
    });
    if (is_unknown) return Refusal::unknown;
    if (rule == nullptr) return Refusal::unlisted;
    // An entry requires this for all its flavours alike.
    const auto& options = rule->sys ? rule->sys : rule->none;
    if (exported.is_nested && !options->crosses_mounts) return Refusal::unlisted;
    if (options->secure && from.port >= first_free_port) return Refusal::insecure_port;
    return rule;
}

}  // namespace berth::exports
