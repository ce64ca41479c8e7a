// A file system that fails on demand: forwards everything to another one, and lets chosen
// operations fail, before or after they were carried out. For tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "nfs/vfs/file_system.hpp"

namespace berth::vfs::faulty {

/// The operations of FileSystem and Node that can fail.
enum class Operation : std::uint8_t {
    root,
    find,
    space,
    limits,
    attributes,
    access,
    set_attributes,
    read_link,
    read,
    write,
    sync,
    open_locks,
    lookup,
    peek,
    list,
    create,
    make_directory,
    make_symbolic_link,
    make_special,
    link,
    remove,
    remove_directory,
    rename,
};
inline constexpr std::size_t operations = static_cast<std::size_t>(Operation::rename) + 1;

/// Whether it changes the tree.
[[nodiscard]] bool is_change(Operation operation);

struct Fault {
    std::errc error = std::errc::io_error;
    /// Counted from the injection on, over the operations the fault applies to: the first to fail.
    std::uint64_t nth = 1;
    /// How many of them fail in a row.
    std::uint64_t times = 1;
    /// Carried out all the same, as when the disk fails late or an answer is lost.
    bool after_success = false;
    /// Of a read: no failure, but so many bytes at most, as in front of a bad sector.
    std::optional<std::size_t> read_bytes_max;
    /// Only operations called with Patience::none: so that `would_block` is an honest answer.
    bool unless_waiting = false;
    /// Empty: every operation. Called from any thread.
    std::function<bool(Operation)> applies;
};

class FileSystem final : public vfs::FileSystem {
public:
    explicit FileSystem(std::shared_ptr<vfs::FileSystem> inner);
    ~FileSystem() override;

    /// Adds a fault to those there are. Where two want one operation, the one injected first
    /// decides; both count.
    void inject(Fault fault);
    /// Forgets all faults.
    void clear();
    /// How many operations failed because of a fault.
    [[nodiscard]] std::uint64_t failures() const;
    /// How many such operations were asked for.
    [[nodiscard]] std::uint64_t calls(Operation operation) const;
    /// From now on it looks as if unsynced data had been lost once more.
    void lose();

    using vfs::FileSystem::find;
    using vfs::FileSystem::root;
    Result<NodePtr> root(Patience patience) override;
    Result<NodePtr> find(const ObjectId& id, const Way& way, Patience patience) override;
    Result<void> link(const Caller& caller, vfs::Node& target, vfs::Node& directory,
                      std::string_view name) override;
    Result<void> rename(const Caller& caller, vfs::Node& from, std::string_view from_name,
                        vfs::Node& to, std::string_view to_name) override;
    [[nodiscard]] Limits limits() const override;
    [[nodiscard]] std::uint64_t losses() const override;
    [[nodiscard]] bool gives_fileids() const override;
    [[nodiscard]] std::uint64_t id_space() const override;

private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace berth::vfs::faulty
