// Where berth keeps what must survive a restart.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/vfs/handle.hpp"
#include "nfs/vfs/withheld.hpp"

namespace berth::server {

class StateDirectory {
public:
    /// Makes the directory if need be: the one asked for, else /var/lib/berth for root and
    /// $XDG_STATE_HOME/berth (or ~/.local/state/berth) for others. It is for its owner alone; one
    /// that is there keeps its mode, and the log says what others can do in it. Where it can't be
    /// written the server goes on without, and the log says so. Throws UsageError when another
    /// server has it, or when something in it is not what this server would have made.
    explicit StateDirectory(const std::optional<std::filesystem::path>& asked);

    /// Where it is for those who asked for that, or for none; nothing is made.
    static std::filesystem::path place(const std::optional<std::filesystem::path>& asked);

    /// The key that handles are sealed with; a fresh one when there is nowhere to keep it. Throws
    /// UsageError when the file is there and is not a key.
    [[nodiscard]] vfs::HandleKey handle_key() const;

    /// A file or directory there; none when it would not be kept.
    [[nodiscard]] std::optional<std::filesystem::path> file(std::string_view name) const {
        return is_kept_ ? std::optional{path_ / name} : std::nullopt;
    }

    /// What must not be exported: the directory with all that is in it, and the key wherever else
    /// it has a name. After handle_key(). Null when nothing is kept.
    [[nodiscard]] std::shared_ptr<const vfs::Withheld> withheld() const;

    [[nodiscard]] bool is_kept() const noexcept { return is_kept_; }

    struct Close {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    using Lock = std::unique_ptr<std::FILE, Close>;

private:
    std::filesystem::path path_;
    Lock lock_;
    bool is_kept_ = false;
};

}  // namespace berth::server
