#include "tests/support/faulty/node.hpp"

#include <algorithm>
#include <utility>

namespace berth::vfs::faulty {

NodePtr StandIns::of(NodePtr inner) {
    boost::intrusive_ptr<Node> made;  // whose end takes the lock, should it come to that
    const std::lock_guard guard{lock_};
    auto& known = nodes_[inner.get()];
    if (known != nullptr) {
        if (auto pinned = known->pin_if_alive()) return pinned;
    }
    made = new Node{std::move(inner), faults_, *this};
    inner_of_.emplace(made.get(), &made->inner());
    known = made.get();
    return made;
}

void StandIns::forget(const Node& node) {
    const std::lock_guard guard{lock_};
    inner_of_.erase(&node);
    const auto found = nodes_.find(&node.inner());
    // There may be a successor already, made while the last pin of this one was let go.
    if (found != nodes_.end() && found->second == &node) nodes_.erase(found);
}

vfs::Node& StandIns::inner_of(vfs::Node& node) {
    const std::lock_guard guard{lock_};
    const auto known = inner_of_.find(&node);
    return known == inner_of_.end() ? node : *known->second;
}

Result<NodePtr> Node::stand_in(Result<NodePtr> found) {
    if (!found) return found;
    return stand_ins_.of(*std::move(found));
}

Result<Attributes> Node::attributes(Patience patience) {
    return faults_.run(Operation::attributes, patience,
                       [&] { return inner_->attributes(patience); });
}

Result<std::uint8_t> Node::access(const Caller& caller, std::uint8_t permissions,
                                  const Attributes* seen) {
    return faults_.run(Operation::access, caller.patience,
                       [&] { return inner_->access(caller, permissions, seen); });
}

Result<void> Node::set_attributes(const Caller& caller, const NewAttributes& wanted,
                                  const Attributes* seen) {
    return faults_.run(Operation::set_attributes, caller.patience,
                       [&] { return inner_->set_attributes(caller, wanted, seen); });
}

Result<std::string> Node::read_link(const Caller& caller) {
    return faults_.run(Operation::read_link, caller.patience,
                       [&] { return inner_->read_link(caller); });
}

Result<std::size_t> Node::read(const Caller& caller, std::uint64_t offset,
                               std::span<std::byte> into, const Attributes* seen) {
    auto failure = faults_.next(Operation::read, caller.patience);
    if (failure && failure->read_bytes_max) {
        into = into.first(std::min(into.size(), *failure->read_bytes_max));
        failure.reset();
    }
    return Faults::failing(failure, [&] { return inner_->read(caller, offset, into, seen); });
}

Result<std::size_t> Node::write(const Caller& caller, std::uint64_t offset,
                                std::span<const std::byte> data, const Attributes* seen) {
    return faults_.run(Operation::write, caller.patience,
                       [&] { return inner_->write(caller, offset, data, seen); });
}

Result<void> Node::sync(Sync what) {
    return faults_.run(Operation::sync, Patience::ample, [&] { return inner_->sync(what); });
}

Result<std::unique_ptr<FileLocks>> Node::open_locks(const Caller& caller) {
    return faults_.run(Operation::open_locks, caller.patience,
                       [&] { return inner_->open_locks(caller); });
}

Result<NodePtr> Node::lookup(const Caller& caller, std::string_view name) {
    return faults_.run(Operation::lookup, caller.patience,
                       [&] { return stand_in(inner_->lookup(caller, name)); });
}

Result<Listed> Node::peek(const Caller& caller, std::string_view name) {
    return faults_.run(Operation::peek, caller.patience,
                       [&] { return inner_->peek(caller, name); });
}

Result<bool> Node::list(const Caller& caller, std::uint64_t cookie, const TakeEntry& take) {
    return faults_.run(Operation::list, caller.patience,
                       [&] { return inner_->list(caller, cookie, take); });
}

Result<NodePtr> Node::create(const Caller& caller, std::string_view name, const NewFile& file) {
    return faults_.run(Operation::create, caller.patience,
                       [&] { return stand_in(inner_->create(caller, name, file)); });
}

Result<NodePtr> Node::make_directory(const Caller& caller, std::string_view name,
                                     const NewAttributes& attributes) {
    return faults_.run(Operation::make_directory, caller.patience,
                       [&] { return stand_in(inner_->make_directory(caller, name, attributes)); });
}

Result<NodePtr> Node::make_symbolic_link(const Caller& caller, std::string_view name,
                                         std::string_view target, const NewAttributes& attributes) {
    return faults_.run(Operation::make_symbolic_link, caller.patience, [&] {
        return stand_in(inner_->make_symbolic_link(caller, name, target, attributes));
    });
}

Result<NodePtr> Node::make_special(const Caller& caller, std::string_view name,
                                   const SpecialFile& special) {
    return faults_.run(Operation::make_special, caller.patience,
                       [&] { return stand_in(inner_->make_special(caller, name, special)); });
}

Result<void> Node::remove(const Caller& caller, std::string_view name) {
    return faults_.run(Operation::remove, caller.patience,
                       [&] { return inner_->remove(caller, name); });
}

Result<void> Node::remove_directory(const Caller& caller, std::string_view name) {
    return faults_.run(Operation::remove_directory, caller.patience,
                       [&] { return inner_->remove_directory(caller, name); });
}

Result<Space> Node::space(const Caller& caller) {
    return faults_.run(Operation::space, caller.patience, [&] { return inner_->space(caller); });
}

Result<Limits> Node::limits(const Caller& caller) {
    return faults_.run(Operation::limits, caller.patience, [&] { return inner_->limits(caller); });
}

}  // namespace berth::vfs::faulty
