// A file system that forwards everything to another one: what a decorator (one that records, delays
// or counts) begins as, and the proof that all around the interface works with one.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "nfs/vfs/file_system.hpp"

namespace berth::vfs::forwarding {

class Node;

/// The nodes that exist, by the inner one: while one does, the same object is given the same node.
/// Locks itself.
class Nodes {
public:
    [[nodiscard]] NodePtr of(NodePtr inner);
    /// A node of a foreign file system stands for itself: what is wrong with it the inner one says.
    [[nodiscard]] vfs::Node& inner_of(vfs::Node& node);
    void forget(const Node& node);

private:
    std::mutex lock_;
    std::unordered_map<const vfs::Node*, Node*> by_inner_;
    std::unordered_map<const vfs::Node*, vfs::Node*> inner_of_;
};

class Node final : public vfs::Node {
public:
    Node(NodePtr inner, Nodes& nodes) : inner_(std::move(inner)), nodes_(nodes) {}
    ~Node() override { nodes_.forget(*this); }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    [[nodiscard]] vfs::Node& inner() const { return *inner_; }

    [[nodiscard]] ObjectId id() const override { return inner_->id(); }
    [[nodiscard]] Way way() const override { return inner_->way(); }
    [[nodiscard]] std::mutex& change_lock() noexcept override { return inner_->change_lock(); }
    Result<Attributes> attributes(Patience patience) override {
        return inner_->attributes(patience);
    }
    Result<std::uint8_t> access(const Caller& caller, std::uint8_t permissions,
                                const Attributes* seen) override {
        return inner_->access(caller, permissions, seen);
    }
    Result<void> set_attributes(const Caller& caller, const NewAttributes& wanted,
                                const Attributes* seen) override {
        return inner_->set_attributes(caller, wanted, seen);
    }
    Result<std::string> read_link(const Caller& caller) override {
        return inner_->read_link(caller);
    }
    Result<std::size_t> read(const Caller& caller, std::uint64_t offset, std::span<std::byte> into,
                             const Attributes* seen) override {
        return inner_->read(caller, offset, into, seen);
    }
    Result<std::size_t> write(const Caller& caller, std::uint64_t offset,
                              std::span<const std::byte> data, const Attributes* seen) override {
        return inner_->write(caller, offset, data, seen);
    }
    Result<void> sync(Sync what) override { return inner_->sync(what); }
    Result<std::unique_ptr<FileLocks>> open_locks(const Caller& caller) override {
        return inner_->open_locks(caller);
    }

    Result<NodePtr> lookup(const Caller& caller, std::string_view name) override {
        return wrapped(inner_->lookup(caller, name));
    }
    Result<Listed> peek(const Caller& caller, std::string_view name) override {
        return inner_->peek(caller, name);
    }
    Result<void> act_as(const Caller& caller, const Work& work) override {
        return inner_->act_as(caller, work);
    }
    Result<NodePtr> create(const Caller& caller, std::string_view name,
                           const NewFile& file) override {
        return wrapped(inner_->create(caller, name, file));
    }
    Result<NodePtr> make_directory(const Caller& caller, std::string_view name,
                                   const NewAttributes& attributes) override {
        return wrapped(inner_->make_directory(caller, name, attributes));
    }
    Result<NodePtr> make_symbolic_link(const Caller& caller, std::string_view name,
                                       std::string_view target,
                                       const NewAttributes& attributes) override {
        return wrapped(inner_->make_symbolic_link(caller, name, target, attributes));
    }
    Result<NodePtr> make_special(const Caller& caller, std::string_view name,
                                 const SpecialFile& special) override {
        return wrapped(inner_->make_special(caller, name, special));
    }
    Result<void> remove(const Caller& caller, std::string_view name) override {
        return inner_->remove(caller, name);
    }
    Result<void> remove_directory(const Caller& caller, std::string_view name) override {
        return inner_->remove_directory(caller, name);
    }
    Result<bool> list(const Caller& caller, std::uint64_t cookie, const TakeEntry& take) override {
        return inner_->list(caller, cookie, take);
    }
    Result<Space> space(const Caller& caller) override { return inner_->space(caller); }
    Result<Limits> limits(const Caller& caller) override { return inner_->limits(caller); }

private:
    [[nodiscard]] Result<NodePtr> wrapped(Result<NodePtr> found) {
        if (!found) return found;
        return nodes_.of(*std::move(found));
    }

