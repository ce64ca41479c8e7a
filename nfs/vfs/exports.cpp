#include "nfs/vfs/exports.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <sodium.h>

namespace berth::vfs {
namespace {

/// The same on every machine and in every release: handles and clients remember what follows from
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

void refuse_twins(const Export& a, const Export& b) {
    if (a.path == b.path) throw std::invalid_argument("'" + a.path + "' is exported twice");
    if (a.id == b.id || a.fsid == b.fsid) {
        throw std::invalid_argument(
            "the exports '" + a.path + "' and '" + b.path +
            "' happen to hash to the same id; export one of them under another path");
    }
}

/// What is left of `path` below `parent`; empty unless it is the same or below. Both normalised.
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

Export make_export(std::string_view path, std::shared_ptr<FileSystem> files,
                   const ExportOptions& options) {
    auto clean = normalised(path);
    if (!clean) {
        throw std::invalid_argument("'" + std::string{path} +
                                    "' cannot be exported: expected an absolute path without '..'");
    }
    const auto hash = hash_of(*clean);
    const auto half = static_cast<std::uint32_t>(hash);
    return {
        .id = ExportId{half == 0 ? 1 : half},
        .path = *std::move(clean),
        .files = std::move(files),
        .options = options,
        .fsid = hash,
    };
}

Exports::Exports(std::vector<Export> exports) : exports_(std::move(exports)) {
    for (auto a = exports_.begin(); a != exports_.end(); ++a) {
        for (auto b = exports_.begin(); b != a; ++b) refuse_twins(*b, *a);
    }
}

const Export* Exports::find(ExportId id) const noexcept {
    const auto found = std::ranges::find(exports_, id, &Export::id);
    return found == exports_.end() ? nullptr : &*found;
}

std::optional<ExportMatch> Exports::match(std::string_view path) const {
    const auto clean = normalised(path);
    if (!clean) return std::nullopt;
    std::optional<ExportMatch> best;
    for (const auto& candidate : exports_) {
        const auto rest = below(candidate.path, *clean);
        if (!rest || (best && best->found->path.size() > candidate.path.size())) continue;
        best = ExportMatch{&candidate, std::string{*rest}};
    }
    return best;
}

}  // namespace berth::vfs
