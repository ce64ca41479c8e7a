// The stand-in for an object of the inner file system. While one exists, the same object is always
// given the same stand-in, as the change lock requires.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "nfs/vfs/file_system.hpp"
#include "tests/support/faulty/faults.hpp"

namespace berth::vfs::faulty {

class Node;

/// The stand-ins that exist, by what they stand for. It locks itself.
class StandIns {
public:
    explicit StandIns(Faults& faults) : faults_(faults) {}

    [[nodiscard]] NodePtr of(NodePtr inner);
    void forget(const Node& node);
    /// A node of a foreign file system stands for itself: what is wrong with it the inner one says.
    [[nodiscard]] vfs::Node& inner_of(vfs::Node& node);

private:
    Faults& faults_;
    std::mutex lock_;
    std::unordered_map<const vfs::Node*, Node*> nodes_;  // by the inner node
    std::unordered_map<const vfs::Node*, vfs::Node*> inner_of_;
};

class Node final : public vfs::Node {
public:
    Node(NodePtr inner, Faults& faults, StandIns& stand_ins)
        : inner_(std::move(inner)),
          faults_(faults),
          stand_ins_(stand_ins) {}
    ~Node() override { stand_ins_.forget(*this); }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    [[nodiscard]] vfs::Node& inner() const { return *inner_; }

    [[nodiscard]] ObjectId id() const override { return inner_->id(); }
    [[nodiscard]] std::mutex& change_lock() noexcept override { return inner_->change_lock(); }
    [[nodiscard]] Way way() const override { return inner_->way(); }
    Result<Attributes> attributes(Patience patience) override;
    Result<std::uint8_t> access(const Caller& caller, std::uint8_t permissions,
                                const Attributes* seen) override;
    Result<void> set_attributes(const Caller& caller, const NewAttributes& wanted,
                                const Attributes* seen) override;

    Result<std::string> read_link(const Caller& caller) override;
    Result<std::size_t> read(const Caller& caller, std::uint64_t offset, std::span<std::byte> into,
                             const Attributes* seen) override;
    Result<std::size_t> write(const Caller& caller, std::uint64_t offset,
                              std::span<const std::byte> data, const Attributes* seen) override;
    Result<void> sync(Sync what) override;
    Result<std::unique_ptr<FileLocks>> open_locks(const Caller& caller) override;

    Result<NodePtr> lookup(const Caller& caller, std::string_view name) override;
    Result<Listed> peek(const Caller& caller, std::string_view name) override;
    Result<void> act_as(const Caller& caller, const Work& work) override {
        return inner_->act_as(caller, work);
    }
    Result<bool> list(const Caller& caller, std::uint64_t cookie, const TakeEntry& take) override;
    Result<Space> space(const Caller& caller) override;
    Result<Limits> limits(const Caller& caller) override;

    Result<NodePtr> create(const Caller& caller, std::string_view name,
                           const NewFile& file) override;
    Result<NodePtr> make_directory(const Caller& caller, std::string_view name,
                                   const NewAttributes& attributes) override;
    Result<NodePtr> make_symbolic_link(const Caller& caller, std::string_view name,
                                       std::string_view target,
                                       const NewAttributes& attributes) override;
    Result<NodePtr> make_special(const Caller& caller, std::string_view name,
                                 const SpecialFile& special) override;
    Result<void> remove(const Caller& caller, std::string_view name) override;
    Result<void> remove_directory(const Caller& caller, std::string_view name) override;

private:
    /// The stand-in for what an operation found or made.
    [[nodiscard]] Result<NodePtr> stand_in(Result<NodePtr> found);

    const NodePtr inner_;
    Faults& faults_;
    StandIns& stand_ins_;
};

}  // namespace berth::vfs::faulty