    const NodePtr inner_;
    Nodes& nodes_;
};

inline NodePtr Nodes::of(NodePtr inner) {
    boost::intrusive_ptr<Node> made;  // whose end takes the lock, should it come to that
    const std::lock_guard guard{lock_};
    auto& known = by_inner_[inner.get()];
    if (known != nullptr)
        if (auto pinned = known->pin_if_alive()) return pinned;
    made = new Node{std::move(inner), *this};
    inner_of_.emplace(made.get(), &made->inner());
    known = made.get();
    return made;
}

inline vfs::Node& Nodes::inner_of(vfs::Node& node) {
    const std::lock_guard guard{lock_};
    const auto known = inner_of_.find(&node);
    return known == inner_of_.end() ? node : *known->second;
}

inline void Nodes::forget(const Node& node) {
    const std::lock_guard guard{lock_};
    inner_of_.erase(&node);
    const auto found = by_inner_.find(&node.inner());
    // There may be a successor already, made while the last pin of this one was let go.
    if (found != by_inner_.end() && found->second == &node) by_inner_.erase(found);
}

class FileSystem : public vfs::FileSystem {
public:
    explicit FileSystem(std::shared_ptr<vfs::FileSystem> inner) : inner_(std::move(inner)) {}

    using vfs::FileSystem::find;
    using vfs::FileSystem::root;
    Result<NodePtr> root(Patience patience) override { return wrapped(inner_->root(patience)); }
    Result<NodePtr> find(const ObjectId& id, const Way& way, Patience patience) override {
        return wrapped(inner_->find(id, way, patience));
    }
    Result<void> link(const Caller& caller, vfs::Node& target, vfs::Node& directory,
                      std::string_view name) override {
        return inner_->link(caller, nodes_.inner_of(target), nodes_.inner_of(directory), name);
    }
    Result<void> rename(const Caller& caller, vfs::Node& from, std::string_view from_name,
                        vfs::Node& to, std::string_view to_name) override {
        return inner_->rename(caller, nodes_.inner_of(from), from_name, nodes_.inner_of(to),
                              to_name);
    }

    [[nodiscard]] Limits limits() const override { return inner_->limits(); }
    void sweep() override { inner_->sweep(); }
    [[nodiscard]] std::optional<std::string> trouble() override { return inner_->trouble(); }
    [[nodiscard]] std::uint64_t losses() const override { return inner_->losses(); }
    [[nodiscard]] bool gives_fileids() const override { return inner_->gives_fileids(); }
    [[nodiscard]] std::uint64_t id_space() const override { return inner_->id_space(); }

    [[nodiscard]] Result<MountPlace> mount_place() const override { return inner_->mount_place(); }
    [[nodiscard]] Result<ObjectId> place_of(const MountPlace& inner) const override {
        return inner_->place_of(inner);
    }
    [[nodiscard]] std::string fingerprint() const override { return inner_->fingerprint(); }
    [[nodiscard]] bool has_kernel_handles() const override { return inner_->has_kernel_handles(); }
    [[nodiscard]] boost::system::result<std::shared_ptr<vfs::FileSystem>, OpenError>
    open_mounted(const std::string& point) const override {
        auto opened = inner_->open_mounted(point);
        if (!opened) return opened;
        return std::shared_ptr<vfs::FileSystem>{std::make_shared<FileSystem>(*std::move(opened))};
    }

private:
    [[nodiscard]] Result<NodePtr> wrapped(Result<NodePtr> found) {
        if (!found) return found;
        return nodes_.of(*std::move(found));
    }

    const std::shared_ptr<vfs::FileSystem> inner_;
    Nodes nodes_;
};

}  // namespace berth::vfs::forwarding
