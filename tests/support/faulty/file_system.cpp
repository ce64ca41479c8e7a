#include "tests/support/faulty/file_system.hpp"

#include <atomic>
#include <utility>

#include "tests/support/faulty/faults.hpp"
#include "tests/support/faulty/node.hpp"

namespace berth::vfs::faulty {

class FileSystem::State {
public:
    explicit State(std::shared_ptr<vfs::FileSystem> wrapped) : inner(std::move(wrapped)) {}

    const std::shared_ptr<vfs::FileSystem> inner;
    Faults faults;
    StandIns stand_ins{faults};
    std::atomic<std::uint64_t> losses{0};

    Result<NodePtr> stand_in(Result<NodePtr> found) {
        if (!found) return found;
        return stand_ins.of(*std::move(found));
    }
};

FileSystem::FileSystem(std::shared_ptr<vfs::FileSystem> inner)
    : state_(std::make_unique<State>(std::move(inner))) {}

FileSystem::~FileSystem() = default;

void FileSystem::inject(Fault fault) {
    state_->faults.inject(std::move(fault));
}
void FileSystem::clear() {
    state_->faults.clear();
}
std::uint64_t FileSystem::failures() const {
    return state_->faults.failures();
}
std::uint64_t FileSystem::calls(Operation operation) const {
    return state_->faults.calls(operation);
}
void FileSystem::lose() {
    ++state_->losses;
}

Result<NodePtr> FileSystem::root(Patience patience) {
    return state_->faults.run(Operation::root, patience,
                              [&] { return state_->stand_in(state_->inner->root(patience)); });
}

Result<NodePtr> FileSystem::find(const ObjectId& id, const Way& way, Patience patience) {
    return state_->faults.run(Operation::find, patience, [&] {
        return state_->stand_in(state_->inner->find(id, way, patience));
    });
}

Result<void> FileSystem::link(const Caller& caller, vfs::Node& target, vfs::Node& directory,
                              std::string_view name) {
    auto& stand_ins = state_->stand_ins;
    return state_->faults.run(Operation::link, caller.patience, [&] {
        return state_->inner->link(caller, stand_ins.inner_of(target),
                                   stand_ins.inner_of(directory), name);
    });
}

Result<void> FileSystem::rename(const Caller& caller, vfs::Node& from, std::string_view from_name,
                                vfs::Node& to, std::string_view to_name) {
    auto& stand_ins = state_->stand_ins;
    return state_->faults.run(Operation::rename, caller.patience, [&] {
        return state_->inner->rename(caller, stand_ins.inner_of(from), from_name,
                                     stand_ins.inner_of(to), to_name);
    });
}

Limits FileSystem::limits() const {
    return state_->inner->limits();
}

bool FileSystem::gives_fileids() const {
    return state_->inner->gives_fileids();
}

std::uint64_t FileSystem::id_space() const {
    return state_->inner->id_space();
}

std::uint64_t FileSystem::losses() const {
    return state_->inner->losses() + state_->losses;
}

}  // namespace berth::vfs::faulty
